import Foundation
import Learning
import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct DiffusionObjectiveTests {
  private func terms(
    _ id: String, _ bench: DiffusionBench, _ batch: Batch, _ given: [(String, ParameterValue)] = [], step: Int = 0
  ) throws -> [Term] {
    try bench.objective(id, given).terms(
      progress: progress(step), batches: [batch], sets: .both, schedule: "paired")
  }

  private func text(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  // MARK: Methods that serve both tasks

  @Test(arguments: [("fine-tune", 0, 6, 1.0), ("gradient-ascent", 6, 0, -1), ("l1-sparse", 0, 6, 1)])
  func `general methods take the task's losses with their timesteps`(_ known: (String, Int, Int, Double)) throws {
    let bench = try DiffusionBench()
    let batch = try bench.batch(forget: known.1, retain: known.2)
    let found = try terms(known.0, bench, batch)
    let right = try bench.world.batchLosses(ModelHandle(0), of: batch, progress: nil)
    #expect(found[0].coefficient == known.3)
    #expect(try found[0].losses?.doubles() == right.losses.doubles())
    #expect(try found[0].timesteps?.int64s() == right.timesteps?.int64s())
  }

  // MARK: EraseDiff

  /// Variants with what they need.
  static let variants: [(String, [(String, ParameterValue)])] = [
    ("A", []), ("B", []), ("B", [("target", .string("normal")), ("mean", .float(0.5)), ("sd", .float(2))]),
    ("C", []), ("C", [("mode", .string("reference"))]), ("D", [("target_class", .int(1))]),
  ]

  @Test(arguments: variants)
  func `every variant of erasediff has the gradient of its loss`(
    _ variant: (String, [(String, ParameterValue)])
  ) throws {
    let world = try DiffusionWorld(conditions: 3)
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 4, retain: 5)
    let given = [("variant", ParameterValue.string(variant.0)), ("single", .float(0.3))] + variant.1
    let found = try terms("erasediff", bench, batch, given)
    #expect(found.map(\.name) == ["retain", "forget"] && found.map(\.coefficient) == [1, 0.3])
    #expect(found[1].knowsCleanLosses == (variant.0 != "A"))
    #expect((found[1].cleanLosses == nil) == (variant.0 == "A"))
    #expect(try found[0].losses?.doubles() == terms("erasediff", bench, batch, given)[0].losses?.doubles())
    // What is no gradient's business, the prediction for another class, must not move with the weights.
    world.stopped = try world.models[0].map { try $0.detach().clone() }
    try expectGradient(world, of: found, is: { try value(of: terms("erasediff", bench, batch, given)).item() })
  }

  @Test
  func `a target that is stopped has no gradient`() throws {
    let world = try DiffusionWorld(conditions: 2)
    let bench = try DiffusionBench(world)
    var batch = try bench.batch(forget: 4, retain: 0)
    // Class 1 for all, and class 1 as their target: the loss is 0 and so is its gradient.
    batch.labels = try Tensor.ones([4], dtype: .int64)
    let found = try terms("erasediff", bench, batch, [("variant", .string("D")), ("target_class", .int(1))])
    #expect(try #require(found[0].losses).doubles() == [0, 0, 0, 0])
    let other = try terms("erasediff", bench, batch, [("variant", .string("D")), ("target_class", .int(0))])
    #expect(try #require(other[0].losses).doubles().allSatisfy { $0 > 0 })
    let gradients = try gradient(of: [value(of: other)], withRespectTo: world.models[0])
    #expect(try #require(gradients[3]).doubles().contains { abs($0) > 1e-3 })
  }

  @Test
  func `a wrong target of erasediff is what it says`() throws {
    let bench = try DiffusionBench()
    let batch = try bench.batch(forget: 2000, retain: 0)
    // A network that answers 0 shows the target in its loss: E y^2 is 1/3 for U(0, 1), and m^2 + s^2 for N(m, s^2).
    try withoutGradients { for tensor in bench.world.models[0] { try tensor.zero() } }
    func mean(_ given: [(String, ParameterValue)]) throws -> Double {
      try #require(terms("erasediff", bench, batch, given)[0].losses).mean().item() / 6
    }
    // 12 000 draws: four standard errors of y^2 are 0.011 for U(0, 1) and 0.11 for N(1, 1).
    #expect(abs(try mean([]) - 1.0 / 3) < 0.011)
    #expect(abs(try mean([("target", .string("normal")), ("mean", .float(1)), ("sd", .float(1))]) - 2) < 0.11)
  }

  @Test
  func `what erasediff cannot do is refused by name`() throws {
    let bench = try DiffusionBench()
    #expect(
      text { _ = try bench.objective("erasediff", [("variant", .string("D"))]) }
        .hasSuffix("variant D sends every forget sample to one class: 'target_class' is missing"))
    #expect(
      text { _ = try bench.objective("erasediff", [("variant", .string("C"))]) }
        .hasSuffix("variant C gives samples another class, and the network is not conditioned on any"))
    #expect(
      text {
        _ = try DiffusionBench(conditions: 2).objective(
          "erasediff", [("variant", .string("D")), ("target_class", .int(2))])
      }.hasSuffix("class 2 is not in 0 ... 1"))
  }

  // MARK: SalUn

  @Test
  func `salun-diffusion compares the prediction with that for another class`() throws {
    let bench = try DiffusionBench(conditions: 2)
    let batch = try bench.batch(forget: 4, retain: 5)
    let found = try terms("salun-diffusion", bench, batch)
    #expect(found.map(\.name) == ["forget", "retain"] && found.map(\.coefficient) == [1, 1])
    #expect(found[0].cleanLosses?.requiresGrad == false)
    // With two classes the other class is the next one: both modes agree but for the reduction and the timesteps.
    #expect(try #require(found[0].losses).doubles().allSatisfy { $0 > 0 })
    let reference = try terms("salun-diffusion", bench, batch, [("mode", .string("reference"))])
    #expect(reference.map(\.coefficient) == [1, 1e-3])
  }

  @Test
  func `salun-diffusion in mode reference averages one loss and sums the other over an image`() throws {
    let world = try DiffusionWorld(conditions: 2, noise: [(0.8, 0.6)])
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 4, retain: 5)
    let paper = try terms("salun-diffusion", bench, batch)
    let reference = try terms("salun-diffusion", bench, batch, [("mode", .string("reference"))])
    // One timestep and two classes: the draws are the same.
    let (a, b) = (try #require(paper[0].losses).doubles(), try #require(reference[0].losses).doubles())
    #expect(isClose(b, a.map { $0 / 6 }))
    #expect(try isClose(#require(reference[1].losses).doubles(), #require(paper[1].losses).doubles()))
  }

  @Test(arguments: ["paper", "reference"])
  func `salun-diffusion has the gradient of its loss`(_ mode: String) throws {
    let world = try DiffusionWorld(conditions: 3)
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 4, retain: 5)
    let given = [("mode", ParameterValue.string(mode)), ("alpha", .float(0.3))]
    let found = try terms("salun-diffusion", bench, batch, given)
    world.stopped = try world.models[0].map { try $0.detach().clone() }
    try expectGradient(world, of: found, is: { try value(of: terms("salun-diffusion", bench, batch, given)).item() })
  }

  @Test
  func `salun-diffusion needs classes`() throws {
    #expect(
      text { _ = try DiffusionBench().objective("salun-diffusion") }
        .hasSuffix("salun-diffusion gives samples another class, and the network is not conditioned on any"))
  }

  // MARK: Selective amnesia

  @Test(arguments: ["paper", "reference"])
  func `the penalty weighs each weight by the square of its summed gradient`(_ mode: String) throws {
    let world = try DiffusionWorld(noise: [(0.8, 0.6), (0.6, 0.8)])
    let bench = try DiffusionBench(world)
    let objective = try bench.objective(
      "selective-amnesia",
      [("fisher_samples", .int(3)), ("lambda", .float(4)), ("mode", .string(mode)), ("gamma", .float(0.5))])
    let batch = try bench.batch(forget: 4, retain: 5)
    func penalty() throws -> Double {
      let terms = try objective.terms(progress: progress(), batches: [batch], sets: .both, schedule: "paired")
      #expect(terms.map(\.name) == ["forget", "retain", "ewc"])
      #expect(terms[1].coefficient == 0.5 && terms[2].coefficient == (mode == "paper" ? 2 : 4))
      #expect(!terms[0].knowsCleanLosses)
      return try #require(terms[2].penalty).item()
    }
    #expect(try penalty() == 0)

    // F of the last bias: dl/db_i = 2 (prediction_i - eps_i), summed over both timesteps, squared, averaged over samples.
    let generatorSeeds = (0..<3).map { sample in
      var stream = Philox(seed: 1, label: "selective-amnesia/fisher.\(sample).0")
      return stream.next64()
    }
    var fisher = [Double](repeating: 0, count: 6)
    for (sample, seed) in generatorSeeds.enumerated() {
      let image = try world.batch(sample, of: DataPass(set: .retain, batch: 1)).inputs
      let x = try mode == "paper" ? image : (image + 1) * 0.5
      let both = try Tensor.cat([x, x])
      let eps = try Tensor.randomNormal([2, 1, 2, 3], dtype: .float64, generator: Generator(seed: seed))
      let t = try Tensor([Int64](arrayLiteral: 0, 1), shape: [2])
      let gamma = try Tensor([Double(Float(0.8)), Double(Float(0.6))], shape: [2, 1, 1, 1])
      let sigma = try Tensor([Double(Float(0.6)), Double(Float(0.8))], shape: [2, 1, 1, 1])
      let found = try withoutGradients {
        try world.denoise(
          ModelHandle(0), DenoiseInput(noisy: try gamma * both + sigma * eps, timesteps: t)) - eps
      }
      let summed = try found.reshape([2, 6]).sum(along: [0]).doubles()
      for index in 0..<6 { fisher[index] += 4 * summed[index] * summed[index] / 3 }
    }
    try withoutGradients { try world.models[0][3].add(0.5) }
    #expect(try isClose([penalty()], [0.25 * fisher.reduce(0, +)], within: 1e-9))
  }

  @Test(arguments: ["paper", "reference"])
  func `selective-amnesia has the gradient of its loss`(_ mode: String) throws {
    let world = try DiffusionWorld()
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 4, retain: 5)
    let objective = try bench.objective(
      "selective-amnesia",
      [
        ("fisher_samples", .int(2)), ("fisher_timesteps", .int(3)), ("lambda", .float(1e-3)), ("mode", .string(mode)),
      ])
    // Away from the original weights, where the penalty has a gradient.
    try withoutGradients { for tensor in world.models[0] { try tensor.add(0.1) } }
    func found() throws -> [Term] {
      try objective.terms(progress: progress(), batches: [batch], sets: .both, schedule: "paired")
    }
    let terms = try found()
    let penalty = try gradient(of: [value(of: terms[2])], withRespectTo: world.models[0], retainGraph: true)
    #expect(try #require(penalty[3]).doubles().contains { abs($0) > 1e-3 })
    try expectGradient(world, of: terms, is: { try value(of: found()).item() })
  }

  @Test
  func `a Fisher pass that is stored is not made again`() throws {
    let world = try DiffusionWorld()
    let bench = try DiffusionBench(world)
    let given: [(String, ParameterValue)] = [("fisher_samples", .int(2)), ("fisher_timesteps", .int(3))]
    let first = try bench.objective("selective-amnesia", given)
    let passes = world.passes.count
    #expect(passes == 2)
    let second = try bench.objective("selective-amnesia", given)
    #expect(world.passes.count == passes)
    #expect(try second.saveState(step: 0) == first.saveState(step: 0))
    // Another strength of the pass is another artifact.
    _ = try bench.objective("selective-amnesia", [("fisher_samples", .int(1)), ("fisher_timesteps", .int(3))])
    #expect(world.passes.count == passes + 1)
  }

  @Test
  func `a resumed run has the Fisher matrix of the first one`() throws {
    let bench = try DiffusionBench()
    let batch = try bench.batch(forget: 4, retain: 5)
    let given: [(String, ParameterValue)] = [("fisher_samples", .int(2)), ("fisher_timesteps", .int(3))]
    let first = try bench.objective("selective-amnesia", given)
    let state = try #require(try first.saveState(step: 5))
    let second = try bench.objective("selective-amnesia", given)
    try second.loadState(state, step: 5)
    #expect(try second.saveState(step: 5) == state)
    try withoutGradients { for tensor in bench.world.models[0] { try tensor.add(0.1) } }
    let losses = try [first, second].map { objective in
      try objective.terms(progress: progress(6), batches: [batch], sets: .both, schedule: "paired")
        .map { try value(of: $0).item() }
    }
    #expect(losses[0] == losses[1] && losses[0][2] > 0)
  }

  // MARK: Blindspot

  @Test
  func `blindspot follows the proxy on what is to be forgotten`() throws {
    let world = try DiffusionWorld(hasProxy: true)
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 4, retain: 5)
    let found = try terms("blindspot", bench, batch)
    #expect(found.map(\.name) == ["retain", "forget"])
    try expectGradient(world, of: found, is: { try value(of: terms("blindspot", bench, batch)).item() })
    try withoutGradients { for (own, proxy) in zip(world.models[0], world.models[2]) { try own.assign(proxy) } }
    let same = try terms("blindspot", bench, batch)
    #expect(try #require(same[1].losses).doubles() == [0, 0, 0, 0])
    #expect(try #require(same[1].cleanLosses).doubles().allSatisfy { $0 > 0 })
  }

  @Test
  func `blindspot needs the proxy that the recipe declares`() throws {
    #expect(
      text { _ = try DiffusionBench().objective("blindspot") }.hasSuffix("this run has no model 'proxy'"))
  }
}
