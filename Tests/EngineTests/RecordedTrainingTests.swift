import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// Trainings whose steps are recorded and replayed. On the processor nothing can be recorded: "replaying" runs the step
/// again, long after it was "recorded", so that only what it reads from tensors can have changed in between.
@Suite struct RecordedTrainingTests {
  /// Keeps the steps that it is to record.
  final class Repeater: StepRecorder {
    var scopes = 0, recordings = 0, replays = 0
    /// How many generators each recording was given.
    var drawn: [Int] = []

    func scope(_ body: () throws -> Void) throws {
      scopes += 1
      try body()
    }

    func record<Outcome>(
      drawingFrom generators: [Generator], _ body: @escaping () throws -> Outcome
    ) throws -> () throws -> Outcome {
      recordings += 1
      drawn.append(generators.count)
      return {
        self.replays += 1
        return try body()
      }
    }
  }

  /// Raises a flag in a certain step.
  final class Stopper: RunTask {
    let task: any RunTask
    let cancel: CancelFlag
    private var left: Int

    init(_ task: any RunTask, _ cancel: CancelFlag, after count: Int) {
      (self.task, self.cancel, left) = (task, cancel, count)
    }

    func trainingLoss(_ model: TrainableModel, _ batch: BatchSource.Batch, _ training: TrainingPlan) throws -> Tensor {
      left -= 1
      if left == 0 { cancel.cancel(signal: 2) }
      return try task.trainingLoss(model, batch, training)
    }

    func losses(
      _ model: TrainableModel, _ images: Tensor, _ labels: Tensor, training: Bool, guidance: Double
    ) throws -> (losses: Tensor, timesteps: Tensor?) {
      try task.losses(model, images, labels, training: training, guidance: guidance)
    }
  }

  /// The original model of a toy run: 360 samples, so that the last batch of an epoch has 8 where the others have 32.
  struct Training {
    let toy: ToyRun
    let plan: RunPlan
    let training: TrainingPlan
    let device: Device
    let data: PreparedData

    init(_ overrides: [String], of recipe: ToyRun? = nil, device: Device = .cpu) throws {
      var toy = try recipe ?? ToyRun()
      toy.overrides += overrides
      self.toy = toy
      self.device = device
      plan = try toy.plan()
      guard case .train(let training) = plan.base else { preconditionFailure("the toy is trained") }
      self.training = training
      data = try PreparedData(plan: plan, device: device, cancel: CancelFlag())
    }

    /// Weights and statistics after the last step, by name. `stopAfter` interrupts in that forward pass, and goes on.
    func weights(_ recorder: (any StepRecorder)?, stopAfter: Int? = nil) throws -> [String: [UInt8]] {
      let file = toy.folder.appendingPathComponent("partial-\(UUID().uuidString)")
      if let stopAfter {
        let cancel = CancelFlag()
        let task = Stopper(try plan.openTask(device), cancel, after: stopAfter)
        let first = try trainer(ModelLibrary.blank(plan, data, device, seed: 5), task, file, cancel, recorder)
        #expect(throws: LearningError.interrupted(signal: 2)) { try first.train() }
      }
      // What is not read from the partial training shows.
      let model = try ModelLibrary.blank(plan, data, device, seed: stopAfter == nil ? 5 : 6)
      try trainer(model, plan.openTask(device), file, CancelFlag(), recorder).train()
      var bytes: [String: [UInt8]] = [:]
      for (name, tensor) in model.state { bytes[name] = try tensor.bytes() }
      return bytes
    }

    private func trainer(
      _ model: TrainableModel, _ task: any RunTask, _ partial: URL, _ cancel: CancelFlag,
      _ recorder: (any StepRecorder)?
    ) throws -> Trainer {
      try Trainer(
        plan: plan, task: task, training: training, model: model, data: data, positions: data.baseSamples, phase: .base,
        partial: partial, cancel: cancel, reporter: Reporter { _ in }, recorder: recorder)
    }
  }

  private static let sgd = "base.optimizer={name: sgd, learning_rate: 0.05, momentum: 0.9, weight_decay: 0.0005"

  static let variants = [
    [],
    [sgd + ", schedule: {name: one-cycle, warmup: 0.3}}"],
    [sgd + ", nesterov: true, clip: 0.5}"],
    ["base.optimizer={name: sgd, learning_rate: 0.05, momentum: 0}"],
    ["base.optimizer={name: adam, learning_rate: 0.003, schedule: {name: cosine}}"],
    ["base.optimizer={name: adamw, learning_rate: 0.003, weight_decay: 0.1}"],
    [sgd + ", ema: 0.9}"],
    [sgd + ", ema: {decay: 0.99, power: 0}}"],
    ["base.label_smoothing=0.1", "data.augment={crop: 2, flip: true}"],
    ["precision=bf16"],
    ["channels_last=false"],
    ["base.batch=400"],
    ["base.epochs=5"],
    ["base.steps=17", "base.epochs=null"],
  ]

  @Test(arguments: variants)
  func `a training of replayed steps gives the weights of one whose steps are carried out`(_ overrides: [String]) throws
  {
    let training = try Training(overrides)
    defer { training.toy.clean() }
    let recorder = Repeater()
    #expect(try training.weights(recorder) == training.weights(nil))
    #expect(recorder.scopes == 1)
    switch overrides.first {
    // A batch that holds all samples: two epochs of one step, which only warm up.
    case "base.batch=400": #expect(recorder.recordings == 0)
    // The last batches are met for the fourth time in the fourth epoch.
    case "base.epochs=5": #expect((recorder.recordings, recorder.replays) == (2, 60 - 2 * RecordedSteps.warmUp))
    case "base.steps=17": #expect((recorder.recordings, recorder.replays) == (1, 16 - RecordedSteps.warmUp))
    default: #expect((recorder.recordings, recorder.replays) == (1, 22 - RecordedSteps.warmUp))
    }
  }

  @Test func `windows of several batches are recorded whole`() throws {
    let training = try Training([Self.sgd + ", accumulate: 2, ema: 0.9}"])
    defer { training.toy.clean() }
    let recorder = Repeater()
    #expect(try training.weights(recorder) == training.weights(nil))
    #expect((recorder.recordings, recorder.replays) == (1, 10 - RecordedSteps.warmUp))
  }

  @Test(arguments: [2, 9, 12, 15])
  func `an interrupted training warms up and records again`(_ step: Int) throws {
    let training = try Training([Self.sgd + ", schedule: {name: one-cycle}, ema: 0.9}"])
    defer { training.toy.clean() }
    let recorder = Repeater()
    #expect(try training.weights(recorder, stopAfter: step) == training.weights(nil))
    #expect(recorder.scopes == 2)
    #expect(recorder.recordings == (step <= RecordedSteps.warmUp ? 1 : 2))
  }

  @Test func `a bad step is found among replayed ones`() throws {
    let training = try Training(["base.optimizer={name: sgd, learning_rate: 1e30}"])
    defer { training.toy.clean() }
    var said: [String] = []
    for recorder in [Repeater(), nil] {
      do {
        _ = try training.weights(recorder)
        Issue.record("weights of 1e30 are no model")
      } catch EngineError.notFinite(let step, let what, _) {
        said.append("\(step) \(what)")
      }
    }
    #expect(said.count == 2 && said.first == said.last)
  }

  @Test func `where steps cannot be recorded a run says so before it trains`() throws {
    let toy = try ToyRun("device=cuda:99", "cuda_graphs=true")
    defer { toy.clean() }
    #expect(throws: EngineError.self) { try toy.carryOut() }
    #expect(
      EngineError.noGraphs(device: "cuda", reason: "it has none").description
        == "'cuda_graphs: true' cannot be had on device 'cuda': it has none; use cuda_graphs=false")
  }

  @Test(.enabled(if: (try? DeviceGraph.open(.cuda(0))) != nil, "there is no CUDA device that records graphs"))
  func `on a device a graph's training is near to one whose steps are carried out`() throws {
    let training = try Training(["device=cuda", "cuda_graphs=true", "base.epochs=1"], device: .cuda(0))
    defer { training.toy.clean() }
    let graph = try training.weights(GraphRecorder(device: .cuda(0)))
    let plain = try training.weights(Carrying())
    try Self.expect(graph, near: plain)
  }

  /// cuDNN adds up in no fixed order; some small steps make little of that.
  static func expect(_ replayed: [String: [UInt8]], near plain: [String: [UInt8]]) throws {
    for (name, bytes) in plain {
      guard let recorded = replayed[name], bytes.count % 4 == 0, !name.hasSuffix("num_batches_tracked") else {
        #expect(replayed[name] == bytes, "\(name)")
        continue
      }
      let one = try Tensor(bytes: bytes, shape: [bytes.count / 4], dtype: .float32)
      let other = try Tensor(bytes: recorded, shape: [bytes.count / 4], dtype: .float32)
      #expect(try (one - other).absolute().max().item() < 1e-2, "\(name)")
    }
  }

  /// Steps from static tensors without any recording, on whatever device.
  private final class Carrying: StepRecorder {
    func scope(_ body: () throws -> Void) throws { try body() }
    func record<Outcome>(
      drawingFrom generators: [Generator], _ body: @escaping () throws -> Outcome
    ) throws -> () throws -> Outcome { body }
  }
}
