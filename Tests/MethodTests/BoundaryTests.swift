import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct BoundaryTests {
  private let original = ModelHandle(1)

  /// The class of each sample after the attack, computed here with finite differences instead of gradients.
  private func attacked(_ bench: Bench, _ batch: Batch, bound: Double) throws -> [Int64] {
    let pixels = try batch.inputs.doubles()
    func losses(_ values: [Double]) throws -> [Double] {
      let inputs = try Tensor(values, shape: batch.inputs.shape)
      return try bench.world.losses(
        outputs: bench.world.forward(original, inputs: inputs, evaluation: true), labels: batch.labels
      ).doubles()
    }
    var moved = pixels
    for pixel in 0..<8 {
      // One pixel of every image at once: losses of samples do not touch each other.
      func shifted(_ by: Double) throws -> [Double] {
        try losses(pixels.enumerated().map { $0.offset % 8 == pixel ? $0.element + by : $0.element })
      }
      let slopes = try zip(shifted(1e-6), shifted(-1e-6)).map { $0 - $1 }
      for (sample, slope) in slopes.enumerated() {
        let index = sample * 8 + pixel
        let sign: Double = slope > 0 ? 1 : slope < 0 ? -1 : 0
        moved[index] = (255 * min(max(pixels[index] + bound * sign, 0), 1)).rounded(.toNearestOrEven) / 255
      }
    }
    let inputs = try Tensor(moved, shape: batch.inputs.shape)
    return try bench.world.forward(original, inputs: inputs, evaluation: true).argMax(along: 1).int64s()
  }

  @Test(arguments: [0, 0.1, 1])
  func `boundary-shrink teaches the class that one step of the attack leads to`(_ bound: Double) throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 40, retain: 0)
    let objective = try bench.objective("boundary-shrink", [("bound", .float(bound))])
    let terms = try objective.terms(progress: progress(), batches: [batch], sets: .both)
    #expect(terms.map(\.set) == [.forget] && terms.map(\.coefficient) == [1])
    let labels = try attacked(bench, batch, bound: bound)
    let wanted = try bench.losses(batch, labels: Tensor(labels, shape: [40]))
    #expect(try isClose(#require(terms[0].losses).doubles(), wanted))
    #expect(try isClose(#require(terms[0].cleanLosses).doubles(), bench.losses(batch)))
    #expect(try #require(terms[0].losses).requiresGrad)
    // Without an attack the original's own answer is taught.
    if bound == 1 { #expect(try labels != attacked(bench, batch, bound: 0)) }
    #expect(!batch.inputs.requiresGrad)
  }

  @Test(arguments: ["paper", "reference"])
  func `boundary-expand adds a class, teaches it, and takes it away in paper mode`(_ mode: String) throws {
    let bench = try Bench()
    let before = try bench.world.models[0].map { try $0.detach().clone() }
    let objective = try bench.objective("boundary-expand", [("mode", .string(mode))])
    let wide = bench.world.models[0]
    #expect(wide.map(\.shape) == [[6, 8], [6], [6, 6], [6]])
    #expect(try wide[2].narrow(0, start: 0, length: 5).doubles() == before[2].doubles())
    #expect(try wide[3].narrow(0, start: 0, length: 5).doubles() == before[3].doubles())
    let drawn = try wide[2].narrow(0, start: 5, length: 1).doubles() + wide[3].narrow(0, start: 5, length: 1).doubles()
    #expect(drawn.allSatisfy { abs($0) <= 1 / Double(6).squareRoot() } && Set(drawn).count == 7)
    #expect(wide.allSatisfy { $0.requiresGrad })

    let batch = try bench.batch(forget: 12, retain: 0)
    let terms = try objective.terms(progress: progress(), batches: [batch], sets: .both)
    #expect(terms.map(\.set) == [.forget])
    let fifth = try Tensor([Int64](repeating: 5, count: 12), shape: [12])
    #expect(try #require(terms[0].losses).doubles() == bench.losses(batch, labels: fifth))

    try objective.finish()
    let after = bench.world.models[0]
    #expect(after[2].shape == [mode == "paper" ? 5 : 6, 6] && after[3].shape == [mode == "paper" ? 5 : 6])
    #expect(try after[2].narrow(0, start: 0, length: 5).doubles() == before[2].doubles())
  }

  @Test
  func `the new row is a function of the seed`() throws {
    func row(_ seed: UInt64) throws -> [Double] {
      let bench = try Bench(seed: seed)
      _ = try bench.objective("boundary-expand")
      return try bench.world.models[0][2].narrow(0, start: 5, length: 1).doubles()
    }
    #expect(try row(1) == row(1))
    #expect(try row(1) != row(2))
  }
}
