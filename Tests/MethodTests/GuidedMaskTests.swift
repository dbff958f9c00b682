import PluginHost
import Tensors
import Testing

/// SalUn's mask on the loss of a guided prediction, against plain PyTorch: scripts/reference/deletion.py.
@Suite(.serialized)
struct GuidedMaskTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      struct Batch: Decodable {
        let noisy, noise: [[Double]]
        let labels: [Int64]
      }

      let guidance, clip: Double
      let network: [[Double]]
      let batches: [Batch]
      let scores: [Double]
    }

    let cases: [Case]
  }

  @Test
  func `the scores are those of the guided and clipped gradients`() throws {
    let fixture: Fixture = try Reference.read("deletion.json", "guided")
    #expect(fixture.cases.map(\.guidance) == [2, 2, 0])
    for known in fixture.cases {
      let world = try DiffusionWorld(conditions: 2, noise: [(0.8, 0.6)])
      try world.load(known.network)
      let mask = try DiffusionBench(world).mask(
        "salun", [("guidance", .float(known.guidance)), ("clip", .float(known.clip))])
      let parameters = try world.parameters(of: ModelHandle(0))
      let walk = try mask.begin(parameters: parameters, walk: Walk(batch: 4))
      #expect(walk == Walk(batch: 4, guidance: known.guidance))
      for batch in known.batches {
        let n = batch.labels.count
        let predicted = try world.denoise(
          ModelHandle(0),
          DenoiseInput(
            noisy: Tensor(batch.noisy.flatMap { $0 }, shape: [n, 1, 2, 3]),
            timesteps: Tensor.zeros([n], dtype: .int64), conditions: Tensor(batch.labels, shape: [n]),
            guidance: walk.guidance, evaluation: true))
        let noise = try Tensor(batch.noise.flatMap { $0 }, shape: [n, 1, 2, 3])
        let loss = try world.diffusionLosses(prediction: predicted, target: noise).mean()
        try mask.accumulate(
          gradients: NamedTensors(
            names: parameters.names, tensors: gradient(of: [loss], withRespectTo: world.models[0])), count: n)
      }
      let scores = try mask.scores(parameters: parameters).flatMap { try $0.doubles() }
      // The norm is taken in single precision.
      #expect(isClose(scores, known.scores, within: known.clip > 0 ? 1e-6 : 1e-12))
    }
  }

  @Test
  func `guidance needs a network with classes`() throws {
    let bench = try DiffusionBench()
    let mask = try bench.mask("salun", [("guidance", .float(2))])
    let parameters = try bench.world.parameters(of: ModelHandle(0))
    do {
      _ = try mask.begin(parameters: parameters, walk: Walk(batch: 4))
      Issue.record("a walk was begun")
    } catch {
      #expect(
        "\(error)".hasSuffix(
          "the walk has guidance 2.0, which needs a finite number and a network that is conditioned on classes"))
    }
  }
}
