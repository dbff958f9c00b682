import Tensors
import Testing

@testable import PluginHost

struct DiffusionTests {
  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in objective.terms at step 17: "

  /// Images of two numbers, with labels and positions.
  private func batch() throws -> Batch {
    Batch(
      forgetCount: 1, retainCount: 3, inputs: try Tensor.ones([4, 1, 1, 2]),
      labels: try Tensor.zeros([4], dtype: .int64), indices: try Tensor.arange(4))
  }

  private func terms(_ toy: Toy, _ mode: String) throws -> [Term] {
    try toy.objective(mode).terms(
      progress: Toy.progress, batches: [batch()], sets: .both, schedule: "pairs")
  }

  @Test(arguments: [0, 2])
  func `noise, timesteps, predictions and losses are what the header says`(_ conditions: Int) throws {
    let toy = try Toy(conditions: conditions)
    let terms = try terms(toy, "diffusion")
    #expect(terms.map(\.name) == ["forget"])
    #expect(try terms[0].timesteps?.int64s() == [4, 4, 4, 4])
    let losses = try #require(terms[0].losses)
    #expect(try gradient(of: [losses.sum()], withRespectTo: [toy.world.weight])[0] != nil)
    #expect(toy.session.tensors.count == 0 && GradientMode.isOn)
  }

  @Test func `the task's losses of a batch know where the step stands`() throws {
    let toy = try Toy(conditions: 0)
    _ = try terms(toy, "batch")
    #expect(toy.world.progress == Toy.progress)
  }

  @Test func `the task's losses of a classifier's batch are its cross-entropies`() throws {
    let toy = try Toy()
    let batch = try toy.batch()
    let terms = try toy.objective("batch").terms(
      progress: Toy.progress, batches: [batch], sets: .both, schedule: "pairs")
    let outputs = try toy.world.forward(ModelHandle(0), inputs: batch.inputs, evaluation: false)
    #expect(
      try terms[0].losses?.floats() == toy.world.losses(outputs: outputs, labels: batch.labels).floats())
    #expect(terms[0].timesteps == nil)
  }

  static let mistakes: [(String, String)] = [
    ("diffusion: count", "0 timesteps are asked for, 1 to 1048576 would be right"),
    ("diffusion: draw flags", "flags 8 has bits that no header names"),
    ("diffusion: whole noise", "'like': the type is int64, a floating-point type would be right"),
    (
      "diffusion: other noise",
      "the noise is float32 [2, 1, 1, 3] on cpu, the images are float32 [2, 1, 1, 2] on cpu: both must be of one kind"
    ),
    ("diffusion: wide", "'clean': the shape is [2, 1, 1, 3], [n, C, H, W] with C*H*W = 2 would be right"),
    ("diffusion: whole images", "'clean': the type is int64, a floating-point type would be right"),
    (
      "diffusion: target", "the target is float32 [2, 1, 1, 3] on cpu, the prediction float32 [2, 1, 1, 2] on cpu"
    ),
    ("diffusion: high", "'timesteps': 10 is not in 0 ... 9"),
    ("diffusion: too many", "'timesteps': the shape is [3], [2] would be right"),
    ("diffusion: float steps", "'timesteps': the type is float32, int64 would be right"),
    ("diffusion: unset size", "the size of 'lethe_denoise' is 0, set it to sizeof of the struct"),
    ("diffusion: flags", "flags 64 has bits that no header names"),
    ("diffusion: guidance", "guidance is not a finite number"),
    (
      "diffusion: needless guidance",
      "the network is not conditioned: no conditions, guidance 0 and no dropping would be right"
    ),
    (
      "diffusion: class",
      "the network is not conditioned: no conditions, guidance 0 and no dropping would be right"
    ),
    ("batch: size", "the size of 'lethe_batch' is 8, set it to sizeof of the struct"),
    ("batch: counts", "1 and 7 samples do not make a batch of shape [4, 1, 1, 2]"),
    ("batch: labels", "'labels': the shape is [4, 1, 1, 2], [4] would be right"),
    ("batch: out", "the size of 'lethe_task_losses' is 0, set it to sizeof of the struct before the call"),
    (
      "good", "the run's model is a denoiser: 'denoise' of lethe.diffusion/1 is for it"
    ),
  ]

  @Test(arguments: mistakes)
  func `what does not fit is refused`(_ mistake: (String, String)) throws {
    let toy = try Toy(conditions: 0)
    #expect(message { _ = try terms(toy, mistake.0) } == Self.place + mistake.1)
  }

  @Test func `a conditioned network wants conditions in range`() throws {
    let toy = try Toy(conditions: 2)
    #expect(message { _ = try terms(toy, "diffusion: class") } == Self.place + "'conditions': 5 is not in -1 ... 1")
    #expect(
      message { _ = try terms(toy, "diffusion: none") }
        == Self.place + "'conditions' is NULL, and the network is conditioned on 2 classes")
  }

  @Test func `a classifier has no noise`() throws {
    let toy = try Toy()
    let text = "the run's model is a classifier: it has no noise and no timesteps"
    #expect(message { _ = try terms(toy, "diffusion") } == Self.place + text)
    #expect(message { _ = try toy.reweighter("curve") }.hasSuffix(text))
  }

  @Test func `a reference curve is drawn before the first step`() throws {
    _ = try Toy(conditions: 0).reweighter("curve")
    #expect(
      message { _ = try Toy(conditions: 0).reweighter("curve: high") }.hasSuffix("timestep 10 is not in 0 ... 9"))
    #expect(
      message { _ = try Toy(conditions: 0).reweighter("curve: set") }
        .hasSuffix("set 3 is neither 1 (forget) nor 2 (retain)"))
  }

  @Test func `a reweighter is told that nobody knows a clean loss`() throws {
    let toy = try Toy()
    let terms = try toy.objective("no clean loss").terms(progress: Toy.progress, batches: [toy.batch()], sets: .both)
    #expect(!terms[0].knowsCleanLosses)
    _ = try toy.reweighter("clean losses").weights(for: terms[0], progress: Toy.progress)
    var known = terms[0]
    known.knowsCleanLosses = true
    #expect(
      message { _ = try toy.reweighter("clean losses").weights(for: known, progress: Toy.progress) }
        .hasSuffix("there are clean losses"))
  }
}

struct ScaleTests {
  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in updater.scale_terms at step 17: "

  private func scales(_ mode: String) throws -> [Double]? {
    let updater = try Toy().updater(mode)
    #expect(updater.scalesTerms)
    let terms = try [
      StepTerm(name: "forget", set: .forget, coefficient: -1, loss: .scalar(1)),
      StepTerm(name: "retain", set: .retain, coefficient: 2, loss: .scalar(2)),
    ]
    return try updater.scales(progress: Toy.progress, terms: terms, learningRate: 0.5)?.map { try $0.item() }
  }

  @Test func `an updater may know the factors of the terms, or not`() throws {
    #expect(try scales("scales") == [0.5, 3])
    #expect(try scales("good") == nil)
  }

  @Test(arguments: [
    ("scales: one", "scale of term 'forget': there is no tensor"),
    ("scales: vector", "scale of term 'retain': the shape is [2], one element would be right"),
    ("scales: gradient", "gradients and the direction are for 'combine' only"),
  ])
  func `factors that are none are refused`(_ broken: (String, String)) throws {
    #expect(message { _ = try scales(broken.0) } == Self.place + broken.1)
  }
}
