import PluginHost
import Tensors
import Testing

/// Influence against the exact inverse of the Fisher matrix, and the published recursion against its own definition.
@Suite(.serialized)
struct InfluenceTests {
  /// The gradients of single samples as flat vectors, by backward passes of their own.
  private func gradients(_ bench: Bench, _ set: SampleSet) throws -> [[Double]] {
    let count = set == .forget ? bench.world.task.forget : bench.world.task.retain
    return try (0..<count).map { number in
      let batch = try bench.world.batch(number, of: DataPass(set: set, batch: 1))
      let outputs = try bench.world.forward(ModelHandle(0), inputs: batch.inputs, evaluation: true)
      let loss = try bench.world.losses(outputs: outputs, labels: batch.labels).sum()
      return try gradient(of: [loss], withRespectTo: bench.world.models[0]).flatMap { try #require($0).doubles() }
    }
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// a + s b
  private func sum(_ a: [Double], _ s: Double, _ b: [Double]) -> [Double] { zip(a, b).map { $0 + s * $1 } }

  private func mean(_ vectors: [[Double]]) -> [Double] {
    vectors.dropFirst().reduce(vectors[0]) { sum($0, 1, $1) }.map { $0 / Double(vectors.count) }
  }

  /// How far the procedure moved each weight.
  private func change(_ bench: Bench, _ given: [(String, ParameterValue)]) throws -> [Double] {
    let before = try bench.world.models[0].flatMap { try $0.detach().doubles() }
    try bench.procedure("influence", given).run(ModelHandle(0))
    let after = try bench.world.models[0].flatMap { try $0.detach().doubles() }
    return sum(after, -1, before)
  }

  private func rightSide(_ bench: Bench) throws -> [Double] {
    let (forget, retain) = (try gradients(bench, .forget), try gradients(bench, .retain))
    return sum(mean(forget), -1, mean(retain)).map { $0 * Double(forget.count) / Double(forget.count + retain.count) }
  }

  @Test(arguments: [(60, 0.1), (60, 1.0), (25, 0.5)])
  func `paper mode is the exact inverse of the damped Fisher matrix`(samples: Int, damping: Double) throws {
    let bench = try Bench()
    let v = try rightSide(bench)
    let chosen = try gradients(bench, .retain).prefix(samples)
    // The inverse, one rank after the other, each by the formula of Sherman and Morrison.
    var inverse = v.indices.map { row in v.indices.map { $0 == row ? 1 / damping : 0 } }
    for g in chosen {
      let u = inverse.map { dot($0, g) }
      let scale = 1 / (Double(chosen.count) + dot(g, u))
      inverse = zip(inverse, u).map { row, factor in sum(row, -scale * factor, u) }
    }
    let exact = inverse.map { 2.5 * dot($0, v) }
    let moved = try change(
      bench,
      [
        ("alpha", .float(2.5)), ("damping", .float(damping)), ("samples", .int(Int64(samples))),
        ("iterations", .int(500)), ("tolerance", .float(1e-10)), ("batch", .int(16)),
      ])
    let error = sum(moved, -1, exact)
    #expect(dot(error, error).squareRoot() < 1e-6 * dot(exact, exact).squareRoot())
    #expect(dot(v, exact) > 0)
  }

  @Test
  func `fewer iterations leave more over`() throws {
    func moved(_ iterations: Int64) throws -> [Double] {
      try change(Bench(), [("damping", .float(0.01)), ("iterations", .int(iterations)), ("tolerance", .float(0))])
    }
    let best = try moved(300)
    func distance(_ a: [Double]) -> Double { dot(sum(a, -1, best), sum(a, -1, best)) }
    let distances = try [1, 5, 20].map { try distance(moved($0)) }
    #expect(distances[0] > distances[1] && distances[1] > distances[2])
  }

  @Test(arguments: [60, 20])
  func `reference mode is the script's recursion`(samples: Int) throws {
    let bench = try Bench()
    let all = try gradients(bench, .retain)
    var k = try rightSide(bench)
    let v = k
    var o = all[0]
    let weight = Double(samples)
    for number in 1...min(samples + 1, all.count - 1) {
      let g = all[number]
      let t = dot(o, g)
      k = sum(k, -dot(k, g) / (weight + t), o)
      o = o.map { $0 * (1 - t / (weight + t)) }
    }
    let moved = try change(
      bench, [("alpha", .float(1)), ("samples", .int(Int64(samples))), ("mode", .string("reference"))])
    #expect(isClose(moved, k, within: 1e-10))
    // D5: what it takes away lies along the first gradient.
    let taken = sum(v, -1, moved)
    let cosine = abs(dot(taken, all[0])) / (dot(taken, taken) * dot(all[0], all[0])).squareRoot()
    #expect(cosine > 1 - 1e-6)
  }
}
