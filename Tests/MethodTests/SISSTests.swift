import Foundation
import Learning
import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct SISSTests {
  private func terms(
    _ bench: DiffusionBench, _ batch: Batch, _ given: [(String, ParameterValue)] = [], schedule: String = "pairs",
    step: Int = 0, sets: SampleSet = .both
  ) throws -> [Term] {
    try bench.objective("siss", given).terms(
      progress: progress(step), batches: [batch], sets: sets, schedule: schedule)
  }

  private func term(_ name: String, in terms: [Term]) -> Term? { terms.first { $0.name == name } }

  // MARK: Weights

  /// Weights of all pairs: in one pass, so that no term leaves pairs out.
  private func weights(_ lambda: Double, _ world: DiffusionWorld, pairs: Int, step: Int, dtype: DType) throws -> (
    x: [Double], a: [Double], losses: [Double]
  ) {
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 3, retain: pairs, dtype: dtype)
    let found = try terms(bench, batch, [("lambda", .float(lambda)), ("split", .bool(false))], step: step)
    let (keep, forget) = (try #require(term("keep", in: found)), try #require(term("forget", in: found)))
    return (
      try #require(keep.importance).to(.float64).doubles(), try #require(forget.importance).to(.float64).doubles(),
      try #require(keep.losses).to(.float64).doubles() + #require(forget.losses).to(.float64).doubles()
    )
  }

  @Test(arguments: [0.001, 0.25, 0.5, 0.9], [DType.float64, .float32, .bfloat16])
  func `weights stay in their bounds, and the mixture of both is 1`(_ lambda: Double, _ dtype: DType) throws {
    let world = try DiffusionWorld(dtype: dtype == .float64 ? .float64 : .float32)
    for step in 0..<4 {
      let (x, a, losses) = try weights(lambda, world, pairs: 500, step: step, dtype: dtype)
      let slack = 1 + 1e-6
      #expect(x.allSatisfy { 0 <= $0 && $0 <= slack / (1 - lambda) })
      #expect(a.allSatisfy { 0 <= $0 && $0 <= slack / lambda })
      #expect(zip(x, a).allSatisfy { abs((1 - lambda) * $0 + lambda * $1 - 1) < 1e-6 })
      #expect(losses.allSatisfy { $0.isFinite })
    }
  }

  @Test(arguments: [0.0, 1], [DType.float32, .bfloat16])
  func `nothing is NaN at the ends of lambda, whatever the timestep`(_ lambda: Double, _ dtype: DType) throws {
    let world = try DiffusionWorld(dtype: .float32)
    // 10 x 500 draws of 1000 timesteps.
    for step in 0..<10 {
      let (x, a, losses) = try weights(lambda, world, pairs: 500, step: step, dtype: dtype)
      #expect((x + a + losses).allSatisfy { $0.isFinite })
      #expect((lambda == 0 ? x : a).allSatisfy { $0 == 1 })
    }
  }

  @Test
  func `what is kept and what is forgotten may be the same image`() throws {
    let bench = try DiffusionBench()
    var batch = try bench.batch(forget: 2, retain: 2)
    batch.inputs = try Tensor.cat([batch.inputs.narrow(0, start: 0, length: 2)], along: 0).clone()
    batch.inputs = try Tensor.cat([batch.inputs, batch.inputs])
    let found = try terms(bench, batch)
    #expect(try term("keep", in: found)?.importance?.doubles() == [1, 1])
    #expect(try term("forget", in: found)?.importance?.doubles() == [1, 1])
  }

  // MARK: The published numbers

  private struct Fixture: Decodable {
    struct Case: Decodable {
      let lambda: Double
      let t: Int
      let gamma, sigma: Double
      let step: Int
      let keep, forget: Term
    }
    struct Term: Decodable { let weights, losses: [Double] }
    let network, images: [[Double]]
    let cases: [Case]
  }

  /// A plain restatement in PyTorch, with densities instead of their closed difference: scripts/reference/deletion.py.
  @Test
  func `weights and losses are those of PyTorch`() throws {
    let fixture: Fixture = try Reference.read("deletion.json", "siss")
    for known in fixture.cases {
      let world = try DiffusionWorld(noise: [(known.gamma, known.sigma)], forget: 2, retain: 6)
      try world.load(fixture.network)
      let bench = try DiffusionBench(world)
      var batch = try bench.batch(forget: 2, retain: 6)
      batch.inputs = try Tensor(fixture.images.flatMap(\.self), shape: [8, 1, 2, 3])
      let found = try terms(
        bench, batch, [("lambda", .float(known.lambda)), ("split", .bool(false)), ("mode", .string("reference"))],
        step: known.step)
      for (name, numbers) in [("keep", known.keep), ("forget", known.forget)] {
        let term = try #require(self.term(name, in: found))
        let place = "\(name), lambda \(known.lambda), t \(known.t)"
        #expect(try isClose(#require(term.importance).doubles(), numbers.weights, within: 1e-8), "\(place)")
        #expect(try isClose(#require(term.losses).doubles(), numbers.losses, within: 1e-8), "\(place)")
      }
    }
    #expect(fixture.cases.count == 12)
  }

  // MARK: The lemma

  /// Noise in which the two mixtures overlap: kappa is a few tenths.
  private static let noisy = [(gamma: 0.35, sigma: (1 - 0.35 * 0.35).squareRoot())]

  /// E over x ~ X, a ~ A of the objective is the loss of X without A.
  @Test(arguments: [0, 0.3, 0.5, 0.8, 1])
  func `the expectation is the loss of what is kept`(_ lambda: Double) throws {
    let world = try DiffusionWorld(noise: Self.noisy, forget: 2, retain: 4)
    let bench = try DiffusionBench(world)
    let six = try bench.batch(forget: 2, retain: 4)
    // 240 pairs: every x of X as often with every a of A.
    let rows = (0..<240).map { Int64($0 / 2 % 6) }
    var batch = try bench.batch(forget: 2, retain: 240)
    batch.inputs = try Tensor.cat([
      six.inputs.narrow(0, start: 0, length: 2), six.inputs.indexSelect(0, Tensor(rows, shape: [240])),
    ])
    let objective = try bench.objective("siss", [("lambda", .float(lambda))])
    let estimates = try (0..<400).map { step in
      let terms = try objective.terms(
        progress: progress(step), batches: [batch], sets: .both, schedule: "pairs")
      return try value(of: terms).item()
    }

    // The loss itself, by drawing noise for the four that are kept.
    let draws = 200_000
    let kept = try six.inputs.narrow(0, start: 2, length: 4).indexSelect(
      0, Tensor((0..<draws).map { Int64($0 % 4) }, shape: [draws]))
    let eps = try Tensor.randomNormal([draws, 1, 2, 3], dtype: .float64, generator: Generator(seed: 5))
    let (gamma, sigma) = (Double(Float(Self.noisy[0].gamma)), Double(Float(Self.noisy[0].sigma)))
    let losses = try withoutGradients {
      let predicted = try world.denoise(
        ModelHandle(0),
        DenoiseInput(noisy: try kept * gamma + eps * sigma, timesteps: Tensor.zeros([draws], dtype: .int64)))
      return try world.diffusionLosses(prediction: predicted, target: eps).doubles()
    }
    func mean(_ x: [Double]) -> (mean: Double, error: Double) {
      let mean = x.reduce(0, +) / Double(x.count)
      let square = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count - 1)
      return (mean, (square / Double(x.count)).squareRoot())
    }
    let (found, right) = (mean(estimates), mean(losses))
    let interval = 4 * (found.error * found.error + right.error * right.error).squareRoot()
    #expect(abs(found.mean - right.mean) < interval, "\(found) instead of \(right)")
    // Wide enough to notice a wrong factor: n/(n-k) is 1.5 here.
    #expect(interval < 0.1 * right.mean)
  }

  // MARK: Terms

  @Test
  func `terms say what a reweighter has to know`() throws {
    let bench = try DiffusionBench()
    let found = try terms(bench, bench.batch(forget: 3, retain: 64))
    let keep = try #require(term("keep", in: found))
    let forget = try #require(term("forget", in: found))
    #expect(keep.set == .retain && forget.set == .forget)
    #expect(keep.coefficient == 1.5 && forget.coefficient == -0.5)
    for term in [keep, forget] {
      #expect(try #require(term.timesteps).int64s().allSatisfy { (0..<1000).contains($0) })
      #expect(term.cleanLosses?.requiresGrad == false)
    }
    #expect(try #require(forget.indices).int64s().allSatisfy { $0 < 3 })
    #expect(try #require(keep.indices).int64s().allSatisfy { $0 >= 3 })
  }

  @Test(arguments: [
    ("pairs", "paper", 1.5, -0.5), ("paired", "paper", 1, -0.5), ("pairs", "reference", 1, -1),
  ])
  func `factors are those of the schedule and the mode`(_ known: (String, String, Double, Double)) throws {
    let bench = try DiffusionBench()
    let found = try terms(
      bench, bench.batch(forget: 3, retain: 64), [("mode", .string(known.1))], schedule: known.0)
    #expect(term("keep", in: found)?.coefficient == known.2)
    #expect(term("forget", in: found)?.coefficient == known.3)
  }

  @Test
  func `leaving out samples without a weight changes nothing but the work`() throws {
    // At one timestep the two mixtures hardly meet, at the other they overlap.
    let bench = try DiffusionBench(DiffusionWorld(noise: [(0.99, 0.14), (0.35, 0.94)]))
    let batch = try bench.batch(forget: 3, retain: 40)
    let split = try terms(bench, batch)
    let passes = bench.world.passes
    let whole = try terms(bench, batch, [("split", .bool(false))])
    #expect(try isClose([value(of: split).item()], [try value(of: whole).item()], within: 1e-6))
    let gradients = try [split, whole].map {
      try gradient(of: [value(of: $0)], withRespectTo: bench.world.models[0])
        .flatMap { try #require($0).doubles() }
    }
    #expect(isClose(gradients[0], gradients[1], within: 1e-6))
    // Every pair goes through the network once, and those of the first timestep are of use to one term only.
    #expect(passes.reduce(0, +) == 40 && passes.count == 3)
    let rows = split.reduce(0) { $0 + ($1.losses?.count ?? 0) }
    #expect(40 < rows && rows < 75)
  }

  @Test
  func `a term that no sample has a part in is left out`() throws {
    let bench = try DiffusionBench()
    for (lambda, name) in [(0.0, "keep"), (1, "forget")] {
      let world = try DiffusionWorld(noise: [(0.999, 0.04)])
      let found = try terms(
        DiffusionBench(world), bench.batch(forget: 3, retain: 8), [("lambda", .float(lambda))])
      #expect(found.map(\.name) == [name])
    }
  }

  @Test
  func `two passes have no weights`() throws {
    let bench = try DiffusionBench()
    let found = try terms(bench, bench.batch(forget: 3, retain: 8), [("variant", .string("no-is"))])
    #expect(found.map(\.name) == ["keep", "forget"])
    #expect(found.allSatisfy { $0.importance == nil && $0.losses?.count == 8 })
    #expect(bench.world.passes == [8, 8])
  }

  @Test
  func `a coin chooses the term of a pair`() throws {
    let bench = try DiffusionBench()
    let found = try terms(
      bench, bench.batch(forget: 3, retain: 400), [("variant", .string("bernoulli")), ("lambda", .float(0.25))])
    let (keep, forget) = (try #require(term("keep", in: found)), try #require(term("forget", in: found)))
    let (kept, forgotten) = (try #require(keep.losses).count, try #require(forget.losses).count)
    #expect(kept + forgotten == 400)
    // 100 expected of 400: five standard deviations are 43.
    #expect(abs(forgotten - 100) < 43)
    #expect(try isClose([#require(keep.importance).doubles()[0]], [Double(kept) / 400 / 0.75], within: 1e-6))
    #expect(try isClose([#require(forget.importance).doubles()[0]], [Double(forgotten) / 400 / 0.25], within: 1e-6))
  }

  @Test(arguments: ["is", "no-is", "bernoulli"])
  func `the gradient is that of the loss`(_ variant: String) throws {
    let world = try DiffusionWorld(noise: Self.noisy)
    let bench = try DiffusionBench(world)
    let batch = try bench.batch(forget: 3, retain: 8)
    func found() throws -> [Term] { try terms(bench, batch, [("variant", .string(variant))]) }
    try expectGradient(world, of: found(), is: { try value(of: found()).item() })
  }

  @Test
  func `draws are a function of seed, step and micro-batch`() throws {
    func draw(seed: UInt64 = 1, step: Int = 0, micro: Int = 0) throws -> [Double] {
      let bench = try DiffusionBench(seed: seed)
      let objective = try bench.objective("siss")
      let batch = try bench.batch(forget: 3, retain: 8)
      return try objective.terms(
        progress: progress(step), batches: [batch], sets: .both, schedule: "pairs", microBatch: micro
      ).flatMap { try #require($0.losses).doubles() }
    }
    #expect(try draw() == draw())
    #expect(try draw() != draw(seed: 2))
    #expect(try draw() != draw(step: 1))
    #expect(try draw() != draw(micro: 1))
  }

  // MARK: Refusals

  @Test
  func `what cannot be is refused by name`() throws {
    func text(_ body: () throws -> Void) -> String { do { try body() } catch { return "\(error)" }; return "" }
    let bench = try DiffusionBench()
    let batch = try bench.batch(forget: 3, retain: 8)
    for lambda in [-0.1, 1.1] {
      #expect(
        text { _ = try terms(bench, batch, [("lambda", .float(lambda))]) }
          .contains("parameter 'lambda' of 'siss': \(lambda) is not between 0.0 and 1.0"))
    }
    #expect(
      text { _ = try terms(bench, batch, schedule: "joint") }
        .hasSuffix("the schedule is 'joint', 'pairs' or 'paired' would be right"))
    #expect(
      text { _ = try terms(bench, bench.batch(forget: 0, retain: 8)) }
        .hasSuffix("siss pairs each sample with one of A: the schedule 'pairs' or 'paired' would be right"))
    #expect(
      text { _ = try terms(DiffusionBench(DiffusionWorld(forget: 0)), batch) }
        .hasSuffix("there is nothing to forget: the set A is empty"))
    #expect(
      text { _ = try terms(DiffusionBench(DiffusionWorld(retain: 0)), batch) }
        .hasSuffix("all samples are to be forgotten: the set X without A is empty"))
    #expect(
      text { _ = try Bench().objective("siss") }
        .hasSuffix("siss is for diffusion, and this run is classification"))
  }
}
