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
