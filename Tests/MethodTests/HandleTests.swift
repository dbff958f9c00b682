import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct HandleTests {
  /// Runs every built-in strategy once, and ends it.
  private func useEverything(_ bench: Bench) throws {
    let both = try bench.batch(forget: 4, retain: 4)
    let (forget, retain) = (try bench.batch(forget: 4, retain: 0), try bench.batch(forget: 0, retain: 4))
    for (id, batch) in [
      ("fine-tune", retain), ("gradient-ascent", forget), ("l1-sparse", retain), ("random-label", both),
    ] {
      let objective = try bench.objective(id)
      let terms = try objective.terms(progress: progress(), batches: [batch], sets: .both)
      let reweighter = try bench.reweighter("loreun")
      for term in terms where term.losses != nil { _ = try reweighter.weights(for: term, progress: progress()) }
      try reweighter.finish()
      try objective.finish()
    }
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    let mask = try bench.mask("salun")
    _ = try mask.begin(parameters: parameters, walk: Walk(batch: 4))
    try mask.accumulate(gradients: parameters, count: 4)
    _ = try mask.scores(parameters: parameters)
    for mode in ["paper", "reference"] {
      let updater = try bench.updater("proximal", [("mode", .string(mode))])
      for step in 0..<5 { try updater.afterStep(progress: progress(step), learningRate: 0.1) }
      _ = try updater.saveState()
    }
  }

  /// The same for those of diffusion.
  private func useEverything(_ bench: DiffusionBench) throws {
    let both = try bench.batch(forget: 4, retain: 4)
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    for id in ["siss", "erasediff", "salun-diffusion", "selective-amnesia", "blindspot"] {
      let given: [(String, ParameterValue)] = id == "selective-amnesia" ? [("fisher_samples", .int(2))] : []
      let objective = try bench.objective(id, given)
      let terms = try objective.terms(
        progress: progress(), batches: [both], sets: .both, schedule: id == "siss" ? "pairs" : "paired")
      let reweighter = try bench.reweighter("loreun")
      for term in terms where term.losses != nil && term.knowsCleanLosses {
        _ = try reweighter.weights(for: term, progress: progress())
      }
      try reweighter.finish()
      try objective.finish()
    }
    let ones = [Double](repeating: 1, count: parameters.tensors.reduce(0) { $0 + ($1?.count ?? 0) })
    for id in ["gradient-balance", "bilevel"] {
      let updater = try bench.updater(id)
      let step = try MadeUpStep([("keep", .retain, ones), ("forget", .forget, ones)], bench.world)
      for number in 0..<3 {
        _ = try updater.combine(progress: progress(number), step: step, parameters: parameters)
      }
    }
  }

  @Test
  func `no strategy of diffusion leaves a tensor behind`() async {
    await #expect(processExitsWith: .success) {
      let bench = try DiffusionBench(DiffusionWorld(conditions: 3, hasProxy: true))
      let tests = HandleTests()
      try tests.useEverything(bench)
      let before = Counters.liveTensors
      for _ in 0..<3 { try tests.useEverything(bench) }
      precondition(Counters.liveTensors == before, "\(Counters.liveTensors - before) tensors are left")
    }
  }

  @Test
  func `no strategy leaves a tensor behind`() async {
    await #expect(processExitsWith: .success) {
      let bench = try Bench()
      let tests = HandleTests()
      try tests.useEverything(bench)
      let before = Counters.liveTensors
      for _ in 0..<3 { try tests.useEverything(bench) }
      precondition(Counters.liveTensors == before, "\(Counters.liveTensors - before) tensors are left")
    }
  }
}
