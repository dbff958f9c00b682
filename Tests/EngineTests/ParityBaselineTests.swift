import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// The baselines of SalUn's tables against plain PyTorch: scripts/reference/baselines.py.
@Suite struct ParityBaselineTests {
  enum Baseline: String, CaseIterable {
    case l1Sparse = "l1-sparse"
    case boundaryShrink = "boundary-shrink"
    case boundaryExpand = "boundary-expand"
    case proximal
    case proximalReference = "proximal-reference"

    /// Steps of the run: three epochs of two, two of three, two of five.
    var steps: Int {
      switch self {
      case .l1Sparse, .boundaryShrink, .boundaryExpand: 6
      case .proximal, .proximalReference: 10
      }
    }
  }

  private func run(_ baseline: Baseline, _ precision: ReferencePrecision) throws -> ParityRun {
    try ParityRun.baseline("\(baseline.rawValue)-\(precision.rawValue)")
  }

  @Test(arguments: Baseline.allCases, ReferencePrecision.allCases)
  func `all steps leave the weights and statistics that PyTorch leaves`(
    _ baseline: Baseline, _ precision: ReferencePrecision
  ) throws {
    let run = try run(baseline, precision)
    let settings = run.reference.settings
    try run.unlearn(in: precision.dtype)
    try #require(run.saved.count == baseline.steps)
    for (step, name) in [(1, "first"), (baseline.steps, "last")] {
      for (part, names) in [("parameters", settings.parameters), ("statistics", settings.statistics)] {
        let found = try run.numbers(after: step, "model.", names)
        let expected = try run.reference.numbers("\(name).\(part)")
        #expect(try relativeError(found, expected) < precision.tolerance, "\(part) after step \(step)")
      }
    }
    // The reference moved, by more than what two libraries may differ in.
    let before = try settings.parameters.flatMap { name in
      try #require(try SafeTensors.read(ReferenceFile.path("original"))[name]).to(.float64).doubles()
    }
    let after = try run.reference.numbers(baseline == .boundaryExpand ? "final.parameters" : "last.parameters")
    #expect(try relativeError(after, before) > 100 * precision.tolerance)
  }

  @Test(arguments: Baseline.allCases, ReferencePrecision.allCases)
  func `the first step sees PyTorch's samples, and its losses for the labels that are taught`(
    _ baseline: Baseline, _ precision: ReferencePrecision
  ) throws {
    let run = try run(baseline, precision)
    let steps = try ParitySteps(run, precision.dtype)
    let batch = try steps.batch(0)
    #expect(try batch.indices.int64s() == run.reference["first.indices"].int64s())
    let term = try #require(try steps.terms(of: batch, step: 0).first)
    let losses = try #require(term.losses).to(.float64).doubles()
    #expect(try relativeError(losses, run.reference.numbers("first.losses")) < precision.tolerance)
  }

  @Test(arguments: Baseline.allCases)
  func `a whole run ends with PyTorch's weights`(_ baseline: Baseline) throws {
    let run = try run(baseline, .fp32)
    let settings = run.reference.settings
    _ = try Engine(plan: run.plan, folder: run.folder.url, cancel: run.cancel, sink: run.sink).carryOut()
    let result = try SafeTensors.read(run.folder.weights.path)
    let found = try settings.parameters.flatMap { try #require(result[$0]).to(.float64).doubles() }
    // Without the class that boundary-expand added.
    let expected = try run.reference.numbers(baseline == .boundaryExpand ? "final.parameters" : "last.parameters")
    #expect(try relativeError(found, expected) < ReferencePrecision.fp32.tolerance)
    let told = try #require(run.losses?.terms.first)
    let mean = try run.reference["last.losses"].mean().item()
    #expect(abs(told.mean - mean) < 1e-5 * mean)
  }

  // MARK: Influence

  /// By how much the procedure moves every weight in fp64.
  private func moved(_ changes: [(String, String)] = []) throws -> (ParityRun, [Double]) {
    let reference = try ReferenceFile("influence")
    let pipeline = try #require(reference.settings.pipeline).map { line in
      changes.reduce(line) { $0.replacing($1.0, with: $1.1) }
    }
    let run = try ParityRun("influence", pipeline: pipeline)
    let reporter = Reporter(sink: { _ in })
    let model = try run.original(.float64)
    func numbers() throws -> [Double] { try model.parameters.flatMap { try $0.tensor.detach().doubles() } }
    let before = try numbers()
    let stage = ProcedureStage(
      plan: run.plan, procedure: try #require(run.plan.procedure), model: model,
      shared: try run.shared(.float64, reporter), cancel: run.cancel, reporter: reporter)
    _ = try stage.carryOut()
    return (run, zip(try numbers(), before).map { $0 - $1 })
  }

  @Test(arguments: ["inverse", "woodfisher"])
  func `influence by conjugate gradients is the exact answer`(_ exact: String) throws {
    let (run, found) = try moved()
    let expected = try run.reference.numbers(exact)
    #expect(try relativeError(found, expected) < 1e-6)
    // One iteration is not enough: the equation is no multiple of the identity.
    let (_, short) = try moved([("iterations: 500", "iterations: 1")])
    #expect(try relativeError(short, expected) > 1e-3)
  }

  @Test func `influence in mode reference is the published recursion`() throws {
    let (run, found) = try moved([("samples: 20", "samples: 10, mode: reference")])
    let expected = try run.reference.numbers("reference")
    #expect(try relativeError(found, expected) < 1e-10)
    #expect(try relativeError(found, run.reference.numbers("inverse")) > 1e-2)
  }
}

extension ParityRun {
  /// The run that a file of baselines.py describes.
  static func baseline(_ file: String) throws -> ParityRun {
    try ParityRun(file, pipeline: try #require(ReferenceFile(file).settings.pipeline))
  }
}
