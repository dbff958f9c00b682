import Tensors
import Testing

@testable import PluginHost

struct ObjectiveTests {
  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in objective.terms at step 17: "

  @Test func `terms come back with their graph`() throws {
    let toy = try Toy()
    let objective = try toy.objective("good")
    let terms = try objective.terms(progress: Toy.progress, batches: [toy.batch()], sets: .both)
    #expect(terms.map(\.name) == ["forget"])
    #expect(terms[0].set == .forget && terms[0].coefficient == 1)
    let losses = try #require(terms[0].losses)
    let gradients = try gradient(of: [losses.sum()], withRespectTo: [toy.world.weight])
    #expect(gradients[0]?.shape == [3, 2])
    #expect(try terms[0].indices?.int64s() == [3, 1, 4, 15])
    #expect(toy.world.log == ["info: added the terms"])
    #expect(toy.session.tensors.count == 0)
  }

  @Test func `a penalty has no samples`() throws {
    let toy = try Toy()
    let terms = try toy.objective("penalty").terms(progress: Toy.progress, batches: [toy.batch()], sets: .forget)
    #expect(terms.map(\.name) == ["decay", "forget"])
    #expect(terms[0].losses == nil && terms[0].set == [])
    #expect(try terms[0].penalty?.item() == Double(Float(0.7)) || abs((terms[0].penalty?.item() ?? 0) - 0.7) < 1e-6)
  }

  @Test func `a model that the manifest lists is found, another is not`() throws {
    let toy = try Toy()
    _ = try toy.objective("original").terms(progress: Toy.progress, batches: [toy.batch()], sets: .forget)
    let objective = try toy.objective("unlisted model")
    let batch = try toy.batch()
    #expect(
      message { _ = try objective.terms(progress: Toy.progress, batches: [batch], sets: .forget) }
        == Self.place + "the model 'teacher' is not listed under 'models' in the manifest")
  }

  static let broken: [(String, String)] = [
    ("no terms", "it added no term for forget"),
    ("other set", "it added no term for forget"),
    ("bad name", "term 'Forget It': its name must look like [a-z][a-z0-9_-]*"),
    ("bad set", "term 'forget': its set is 3, 1 (forget), 2 (retain) or 0 (a penalty) would be right"),
    ("bad coefficient", "term 'forget': its coefficient is not a finite number"),
    ("bad losses", "term 'forget': 'losses': the shape is [4, 3], [n] with n above 0 would be right"),
    ("bad indices", "term 'forget': 'indices': the type is float32, int64 would be right"),
    ("both", "term 'forget': it has both losses and a penalty"),
    ("term flags", "term 'forget': its flags 2 have bits that no header names"),
    ("twice", "term 'forget': the step has a term of that name already"),
    ("no gradient", "term 'forget': 'losses' is not part of the graph, so no gradient can flow"),
    ("unset size", "the size of 'lethe_term' is 0, set it to sizeof of the struct"),
    ("bad flags", "flags 64 has bits that no header names"),
    ("says why", "the forget set is empty"),
  ]

  @Test(arguments: broken)
  func `terms that are none are refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    let objective = try toy.objective(broken.0)
    let batch = try toy.batch()
    #expect(
      message { _ = try objective.terms(progress: Toy.progress, batches: [batch], sets: .forget) }
        == Self.place + broken.1)
    #expect(GradientMode.isOn)
  }
}

struct ResizeTests {
  @Test func `an objective may resize a parameter before the first step`() throws {
    let toy = try Toy()
    _ = try toy.objective("resize well")
    #expect(toy.world.weight.shape == [4, 2])
    #expect(try toy.world.weight.floats() == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(toy.world.weight.requiresGrad)
  }

  static let broken: [(String, String)] = [
    ("resize nothing", "failed in objective.prepare: the model has no parameter 'head'"),
    (
      "resize wide",
      "failed in objective.prepare: a value of shape [4, 3] differs from [3, 2] in more than the first size"
    ),
  ]

  @Test(arguments: broken) func `what does not fit is refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    #expect(message { _ = try toy.objective(broken.0) }.hasSuffix(broken.1))
    #expect(toy.world.weight.shape == [3, 2])
  }

  @Test func `no parameter changes its shape during a step, or under another role`() throws {
    let toy = try Toy()
    let objective = try toy.objective("late well")
    let batch = try toy.batch()
    let text = "resize is for 'prepare' and 'finish' of an objective only"
    #expect(
      message { _ = try objective.terms(progress: Toy.progress, batches: [batch], sets: .forget) }.hasSuffix(text))
    #expect(message { _ = try toy.reweighter("resize well") }.hasSuffix(text))
    #expect(toy.world.weight.shape == [3, 2])
  }
}

struct MaskTests {
  private static let place = "plugin 'test.plugin' 1.2.0 (libgood.so) failed in mask."

  /// The masks of the fixture share their sums, so the walks take turns.
  private static let turn = Turn()

  private func scores(_ toy: Toy, _ mode: String) throws -> [Tensor] {
    let mask = try toy.mask(mode)
    let parameters = toy.world.named
    let walk = try mask.begin(parameters: parameters, walk: Walk(batch: 32))
    #expect(walk == Walk(batch: 16))
    for sign in [1.0, -1.0] {
      let weight = try Tensor.full([3, 2], sign * 0.5)
      try mask.accumulate(gradients: NamedTensors(names: parameters.names, tensors: [weight, nil]), count: 16)
    }
    return try mask.scores(parameters: parameters)
  }

  @Test func `scores are what was accumulated`() throws {
    let toy = try Toy()
    try Self.turn.take {
      let scores = try scores(toy, "good")
      #expect(try scores[0].floats() == [Float](repeating: 1, count: 6))
      #expect(try scores[1].floats() == [0, 0, 0])
    }
  }

  static let broken: [(String, String)] = [
    ("no scores", "finish: scores of 'bias': there is no tensor"),
    ("wrong shape", "finish: scores of 'weight': the shape is [1], [3, 2] would be right"),
    ("negative", "finish: scores of 'weight': an entry is negative"),
    ("not finite", "finish: scores of 'weight': an entry is not finite"),
    ("silent", "begin: status 13 (internal) without a message"),
    (
      "bad walk",
      "begin: the walk has flags 0 and batch 0; flags of lethe/mask.h and a batch above 0 would be right"
    ),
  ]

  @Test(arguments: broken)
  func `scores that are none are refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    Self.turn.take {
      #expect(message { _ = try scores(toy, broken.0) } == Self.place + broken.1)
    }
  }
}

struct UpdaterTests {
  /// Two terms with gradients of ones and twos.
  final class View: StepView {
    let terms: [StepTerm]
    let learningRate = 0.5
    private let gradients: [[Tensor?]]

    init() throws {
      terms = try [
        StepTerm(name: "forget", set: .forget, coefficient: -1, loss: .scalar(1)),
        StepTerm(name: "retain", set: .retain, coefficient: 2, loss: .scalar(2)),
      ]
      gradients = try [[.ones([3, 2]), nil], [.full([3, 2], 2), .ones([3])]]
    }

    func gradients(ofTerm index: Int) throws -> NamedTensors {
      NamedTensors(names: ["weight", "bias"], tensors: gradients[index])
    }

    struct NeedsNoTrial: Error {}
    func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws { throw NeedsNoTrial() }
    func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws { throw NeedsNoTrial() }
    func restore() throws { throw NeedsNoTrial() }
  }

  @Test func `a direction is made of the terms' gradients`() throws {
    let toy = try Toy()
    let updater = try toy.updater("good")
    #expect(updater.combines && updater.actsAfterStep)
    let direction = try updater.combine(progress: Toy.progress, step: View(), parameters: toy.world.named)
    // <a, b> = 12; a + 12 b.
    #expect(try direction[0].floats() == [Float](repeating: 25, count: 6))
    #expect(try direction[1].floats() == [12, 12, 12])
    #expect(toy.session.tensors.count == 0)
  }

  @Test func `parameters may change after the step, without a graph`() throws {
    let toy = try Toy()
    let before = try toy.world.bias.floats()
    try toy.updater("good").afterStep(progress: Toy.progress, learningRate: 0.25)
    #expect(try toy.world.bias.floats() == before.map { $0 / 2 })
    #expect(toy.world.bias.isLeaf && GradientMode.isOn)
  }

  @Test(arguments: [
    ("no direction", "it succeeded but set no direction"),
    ("too many", "direction of 'all': the shape is [1], 2 tensors would be right"),
    ("wrong shape", "direction of 'weight': the shape is [], [3, 2] would be right"),
    ("says why", "the forget set is empty"),
  ])
  func `a direction that is none is refused`(_ broken: (String, String)) throws {
    let toy = try Toy()
    let updater = try toy.updater(broken.0)
    let view = try View()
    #expect(
      message { _ = try updater.combine(progress: Toy.progress, step: view, parameters: toy.world.named) }
        == "plugin 'test.plugin' 1.2.0 (libgood.so) failed in updater.combine at step 17: \(broken.1)")
  }
}
