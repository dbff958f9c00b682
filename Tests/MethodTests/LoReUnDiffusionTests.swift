import Foundation
import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct LoReUnDiffusionTests {
  private func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    let sum = x.reduce(0) { $0 + exp($1 - top) }
    return x.map { exp($0 - top) / sum }
  }

  private let losses = [0.02, 3.5, 0.7, 12.25, 0.7]
  private let timesteps: [Int64] = [999, 0, 450, 30, 770]

  private func weights(_ world: DiffusionWorld, _ set: SampleSet, known: Bool = true) throws -> [Double] {
    var term = Term(
      name: "term", set: set, losses: try Tensor(losses, shape: [5]),
      timesteps: try Tensor(timesteps, shape: [5]))
    term.knowsCleanLosses = known
    let reweighter = try DiffusionBench(world).reweighter("loreun")
    return try #require(try reweighter.weights(for: term, progress: progress()).tensor).doubles()
  }

  private func expect(_ found: [Double], eta: Double, _ curve: (Double) -> Double) {
    let right = softmax(zip(losses, timesteps).map { eta * $0 / curve(Double($1)) })
    // The curve is kept in single precision.
    #expect(isClose(found, right, within: 1e-5), "\(found) instead of \(right)")
  }

  @Test
  func `a loss is measured against the curve that the reference losses lie on`() throws {
    let world = try DiffusionWorld()
    func curve(_ set: SampleSet, _ t: Double) -> Double { (set == .forget ? 9 : 6) * exp(-7 * t / 1000) + 0.4 }
    world.curve = { curve($0, Double($1)) }
    expect(try weights(world, .forget), eta: -0.1) { curve(.forget, $0) }
    expect(try weights(world, .retain), eta: 0.25) { curve(.retain, $0) }
    for (key, value) in [("a", 9.0), ("b", 7), ("c", 0.4)] {
      #expect(try isClose([#require(world.reports["curve.forget.\(key)"])], [value], within: 1e-5))
    }
    #expect(world.reports["curve.retain.t300"] == curve(.retain, 300))
    #expect(world.reports.keys.count(where: { $0.hasPrefix("curve.forget.t") }) == 10)
  }

  @Test
  func `a rising curve is fitted too`() throws {
    let world = try DiffusionWorld()
    world.curve = { 0.5 + 0.1 * exp(1.5 * Double($1) / 1000) }
    expect(try weights(world, .retain), eta: 0.25) { 0.5 + 0.1 * exp(1.5 * $0 / 1000) }
  }

  @Test
  func `the curve never falls far below the smallest point`() throws {
    let world = try DiffusionWorld()
    world.curve = { _, t in t == 0 ? 100 : 1e-3 }
    let found = try weights(world, .forget)
    #expect(found.allSatisfy { $0.isFinite && $0 >= 0 } && abs(found.reduce(0, +) - 1) < 1e-12)
    #expect(try isClose([#require(world.reports["curve.forget.floor"])], [1e-6 + 5e-5]))
  }

  @Test
  func `noisy points give the curve of least squares`() throws {
    let world = try DiffusionWorld()
    // Alternating by two per cent around 5 exp(-6 s) + 1.
    func point(_ t: Int) -> Double {
      (5 * exp(-6 * Double(t) / 1000) + 1) * (t / 100 % 2 == 0 ? 1.02 : 0.98)
    }
    world.curve = { point($1) }
    _ = try weights(world, .forget)
    let (a, b, c) = (
      try #require(world.reports["curve.forget.a"]), try #require(world.reports["curve.forget.b"]),
      try #require(world.reports["curve.forget.c"])
    )
    func cost(_ a: Double, _ b: Double, _ c: Double) -> Double {
      (0..<10).reduce(0) { sum, i in
        let difference = a * exp(-b * Double(i) / 10) + c - point(100 * i)
        return sum + difference * difference
      }
    }
    let best = cost(a, b, c)
    #expect(best < cost(5, 6, 1))
    for (da, db, dc) in [(1e-3, 0.0, 0.0), (0, 1e-3, 0), (0, 0, 1e-3)] {
      #expect(best < cost(a + da, b + db, c + dc) && best < cost(a - da, b - db, c - dc))
    }
  }

  @Test
  func `without clean losses it refuses by the term's name`() throws {
    let world = try DiffusionWorld()
    #expect {
      _ = try weights(world, .forget, known: false)
    } throws: {
      "\($0)".hasSuffix("loreun weighs samples by their own loss, and nobody knows it for the term 'term'")
    }
  }

  @Test
  func `it runs on siss, where each pair has the loss of what it was drawn around`() throws {
    let bench = try DiffusionBench()
    let batch = try bench.batch(forget: 3, retain: 40)
    let terms = try bench.objective("siss").terms(
      progress: progress(), batches: [batch], sets: .both, schedule: "pairs")
    let reweighter = try bench.reweighter("loreun", [("eta_forget", .float(1e-3)), ("eta_retain", .float(1e-3))])
    for term in terms {
      let found = try #require(try reweighter.weights(for: term, progress: progress()).tensor).doubles()
      let eta = term.set == .forget ? -1e-3 : 1e-3
      #expect(isClose(found, softmax(try #require(term.cleanLosses).doubles().map { eta * $0 }), within: 1e-5))
    }
  }

  @Test
  func `it runs on every variant of erasediff but the one that adds noise of another kind`() throws {
    let bench = try DiffusionBench(conditions: 3)
    let batch = try bench.batch(forget: 4, retain: 4)
    let reweighter = try bench.reweighter("loreun")
    for variant in ["A", "B", "C"] {
      let terms = try bench.objective("erasediff", [("variant", .string(variant))]).terms(
        progress: progress(), batches: [batch], sets: .both, schedule: "paired")
      _ = try reweighter.weights(for: terms[0], progress: progress())
      if variant == "A" {
        let other = try bench.reweighter("loreun")
        #expect(throws: PluginError.self) { try other.weights(for: terms[1], progress: progress()) }
      } else {
        #expect(try reweighter.weights(for: terms[1], progress: progress()).tensor != nil)
      }
    }
  }
}
