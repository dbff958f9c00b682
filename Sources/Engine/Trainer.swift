import Foundation
import Learning
import Runs
import Tensors

/// Trains a model from scratch on one set: the original model on everything, the retrained one on what is retained.
final class Trainer {
  private let plan: RunPlan
  private let task: any RunTask
  private let training: TrainingPlan
  private let learner: Learner
  private let source: BatchSource
  private let positions: [Int32]
  private let cancel: CancelFlag
  private let reporter: Reporter
  private let phase: Phase
  private let partial: URL
  private let recorder: (any StepRecorder)?
  private var recorded: RecordedStep<Void>?

  /// - Parameters:
  ///   - positions: the samples to learn, in dataset order.
  ///   - partial: where an interrupted training leaves its state, and finds it again.
  ///   - recorder: what records a step and replays it; nil to have every step carried out operator by operator.
  init(
    plan: RunPlan, task: any RunTask, training: TrainingPlan, model: TrainableModel, data: PreparedData,
    positions: [Int32],
    phase: Phase, partial: URL, cancel: CancelFlag, reporter: Reporter, recorder: (any StepRecorder)? = nil
  ) throws {
    self.plan = plan
    self.task = task
    self.training = training
    self.positions = positions
    self.cancel = cancel
    self.reporter = reporter
    self.phase = phase
    self.partial = partial
    self.recorder = recorder
    learner = try Learner(model: model, settings: training.optimizer.settings, average: training.optimizer.average)
    source = try BatchSource(
      store: data.train, augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
      channelsLast: plan.channelsLast, seed: training.seed, device: model.device)
  }

  /// Trains to the end, from where an interrupted training left off.
  func train() throws {
    guard let recorder else { return try takeSteps() }
    try recorder.scope {
      recorded = try RecordedStep(recorder, device: learner.model.device, average: learner.average) {
        [unowned self] _, window, numbers, _, batch in
        try carryOut(window, numbers: numbers, batch: batch)
      }
      // Before the stream is left that its memory belongs to.
      defer { recorded = nil }
      try takeSteps()
    }
  }

  private func takeSteps() throws {
    let windows = epochPlan(0).windows(accumulating: training.optimizer.accumulate).count
    let total = min(training.steps ?? .max, windows * training.epochs)
    let epochs = (total + windows - 1) / windows
    var done = try restore()
    let schedule = training.optimizer.schedule(stepsPerEpoch: windows, epochs: epochs, total: total)
    for epoch in done / windows..<epochs {
      let plan = epochPlan(epoch)
      try source.begin(plan)
      for window in plan.windows(accumulating: training.optimizer.accumulate).dropFirst(done - epoch * windows)
      where done < total {
        try step(window, number: done, learningRate: schedule.rate(at: done))
        done += 1
        reporter.progress(phase, done: done, total: total, unit: "steps")
        if cancel.isCancelled { return try interrupt(at: done) }
        if done % 50 == 0 { try check(done) }
      }
      try check(done)
    }
    try learner.takeAverage()
    try? FileManager.default.removeItem(at: partial)
  }

  private func epochPlan(_ epoch: Int) -> EpochPlan {
    EpochPlan(
      seed: training.seed, epoch: epoch, forget: [], retain: positions, batch: training.batch, schedule: .retainOnly)
  }

  private func step(_ window: [StepSlice], number: Int, learningRate: Double) throws {
    try seedStep(training.seed, number)
    let batch = { [source] part in try source.batch(window[part], step: number, part: part) }
    guard let recorded else { return try carryOut(window, learningRate: learningRate, batch: batch) }
    _ = try recorded.take(window, number: number, learningRate: learningRate, batch: batch)
  }

  /// One step over the batches of its parts. Where it may be recorded all that changes from step to step is in `numbers` and
  /// in the batches.
  private func carryOut(
    _ window: [StepSlice], learningRate: Double = 0, numbers: StepNumbers? = nil,
    batch: (_ part: Int) throws -> BatchSource.Batch
  ) throws {
    try learner.begin()
    let samples = window.reduce(0) { $0 + $1.count }
    var gradients: [Tensor] = []
    var total: Tensor?
    for part in window.indices {
      let batch = try batch(part)
      let share = Double(batch.count) / Double(samples)
      let loss = try task.trainingLoss(learner.model, batch, training) * share
      let new = try gradient(of: [loss], withRespectTo: learner.parameters).compactMap(\.self)
      if part == 0 { gradients = new } else { try withoutGradients { try Foreach.add(gradients, new) } }
      total = try total.map { try $0 + loss.detach() } ?? loss.detach()
    }
    guard let total else { preconditionFailure("a window has a slice") }
    try learner.step(gradients, loss: total, learningRate: learningRate, numbers: numbers)
  }

  private func check(_ done: Int) throws {
    let status = try learner.status()
    guard !status.isGood else { return }
    throw EngineError.notFinite(
      step: status.goodSteps, what: "the \(phase.rawValue) model's loss", folder: partial.path)
  }

  private func interrupt(at done: Int) throws {
    try Checkpoint(learner: learner, step: done, epoch: 0).write(to: partial)
    throw LearningError.interrupted(signal: cancel.signal)
  }

  private func restore() throws -> Int {
    guard FileManager.default.fileExists(atPath: partial.path) else { return 0 }
    let checkpoint = try Checkpoint(reading: partial)
    try checkpoint.restore(learner)
    return checkpoint.step
  }
}

/// Seeds what operators draw from by themselves, dropout for instance, so that a step's numbers depend on its number alone.
func seedStep(_ seed: UInt64, _ step: Int, round: Int = 0) throws {
  var stream = Philox(seed: seed, label: round == 0 ? "step" : "step#\(round)", step: UInt64(step))
  try seedAll(stream.next64())
}

extension EpochPlan {
  /// The slices of each optimizer step: `count` consecutive ones, fewer where the sets change or the epoch ends.
  func windows(accumulating count: Int) -> [[StepSlice]] {
    var windows: [[StepSlice]] = []
    for slice in steps {
      if let last = windows.last, last.count < count, last[0].forget.isEmpty == slice.forget.isEmpty,
        last[0].retain.isEmpty == slice.retain.isEmpty
      {
        windows[windows.count - 1].append(slice)
      } else {
        windows.append([slice])
      }
    }
    return windows
  }
}
