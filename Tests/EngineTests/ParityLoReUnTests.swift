import Foundation
import PluginHost
import Runs
import Tensors
import Testing

@testable import Engine

/// LoReUn's weights against the paper's formula: scripts/reference/loreun_weights.py.
@Suite struct ParityLoReUnTests {
  struct Reference: Decodable {
    struct Case: Decodable {
      let name, set: String
      let eta: Double
      let losses, fp64, fp32: [Double]
    }
    let cases: [Case]
  }

  @Test(arguments: ReferencePrecision.allCases)
  func `the weights are the paper's, whatever the reference loss is`(_ precision: ReferencePrecision) throws {
    let file = ReferenceFile.folder.deletingLastPathComponent().appendingPathComponent("loreun-weights.json")
    let cases = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file)).cases
    let bench = try ReweighterBench(precision)
    #expect(cases.count == 14)
    for known in cases {
      let found = try bench.weights(of: known.losses, in: known.set == "forget" ? .forget : .retain, eta: known.eta)
      let expected = precision == .fp64 ? known.fp64 : known.fp32
      #expect(found.count == expected.count, "\(known.name)")
      for (found, expected) in zip(found, expected) {
        // Below the smallest normal number of binary32 digits are lost.
        #expect(abs(found - expected) <= precision.tolerance * expected + 1e-37, "\(known.name): \(found), \(expected)")
      }
    }
  }
}

/// The plugin as a run loads it.
private final class ReweighterBench {
  private let run: ParityRun
  private let part: PartPlan
  private let world: World
  private let loader: PartLoader
  private let dtype: DType

  init(_ precision: ReferencePrecision) throws {
    run = try ParityRun.method(.loreun, precision)
    dtype = precision.dtype
    guard case .part(let part) = try #require(run.plan.pipeline?.reweighter) else { throw Absent() }
    self.part = part
    let reporter = Reporter(sink: { _ in })
    world = World(
      plan: run.plan, model: try run.original(dtype), shared: try run.shared(dtype, reporter), cancel: run.cancel,
      reporter: reporter)
    loader = PartLoader(world: world, cancel: run.cancel)
  }

  struct Absent: Error {}

  func weights(of losses: [Double], in set: PluginHost.SampleSet, eta: Double) throws -> [Double] {
    var part = part
    part.parameters = Runs.Parameters([
      Parameter("eta_forget", .float(eta)), Parameter("eta_retain", .float(eta)), Parameter("apply", .string("both")),
    ])
    let reweighter = try loader.reweighter(.part(part), step: nil)
    try reweighter.prepare(step: nil)
    let term = Term(
      name: "term", set: set, losses: try Tensor(losses, shape: [losses.count]).to(dtype))
    let progress = PluginHost.Progress(step: 0, steps: 1, epoch: 0, epochs: 1, stepInEpoch: 0, stepsInEpoch: 1)
    return try #require(try reweighter.weights(for: term, progress: progress).tensor).to(.float64).doubles()
  }
}
