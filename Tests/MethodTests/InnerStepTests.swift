import PluginHost
import Tensors
import Testing

@testable import Engine
@testable import Learning

/// EraseDiff's objective under its bilevel step with K inner steps, against plain PyTorch: scripts/reference/deletion.py.
@Suite(.serialized)
struct InnerStepTests {
  struct Fixture: Decodable {
    struct Case: Decodable, CustomStringConvertible {
      let steps: Int
      let rule, optimizer, batch: String
      let size: Double
      let lambda, g, weights: [Double]

      var description: String { "\(steps) \(rule) \(optimizer) \(batch)" }
    }

    let rate: Double
    let forget, retain: Int
    let images: [[[Double]]]
    let rounds: [[[[Double]]]]
    let cases: [Case]
  }

  private struct Network: Decodable {
    let network: [[Double]]
  }

  /// Four steps of a run without its data: the engine's optimizer and trials around the two plugins.
  private final class Run {
    let world: DiffusionWorld
    private let bench: DiffusionBench
    private let learner: Learner
    private let fixture: Fixture
    private let objective: ObjectiveInstance
    private let updater: UpdaterInstance

    init(_ fixture: Fixture, _ known: Fixture.Case, masking: Bool = false) throws {
      self.fixture = fixture
      let builder = try ModelBuilder(seed: 1, dtype: .float64, device: .cpu, channelsLast: false, normalised: [])
      _ = try builder.linear("first", inputs: 7, outputs: 5)
      _ = try builder.linear("second", inputs: 5, outputs: 6)
      let model = TrainableModel("toy", builder, dtype: .float64, device: .cpu, channelsLast: false)
      learner = try Learner(
        model: model,
        settings: OptimizerSettings(rule: .adam(betas: (0.9, 0.999), epsilon: 1e-8), learningRate: fixture.rate))
      world = try DiffusionWorld(noise: [(0.8, 0.6)], model: learner.parameters)
      let start: Network = try Reference.read("deletion.json", "siss")
      try world.load(start.network)
      bench = try DiffusionBench(world)
      objective = try bench.objective("erasediff")
      updater = try bench.updater(
        "bilevel",
        [
          ("mode", .string(known.rule)), ("size", .float(known.size)), ("inner_steps", .int(Int64(known.steps))),
          ("inner_optimizer", .string(known.optimizer)), ("inner_batch", .string(known.batch)),
        ])
      if masking {
        let active = try learner.parameters.map { try Tensor.zeros($0.shape, dtype: .bool) }
        try withoutGradients { for tensor in active.prefix(2) { try tensor.fill(1) } }
        try learner.setMask(WeightMask(active: active, like: learner.parameters), hard: true)
      }
    }

    var weights: [Double] { get throws { try learner.parameters.flatMap { try $0.detach().doubles() } } }

    /// Takes a step; gives lambda and g.
    func take(_ step: Int) throws -> (lambda: Double?, g: Double?) {
      try learner.begin()
      let own = try sum(.both, 0, true, step)
      let view = CombinedStep(try #require(own), learner, learningRate: fixture.rate) { [self] sets, round, gradients in
        try sum(sets, round, gradients, step)
      }
      if let scales = try updater.scalesTerms
        ? updater.scales(progress: progress(step), terms: view.terms, learningRate: fixture.rate) : nil
      {
        let terms = try terms(.both, 0, step)
        let together = try StepSum(together: terms, scales: scales, learner)
        try learner.step(together.gradients[0], loss: together.loss, learningRate: fixture.rate)
        return (try scales[1].item(), nil)
      }
      let direction = try updater.combine(
        progress: progress(step), step: view, parameters: world.parameters(of: ModelHandle(0)))
      try view.restore()
      try learner.step(direction, loss: try #require(own).loss, learningRate: fixture.rate)
      return (world.reports["lambda"], world.reports["g"])
    }

    private func sum(_ sets: SampleSet, _ round: Int, _ gradients: Bool, _ step: Int) throws -> StepSum? {
      let terms = try terms(sets, round, step)
      let sum = try gradients ? StepSum(separately: terms, learner) : StepSum(valuesOf: terms)
      for gradient in sum.gradients { try learner.masked(gradient) }
      return sum
    }

    private func terms(_ sets: SampleSet, _ round: Int, _ step: Int) throws -> [WeighedTerm] {
      let rows = round == 0 ? fixture.images[step] : fixture.rounds[step][round - 1]
      let retain = round == 0 ? fixture.retain : 0
      let batch = Batch(
        forgetCount: fixture.forget, retainCount: retain,
        inputs: try Tensor(rows.flatMap { $0 }, shape: [rows.count, 1, 2, 3]),
        labels: try Tensor.zeros([rows.count], dtype: .int64), indices: try Tensor.arange(rows.count))
      return try objective.terms(progress: progress(step), batches: [batch], sets: sets, schedule: "paired").map {
        WeighedTerm(
          name: $0.name, set: $0.set, scale: $0.coefficient, losses: nil, weights: nil, value: try value(of: $0))
      }
    }
  }

  @Test
  func `K inner steps leave the weights that PyTorch leaves`() throws {
    let fixture: Fixture = try Reference.read("deletion.json", "inner")
    #expect(fixture.cases.count == 39)
    for known in fixture.cases {
      let run = try Run(fixture, known)
      for step in known.lambda.indices {
        let found = try run.take(step)
        #expect(isClose([try #require(found.lambda)], [known.lambda[step]], within: 1e-5), "\(known)")
        #expect(
          try known.steps == 0 || isClose([try #require(found.g)], [known.g[step]], within: 1e-5),
          "\(known): g")
      }
      // Inner products are taken in single precision; a fixed lambda has none.
      #expect(
        try isClose(run.weights, known.weights, within: known.rule == "fixed" ? 1e-9 : 1e-5), "\(known)")
    }
  }

  @Test(arguments: ["separate", "shared"])
  func `inner steps leave masked weights their bits`(_ optimizer: String) throws {
    let fixture: Fixture = try Reference.read("deletion.json", "inner")
    let known = try #require(fixture.cases.first { $0.steps == 5 && $0.optimizer == optimizer })
    let run = try Run(fixture, known, masking: true)
    let before = try run.weights
    for step in 0..<4 { _ = try run.take(step) }
    let after = try run.weights
    #expect(after.suffix(36) == before.suffix(36))
    #expect(zip(after, before).prefix(40).contains { $0 != $1 })
  }
}
