import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct SalUnTests {
  private func gradients(_ bench: Bench, seed: UInt64) throws -> NamedTensors {
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    let generator = try Generator(seed: seed)
    let tensors = try parameters.tensors.map { parameter in
      try Tensor.randomNormal(try #require(parameter).shape, dtype: .float64, generator: generator)
    }
    return NamedTensors(names: parameters.names, tensors: tensors)
  }

  /// Walks over three batches, one of them without a gradient for the second parameter.
  private func walk(_ mode: String) throws -> (walk: Walk, scores: [[Double]], gradients: [[[Double]]]) {
    let bench = try Bench()
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    let mask = try bench.mask("salun", [("mode", .string(mode))])
    let walk = try mask.begin(parameters: parameters, walk: Walk(batch: 32))
    var batches = try (1...3).map { try gradients(bench, seed: $0) }
    batches[1].tensors[1] = nil
    for batch in batches { try mask.accumulate(gradients: batch, count: 32) }
    let scores = try mask.scores(parameters: parameters).map { try $0.doubles() }
    let numbers = try batches.map { batch in
      try zip(batch.tensors, scores).map { try $0?.doubles() ?? $1.map { _ in 0 } }
    }
    return (walk, scores, numbers)
  }

  @Test
  func `the scores are the absolute sum of the gradients`() throws {
    let found = try walk("paper")
    #expect(found.walk == Walk(batch: 32))
    for (index, scores) in found.scores.enumerated() {
      let expected = scores.indices.map { entry in abs(found.gradients.reduce(0) { $0 + $1[index][entry] }) }
      #expect(isClose(scores, expected))
    }
  }

  @Test
  func `the paper-era script walks in train mode with steps and sums absolute values`() throws {
    let found = try walk("reference")
    #expect(found.walk == Walk(batch: 32, trains: true, steps: true))
    for (index, scores) in found.scores.enumerated() {
      let expected = scores.indices.map { entry in found.gradients.reduce(0) { $0 + abs($1[index][entry]) } }
      #expect(isClose(scores, expected))
    }
  }

  @Test
  func `a second walk starts from zero`() throws {
    let bench = try Bench()
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    let mask = try bench.mask("salun")
    let scores = try (1...2).map { _ in
      _ = try mask.begin(parameters: parameters, walk: Walk(batch: 8))
      try mask.accumulate(gradients: try gradients(bench, seed: 5), count: 8)
      return try mask.scores(parameters: parameters).map { try $0.doubles() }
    }
    #expect(scores[0] == scores[1])
  }
}
