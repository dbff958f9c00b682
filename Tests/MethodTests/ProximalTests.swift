import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct ProximalTests {
  /// The rule in plain Swift: flattened weights and anchor, changed by one step.
  private struct Rule {
    let ratio: Double
    let movesAnchor: Bool
    var weights, anchor: [Double]

    mutating func step(_ change: [Double], _ progress: Progress) {
      for index in weights.indices { weights[index] += change[index] }
      let (s, e, l) = (Double(progress.steps), Double(progress.epoch), Double(progress.stepsInEpoch))
      let deltas = zip(weights, anchor).map { $0 - $1 }
      let k = Int(ratio * (s - (e * l + 1)) / s * Double(weights.count))
      if k > 0 {
        let tau = deltas.map { abs($0) }.sorted()[k - 1]
        for index in weights.indices {
          let delta = deltas[index]
          let size = max(abs(delta) - tau, 0)
          weights[index] = anchor[index] + (delta < 0 ? -size : size)
        }
      }
      if movesAnchor, progress.stepInEpoch == progress.stepsInEpoch - 1 { anchor = weights }
    }
  }

  private func flat(_ tensors: [Tensor]) throws -> [Double] { try tensors.flatMap { try $0.doubles() } }

  /// Adds noise to the model's weights, as an optimizer's step would; gives what was added.
  private func move(_ bench: Bench, _ step: Int) throws -> [Double] {
    let generator = try Generator(seed: UInt64(100 + step))
    return try withoutGradients {
      try bench.world.models[0].flatMap { weights in
        let before = try weights.doubles()
        try weights.add(try Tensor.randomNormal(weights.shape, dtype: .float64, generator: generator) * 0.01)
        return zip(try weights.doubles(), before).map { $0 - $1 }
      }
    }
  }

  @Test(arguments: ["paper", "reference"])
  func `every step is the proximal rule`(_ mode: String) throws {
    let bench = try Bench()
    let start = try flat(bench.world.models[0])
    var rule = Rule(ratio: 0.6, movesAnchor: mode == "reference", weights: start, anchor: start)
    let updater = try bench.updater("proximal", [("ratio", .float(0.6)), ("mode", .string(mode))])
    #expect(updater.actsAfterStep && !updater.combines)
    for step in 0..<10 {
      let change = try move(bench, step)
      try updater.afterStep(progress: progress(step), learningRate: 0.1)
      rule.step(change, progress(step))
      #expect(isClose(try flat(bench.world.models[0]), rule.weights), "step \(step)")
    }
    #expect(try flat(bench.world.models[1]) == start)
  }

  @Test
  func `the weights that are put back have the original's bits`() throws {
    let bench = try Bench()
    let updater = try bench.updater("proximal", [("ratio", .float(0.6))])
    _ = try move(bench, 0)
    try updater.afterStep(progress: progress(), learningRate: 0.1)
    let (weights, original) = (try flat(bench.world.models[0]), try flat(bench.world.models[1]))
    // k = int(0.6 * (10 - 1) / 10 * 89)
    #expect(zip(weights, original).count { $0.bitPattern == $1.bitPattern } == 48)
  }

  @Test
  func `a ratio of zero changes nothing`() throws {
    let bench = try Bench()
    let updater = try bench.updater("proximal", [("ratio", .float(0))])
    _ = try move(bench, 0)
    let before = try flat(bench.world.models[0])
    try updater.afterStep(progress: progress(), learningRate: 0.1)
    #expect(try flat(bench.world.models[0]) == before)
  }

  @Test(arguments: ["paper", "reference"])
  func `a resumed updater goes on bit for bit`(_ mode: String) throws {
    let given: [(String, ParameterValue)] = [("mode", .string(mode))]
    func run(resumingAt pause: Int?) throws -> [Double] {
      let bench = try Bench()
      var updater = try bench.updater("proximal", given)
      for step in 0..<10 {
        if step == pause {
          let state = try #require(try updater.saveState())
          updater = try bench.updater("proximal", given)
          try updater.loadState(state)
        }
        _ = try move(bench, step)
        try updater.afterStep(progress: progress(step), learningRate: 0.1)
      }
      return try flat(bench.world.models[0])
    }
    #expect(try run(resumingAt: 7) == run(resumingAt: nil))
  }

  @Test
  func `a damaged or foreign state is refused`() throws {
    let bench = try Bench()
    func fresh(_ mode: String) throws -> UpdaterInstance {
      try bench.updater("proximal", [("mode", .string(mode))])
    }
    let state = try #require(try fresh("reference").saveState())
    let short = SavedState(version: state.version, bytes: state.bytes.dropLast(1))
    var bent = state
    bent.bytes[16] = 0xFF
    let other = SavedState(version: state.version + 1, bytes: state.bytes)
    for damaged in [short, bent, other, SavedState(version: state.version, bytes: [])] {
      #expect(throws: PluginError.self) { try fresh("reference").loadState(damaged) }
    }
    #expect(throws: PluginError.self) { try fresh("paper").loadState(state) }
  }
}
