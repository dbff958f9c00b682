import Foundation
import Runs
import Tensors
import Testing

@testable import Engine
@testable import Learning
@testable import PluginHost

/// The unlearning of a toy run, with and without a recorder.
struct RecordedUnlearning {
  /// What came of it.
  struct Result {
    var weights: [String: [UInt8]] = [:]
    /// What the last event of losses said.
    var losses: StepLosses?
    var warnings: [String] = []
    var swaps = 0
  }

  let toy: ToyRun
  private let workbench = Workbench()

  init(_ toy: ToyRun) throws { self.toy = toy }

  /// Unlearns; `stopAfter` interrupts at the checkpoint after so many steps, and goes on from there.
  func unlearn(_ recorder: (any StepRecorder)?, stopAfter: Int? = nil) throws -> Result {
    let name = UUID().uuidString
    guard let stopAfter else { return try carryOut(name, recorder, from: nil, stopAfter: nil) }
    #expect(throws: LearningError.interrupted(signal: 2)) {
      try carryOut(name, recorder, from: nil, stopAfter: stopAfter)
    }
    return try carryOut(
      name, recorder, from: Checkpoint(reading: RunFolder(url: toy.run(name)).checkpoint), stopAfter: nil)
  }

  /// A run that is about to take its first step.
  func ready() throws -> Unlearning {
    let work = try unlearning(UUID().uuidString, nil, CancelFlag(), Reporter { _ in })
    try work.begin(from: nil)
    return work
  }

  private func unlearning(
    _ name: String, _ recorder: (any StepRecorder)?, _ cancel: CancelFlag, _ reporter: Reporter
  ) throws -> Unlearning {
    let plan = try toy.plan()
    let engine = Engine(plan: plan, folder: toy.run(name), workbench: workbench, cancel: cancel, sink: { _ in })
    try engine.folder.prepare()
    let shared = try engine.prepare(reporter)
    let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
    try model.load(shared.original.state)
    return try Unlearning(
      plan: plan, pipeline: try #require(plan.pipeline), model: model, shared: shared, folder: engine.folder,
      cancel: cancel, reporter: reporter, recorder: recorder)
  }

  private func carryOut(
    _ name: String, _ recorder: (any StepRecorder)?, from checkpoint: Checkpoint?, stopAfter: Int?
  ) throws -> Result {
    let cancel = CancelFlag()
    var result = Result()
    let reporter = Reporter { event in
      switch event.what {
      case .stepLosses(let losses): result.losses = losses
      case .warning(let text): result.warnings.append(text)
      case .swapped: result.swaps += 1
      case .checkpointed(let step, _) where step == stopAfter: cancel.cancel(signal: 2)
      default: break
      }
    }
    let work = try unlearning(name, recorder, cancel, reporter)
    try work.begin(from: checkpoint)
    try work.run()
    for (name, tensor) in work.model.state { result.weights[name] = try tensor.bytes() }
    return result
  }
}

/// Pipelines whose steps are recorded and replayed: on the processor by doing them again, as in `RecordedTrainingTests`.
@Suite struct RecordedUnlearningTests {
  typealias Repeater = RecordedTrainingTests.Repeater

  /// 400 glyphs, of which 36 are forgotten and 324 kept: under `sequential` an epoch has a forget step of 32 and one of 4, ten
  /// retain steps of 32 and one of 4.
  private static func toy(_ parts: String, _ more: String...) throws -> ToyRun {
    var toy = try ToyRun("retrained=none")
    toy.overrides.append(
      "pipeline={\(parts), epochs: 5, batch: 32, optimizer: {name: sgd, learning_rate: 0.02, momentum: 0.9, weight_decay: 0.0005}}"
    )
    toy.overrides += more
    return toy
  }

  static let pipelines = [
    "objective: random-label",
    "objective: {plugin: random-label, mode: reference}, reweighter: loreun",
    "objective: random-label, reweighter: {plugin: loreun, eta_forget: 2}, mask: {plugin: salun, keep: 0.5}",
    "objective: random-label, mask: {plugin: salun, keep: 0.5, freeze: gradient}",
    "objective: random-label, schedule: paired, accumulate: 2",
    "objective: random-label, freeze_batchnorm: true",
    "objective: gradient-ascent, reweighter: loreun",
    "objective: fine-tune, reweighter: loreun",
    "objective: boundary-shrink",
    "objective: boundary-expand",
  ]

  @Test(arguments: pipelines)
  func `a pipeline of replayed steps gives the weights of one whose steps are carried out`(_ parts: String) throws {
    let accumulates = parts.contains("accumulate")
    var toy = try Self.toy(parts.replacing(", accumulate: 2", with: ""), "data.augment={crop: 1, flip: true}")
    if accumulates { toy.overrides.append("pipeline.optimizer.accumulate=2") }
    defer { toy.clean() }
    let run = try RecordedUnlearning(toy)
    let recorder = Repeater()
    let plain = try run.unlearn(nil)
    let replayed = try run.unlearn(recorder)
    #expect(replayed.weights == plain.weights)
    #expect(replayed.losses == plain.losses)
    #expect(replayed.warnings == [])
    #expect(recorder.scopes == 1 && recorder.recordings >= 1 && recorder.replays >= 2)
    // The labels of forget batches, of two sizes, come from a generator; a step of two batches has two, the last one is of one.
    if parts.contains("random-label") { #expect(recorder.drawn.sorted() == (accumulates ? [1, 2] : [0, 0, 1, 1])) }
  }

  @Test func `every shape has a recording of its own`() throws {
    let toy = try Self.toy("objective: random-label")
    defer { toy.clean() }
    let recorder = Repeater()
    _ = try RecordedUnlearning(toy).unlearn(recorder)
    // Forget steps of 32 and of 4 samples, five each, retain steps of 32, fifty, and of 4, five.
    #expect(recorder.recordings == 4)
    #expect(recorder.replays == 65 - 4 * RecordedSteps.warmUp)
  }

  @Test(arguments: [1, 2, 4])
  func `an interrupted run warms up and records again`(_ epochs: Int) throws {
    let toy = try Self.toy("objective: random-label, reweighter: loreun", "checkpoint={every: 1 epoch}")
    defer { toy.clean() }
    let run = try RecordedUnlearning(toy)
    let recorder = Repeater()
    let plain = try run.unlearn(nil)
    #expect(try run.unlearn(recorder, stopAfter: 13 * epochs).weights == plain.weights)
    #expect(recorder.scopes == 2 && recorder.replays > 0)
  }

  @Test func `after a swap the new parts are recorded, and a part that is not capturable ends it`() throws {
    let toy = try Self.toy(
      "objective: random-label",
      "swaps=[{at: step 20, reweighter: loreun}, {at: step 40, learning_rate: 0.001}, {at: epoch 4, objective: l1-sparse, schedule: retain-only}]"
    )
    defer { toy.clean() }
    let run = try RecordedUnlearning(toy)
    let recorder = Repeater()
    let plain = try run.unlearn(nil)
    let replayed = try run.unlearn(recorder)
    #expect(replayed.weights == plain.weights)
    #expect(replayed.swaps == 3 && plain.swaps == 3)
    #expect(
      replayed.warnings.count == 1 && replayed.warnings[0].contains("'l1-sparse' does not say that it is capturable"))
    // The retain batches, before and after the reweighter comes; another rate needs no other recording.
    #expect(recorder.recordings == 2)
  }

  @Test func `a bad step is found among replayed ones`() throws {
    // The rate explodes with the fourth epoch, in which both sizes of forget batches are met for the fourth time.
    let toy = try Self.toy(
      "objective: random-label", "pipeline.optimizer.schedule={name: step, milestones: [3], gamma: 1.0e+32}")
    defer { toy.clean() }
    let run = try RecordedUnlearning(toy)
    let recorder = Repeater()
    var said: [String] = []
    for recorder in [recorder, nil] {
      do {
        _ = try run.unlearn(recorder)
        Issue.record("weights of 1e30 are no model")
      } catch EngineError.notFinite(let step, let what, _) {
        said.append("\(step) \(what)")
      }
    }
    #expect(said == [String](repeating: "40 the loss or the gradient", count: 2))
    #expect(recorder.recordings == 3)
  }

  @Test func `a broken promise is told with the step that broke it, though the next one writes over its flag`() throws {
    let toy = try Self.toy("objective: random-label, reweighter: loreun")
    defer { toy.clean() }
    let pipeline = try RecordedUnlearning(toy).ready().pipeline
    let number = try Tensor([1] as [Float], shape: [1])
    let flag = try number.isGreater(than: 0)
    let check = ValueCheck(isBroken: flag) { .notThere(path: "step \($0)") }
    try pipeline.remember([check], of: 7, copies: true)
    try flag.fill(0)
    try pipeline.remember([check], of: 8, copies: true)
    #expect(throws: PluginError.notThere(path: "step 7")) { try pipeline.checkPromises() }
    try pipeline.remember([check], of: 9, copies: true)
    try pipeline.checkPromises()
  }

  @Test func `no more shapes are recorded than there is room for`() throws {
    let recorder = Repeater()
    let steps = try RecordedStep<Int>(recorder, device: .cpu, average: nil) { number, window, _, _, _ in
      number + window[0].count
    }
    let empty = try Tensor.zeros([0])
    let batch = BatchSource.Batch(forgetCount: 0, retainCount: 0, images: empty, labels: empty, indices: empty)
    for round in 0..<5 {
      for count in 1...20 {
        let (outcome, isReplayed) = try steps.take(
          [StepSlice(forget: 0..<count, retain: 0..<0)], number: 100 * round, learningRate: 0.1, batch: { _ in batch })
        #expect(isReplayed == (round >= RecordedSteps.warmUp && count <= RecordedSteps.most))
        // A replay gives what the recorded step gave.
        #expect(outcome == (isReplayed ? 100 * RecordedSteps.warmUp : 100 * round) + count)
      }
    }
    #expect((recorder.recordings, recorder.replays) == (RecordedSteps.most, 2 * RecordedSteps.most))
  }

  @Test(.enabled(if: (try? DeviceGraph.open(.cuda(0))) != nil, "there is no CUDA device that records graphs"))
  func `on a device a graph's pipeline is near to one whose steps are carried out`() throws {
    let toy = try Self.toy(
      "objective: random-label, reweighter: loreun, mask: {plugin: salun, keep: 0.5}", "device=cuda", "cuda_graphs=true"
    )
    defer { toy.clean() }
    let run = try RecordedUnlearning(toy)
    let plain = try run.unlearn(nil)
    let replayed = try run.unlearn(GraphRecorder(device: .cuda(0)))
    #expect(replayed.warnings == [])
    try RecordedTrainingTests.expect(replayed.weights, near: plain.weights)
  }
}
