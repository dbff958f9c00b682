import Foundation
import Learning
import PluginHost
import Runs
import Tensors
import Testing

@testable import Engine

/// Five steps against plain PyTorch: scripts/reference/unlearning.py.
@Suite struct ParityUnlearningTests {
  @Test(arguments: ReferenceMethod.allCases, ReferencePrecision.allCases)
  func `five steps leave the weights and statistics that PyTorch leaves`(
    _ method: ReferenceMethod, _ precision: ReferencePrecision
  ) throws {
    let run = try ParityRun.method(method, precision)
    let settings = run.reference.settings
    try run.unlearn(in: precision.dtype)
    #expect(run.saved.count == 5)
    for step in 1...5 {
      let weights = try run.numbers(after: step, "model.", settings.parameters)
      let statistics = try run.numbers(after: step, "model.", settings.statistics)
      let expected = try run.reference.numbers("step\(step).parameters")
      #expect(try relativeError(weights, expected) < precision.tolerance, "weights after step \(step)")
      #expect(
        try relativeError(statistics, run.reference.numbers("step\(step).statistics")) < precision.tolerance,
        "statistics after step \(step)")
    }
  }

  @Test(arguments: ReferencePrecision.allCases)
  func `the mask is PyTorch's, and what it freezes keeps its bits`(_ precision: ReferencePrecision) throws {
    let run = try ParityRun.method(.salun, precision)
    let settings = run.reference.settings
    let before = try settings.parameters.flatMap { name in
      try #require(try SafeTensors.read(ReferenceFile.path("original"))[name]).to(.float64).doubles()
    }
    try run.unlearn(in: precision.dtype)
    let mask = try run.reference.numbers("mask")
    #expect(try run.numbers(after: 1, "mask.", settings.parameters) == mask)
    let after = try run.numbers(after: 5, "model.", settings.parameters)
    #expect(mask.indices.allSatisfy { mask[$0] == 1 || after[$0] == before[$0] })
    // Some have a gradient of zero and decay alone; nearly all others move.
    #expect(mask.indices.count { mask[$0] == 1 && after[$0] != before[$0] } > mask.count / 3)
  }

  @Test(arguments: ReferenceMethod.allCases, ReferencePrecision.allCases)
  func `batches, losses and sample weights of every step are PyTorch's`(
    _ method: ReferenceMethod, _ precision: ReferencePrecision
  ) throws {
    let run = try ParityRun.method(method, precision)
    let steps = try ParitySteps(run, precision.dtype)
    for number in 1...5 {
      let name = "step\(number)"
      if number > 1 { try steps.set(try run.reference["step\(number - 1).parameters"]) }
      let batch = try steps.batch(number - 1)
      #expect(try batch.indices.int64s() == run.reference["\(name).indices"].int64s())
      let terms = try steps.terms(of: batch, step: number - 1)
      #expect(terms.map(\.name) == [number <= 3 ? "forget" : "retain"])
      let term = try #require(terms.first)
      let losses = try #require(term.losses).to(.float64).doubles()
      #expect(try relativeError(losses, run.reference.numbers("\(name).losses")) < precision.tolerance)
      #expect(
        try relativeError([term.value.item()], run.reference.numbers("\(name).loss")) < precision.tolerance)
      #expect((term.weights != nil) == (method == .loreun))
      if let weights = term.weights {
        #expect(
          try relativeError(weights.to(.float64).doubles(), run.reference.numbers("\(name).weights"))
            < precision.tolerance)
      }
    }
  }

  @Test(arguments: ReferenceMethod.allCases, [false, true])
  func `a whole run ends with PyTorch's weights, whatever the layout`(
    _ method: ReferenceMethod, _ channelsLast: Bool
  ) throws {
    let run = try ParityRun.method(method, .fp32, channelsLast: channelsLast)
    let settings = run.reference.settings
    _ = try Engine(plan: run.plan, folder: run.folder.url, cancel: run.cancel, sink: run.sink).carryOut()
    let result = try SafeTensors.read(run.folder.weights.path)
    func numbers(_ names: [String]) throws -> [Double] {
      try names.flatMap { try #require(result[$0]).to(.float64).doubles() }
    }
    #expect(try relativeError(numbers(settings.parameters), run.reference.numbers("step5.parameters")) < 1e-5)
    #expect(try relativeError(numbers(settings.statistics), run.reference.numbers("step5.statistics")) < 1e-5)
    let told = try #require(run.losses?.terms.first)
    let mean = try run.reference["step5.losses"].mean().item()
    #expect(abs(told.mean - mean) < 1e-5 * mean)
    #expect(told.samples == settings.batch)
  }
}

extension ParityRun {
  /// The run of a trajectory.
  static func method(
    _ method: ReferenceMethod, _ precision: ReferencePrecision, channelsLast: Bool = false
  ) throws -> ParityRun {
    let file = "\(method.rawValue)-\(precision.rawValue)"
    let parts = method.parts(try ReferenceFile(file).settings)
    return try ParityRun(file, pipeline: ["objective: random-label", parts], channelsLast: channelsLast)
  }

  /// All steps of the plan, by the engine's own loop but with a classifier of this type.
  func unlearn(in dtype: DType) throws {
    let reporter = Reporter(sink: sink)
    let shared = try shared(dtype, reporter)
    let work = try Unlearning(
      plan: plan, pipeline: try #require(plan.pipeline), model: try original(dtype), shared: shared, folder: folder,
      cancel: cancel, reporter: reporter)
    try work.begin(from: nil)
    try work.run()
  }
}

/// Single steps of a plan, each from weights that a test sets.
final class ParitySteps {
  let run: ParityRun
  let model: ImageClassifier
  let learner: Learner
  private let shared: Workbench.Shared
  private let source: BatchSource
  private let epoch: EpochPlan
  private let pipeline: Pipeline

  init(_ run: ParityRun, _ dtype: DType) throws {
    let plan = run.plan
    let parts = try #require(plan.pipeline)
    let reporter = Reporter(sink: { _ in })
    self.run = run
    model = try run.original(dtype)
    learner = try Learner(model: model, settings: parts.optimizer.settings)
    shared = try run.shared(dtype, reporter)
    source = try BatchSource(
      store: shared.data.train, augmentation: nil, channelsLast: plan.channelsLast, seed: plan.seed, device: .cpu)
    epoch = EpochPlan(
      seed: plan.seed, epoch: 0, forget: shared.data.split.forget, retain: shared.data.split.retain,
      batch: parts.batch, schedule: try #require(BatchSchedule(rawValue: parts.schedule.rawValue)))
    try source.begin(epoch)
    pipeline = try Pipeline(
      plan: plan, parts: parts, model: model, shared: shared, learner: learner, cancel: run.cancel, reporter: reporter)
    try pipeline.begin()
  }

  /// How many steps the epoch has.
  var count: Int { epoch.steps.count }

  /// The samples of a step, from 0.
  func batch(_ step: Int) throws -> BatchSource.Batch { try source.batch(epoch.steps[step], step: step) }

  /// The terms of a batch as the step of that number has them.
  func terms(of batch: BatchSource.Batch, step: Int) throws -> [WeighedTerm] {
    let progress = PluginHost.Progress(
      step: step, steps: count, epoch: 0, epochs: 1, stepInEpoch: step, stepsInEpoch: count)
    return try pipeline.terms(of: batch, progress, share: 1)
  }

  /// Gives the classifier these weights: one tensor with all parameters in order.
  func set(_ weights: Tensor) throws {
    let parts = try weights.split(learner.parameters.map(\.count))
    try withoutGradients {
      for (parameter, part) in zip(learner.parameters, parts) { try parameter.assign(part.reshape(parameter.shape)) }
    }
  }
}
