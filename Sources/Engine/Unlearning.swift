import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// The steps of a pipeline, from the original model to the unlearned one.
final class Unlearning {
  let plan: RunPlan
  let model: TrainableModel
  private let shared: Workbench.Shared
  let folder: RunFolder
  let cancel: CancelFlag
  let reporter: Reporter
  private let learner: Learner
  private let source: BatchSource
  let pipeline: Pipeline
  private let rounds: FreshRounds
  /// Measures the model on the validation set; one of the numbers is a loss.
  private let validate: (TrainableModel) throws -> [MetricValue]
  let desk: ControlDesk?
  /// The plan's swaps, then what was asked for since; the order in which those of one moment happen.
  var swaps: [Swap]
  /// What was asked for when the run was carried out before, and is still to be asked for again.
  var recorded: [ChangeRecord]
  /// What the plan alone says: decides the learning rate.
  let nominal: Timeline
  var timeline: Timeline
  var schedule: LearningRateSchedule
  private let recorder: (any StepRecorder)?
  private var recording: RecordedStep<StepOutcome>?
  /// Why steps are not recorded, as was told last.
  private var toldObstacle: String?
  private let clock = ContinuousClock()
  private var best: Double?
  private var last: LastStep?
  var loaded: (epoch: Int, windows: [[StepSlice]], lastToForget: Int?)?
  /// Whether no step of the epoch after the last one has samples to forget.
  private var isLastToForget = false
  /// Optimizer steps done.
  private(set) var step = 0
  /// Seconds of mask and steps, without evaluation and saving.
  private(set) var seconds = 0.0

  /// Whether `evaluate: {every: …}` saw a state worth keeping.
  var hasBest: Bool { best != nil }

  /// - Parameters:
  ///   - changes: what was asked of the run while it went on, when it is repeated or goes on.
  ///   - desk: where requests come in; nil for a run that nobody can reach.
  ///   - recorder: what records steps and replays them; nil to have every step carried out operator by operator.
  init(
    plan: RunPlan, pipeline: PipelinePlan, model: TrainableModel, shared: Workbench.Shared, folder: RunFolder,
    changes: [ChangeRecord] = [], desk: ControlDesk? = nil, cancel: CancelFlag, reporter: Reporter,
    recorder: (any StepRecorder)? = nil
  ) throws {
    self.recorder = recorder
    self.plan = plan
    self.model = model
    self.shared = shared
    self.folder = folder
    self.cancel = cancel
    self.reporter = reporter
    learner = try Learner(
      model: model, settings: pipeline.optimizer.settings, freezesStatistics: pipeline.freezeBatchnorm,
      average: pipeline.optimizer.average)
    source = try BatchSource(
      store: shared.seen.train,
      augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
      channelsLast: plan.channelsLast, seed: plan.seed, device: shared.device)
    validate = shared.validation(plan, cancel, reporter)
    self.pipeline = try Pipeline(
      plan: plan, parts: pipeline, model: model, shared: shared, learner: learner, cancel: cancel, reporter: reporter,
      folder: folder)
    rounds = FreshRounds(plan: plan, shared: shared)
    self.desk = desk
    recorded = changes
    swaps = plan.swaps.map { Swap(plan: $0, isAsked: false) }
    nominal = Timeline(plan: plan, parts: pipeline, split: shared.seen.split, swaps: plan.swaps)
    try nominal.check()
    timeline = nominal
    schedule = pipeline.schedule(nominal)
  }

  /// Readies the parts that are in force at the beginning, or at a checkpoint; makes the mask.
  func begin(from checkpoint: Checkpoint?) throws {
    if let checkpoint {
      step = checkpoint.step
      seconds = checkpoint.seconds
      best = checkpoint.best
      recall(checkpoint)
      for index in swaps.indices
      where checkpoint.swapped?.contains(index) ?? timeline.isDue(swaps[index].plan, by: step) {
        pipeline.skip(to: swaps[index].plan)
        swaps[index].isDone = true
      }
      schedule = pipeline.parts.schedule(nominal)
      try pipeline.restore(checkpoint)
    } else {
      try timed { try pipeline.begin() }
    }
    noteStatus()
    desk?.open()
  }

  /// Takes all steps that are left.
  func run() throws {
    guard let recorder else { return try takeSteps() }
    try recorder.scope {
      // Before the stream is left that their memory belongs to.
      defer { (recording, last) = (nil, nil) }
      try startRecording()
      try takeSteps()
    }
  }

  /// Changes what a step does: what was recorded is forgotten before, as it reads memory of the parts that were in force, and
  /// recording begins anew with those that are in force afterwards.
  func changing<Result>(_ body: () throws -> Result) throws -> Result {
    recording = nil
    let result: Result
    do { result = try body() } catch {
      try startRecording()
      throw error
    }
    try startRecording()
    return result
  }

  /// From now on steps are recorded, where the parts in force allow it.
  private func startRecording() throws {
    guard let recorder else { return }
    if let obstacle = pipeline.obstacleToRecording {
      defer { toldObstacle = obstacle }
      guard obstacle != toldObstacle else { return }
      return try reporter.say(
        .warning("steps are carried out one operator at a time in spite of 'cuda_graphs': \(obstacle)"))
    }
    recording = try RecordedStep(recorder, device: shared.device, average: learner.average) {
      [unowned self] number, window, numbers, draws, batch in
      try pipeline.drawing(from: draws) {
        try carryOut(window, progress(of: number), learningRate: 0, numbers: numbers, batch: batch)
      }
    }
  }

  private func takeSteps() throws {
    while step < timeline.steps { try advance() }
    // Parts have no state to save once they are finished.
    if step < timeline.firstStep(of: timeline.epochs) { try check(epoch: timeline.epochs - 1) }
    try save()
    try pipeline.finish()
    try learner.takeAverage()
  }

  /// Takes one step, and does what is due before and after it.
  private func advance() throws {
    let epoch = timeline.epoch(of: step)
    for index in swaps.indices where !swaps[index].isDone && timeline.isDue(swaps[index].plan, at: step) {
      try apply(index, epoch: epoch)
    }
    while let change = recorded.first, change.step == step {
      recorded.removeFirst()
      if change.crossing == nil { _ = try accept(change.swap) }
    }
    try answerRequests()
    guard !cancel.isCancelled else {
      try save()
      throw LearningError.interrupted(signal: cancel.signal)
    }
    try timed { try take() }
    step += 1
    pipeline.step = step
    reporter.progress(.unlearn, done: step, total: timeline.steps, unit: "steps")
    let ended = timeline.epoch(of: step) > epoch ? epoch + 1 : nil
    if ended != nil || step % 50 == 0 || isLastToForget { try check(epoch: epoch) }
    try measureAndSave(epoch: ended)
  }

  /// Takes one step and nothing else; gives its seconds, the device's work included. For measuring steps.
  func timedStep() throws -> Double {
    if step == timeline.steps { step = 0 }
    let began = clock.now
    try take()
    try TorchRuntime.shared().synchronize(shared.device)
    step += 1
    return (clock.now - began).seconds
  }

  // MARK: One step

  private func take() throws {
    let epoch = timeline.epoch(of: step)
    if loaded?.epoch != epoch {
      let order = timeline.plan(of: epoch)
      try source.begin(order)
      let windows = order.windows(accumulating: pipeline.planned.optimizer.accumulate)
      loaded = (epoch, windows, windows.lastIndex { window in window.contains { !$0.forget.isEmpty } })
    }
    guard let loaded else { preconditionFailure("an epoch was loaded") }
    let windows = loaded.windows
    let progress = progress(of: step)
    let number = progress.stepInEpoch
    // The rate follows the share of the epoch that is done, whatever a swapped schedule makes of its length.
    let length = nominal.steps(in: 0)
    let rate = schedule.rate(at: epoch * length + number * length / windows.count)
    try take(windows[number], progress, learningRate: rate)
    // Where samples to forget come first, an epoch's end says nothing of them.
    isLastToForget = number == loaded.lastToForget
  }

  /// Where a step of the epoch that is loaded stands, or of one as long.
  private func progress(of step: Int) -> PluginHost.Progress {
    let epoch = timeline.epoch(of: step)
    return PluginHost.Progress(
      step: step, steps: timeline.steps, epoch: epoch, epochs: timeline.epochs,
      stepInEpoch: step - timeline.firstStep(of: epoch), stepsInEpoch: loaded?.windows.count ?? 0)
  }

  private func take(_ window: [StepSlice], _ progress: PluginHost.Progress, learningRate: Double) throws {
    try seedStep(plan.seed, progress.step)
    let batch = { [source] part in try source.batch(window[part], step: progress.step, part: part) }
    let (outcome, isReplayed) =
      try recording?.take(window, number: progress.step, learningRate: learningRate, batch: batch)
      ?? (carryOut(window, progress, learningRate: learningRate, batch: batch), false)
    try pipeline.remember(outcome.checks, of: progress.step, copies: isReplayed)
    last = LastStep(terms: outcome.terms, learningRate: learningRate)
  }

  /// One step over the batches of its parts. Where it may be recorded all that changes from step to step is in `numbers`, in
  /// the batches and in what parts draw.
  private func carryOut(
    _ window: [StepSlice], _ progress: PluginHost.Progress, learningRate: Double, numbers: StepNumbers? = nil,
    batch: (_ part: Int) throws -> BatchSource.Batch
  ) throws -> StepOutcome {
    try learner.begin()
    let samples = window.reduce(0) { $0 + $1.count }
    var sum: StepSum?
    var shown: [WeighedTerm] = []
    for part in window.indices {
      let batch = try batch(part)
      let share = Double(batch.count) / Double(samples)
      let terms = try pipeline.terms(of: batch, progress, share: share, part: part)
      let new = try pipeline.sum(terms, progress, learningRate: learningRate)
      if let old = sum { try old.add(new) } else { sum = new }
      shown = terms
    }
    guard let sum else { preconditionFailure("a window has a slice") }
    let direction = try pipeline.direction(sum, progress, learningRate: learningRate) { [self] round, body in
      let (source, window) =
        try round == 0 ? (source, window) : rounds.window(round, progress, timeline, pipeline.planned.optimizer)
      let samples = window.reduce(0) { $0 + $1.count }
      for (part, slice) in window.enumerated() {
        let batch = try source.batch(slice, step: progress.step, part: part)
        try body(batch, Double(batch.count) / Double(samples), part)
      }
    }
    try learner.step(
      direction, loss: sum.loss, learningRate: learningRate, numbers: numbers,
      afterStep: pipeline.afterStep(progress, learningRate))
    return StepOutcome(terms: shown, checks: pipeline.takeChecks())
  }

  // MARK: Between steps

  /// Reads the flags of the steps since the last check, and tells what the last step computed.
  private func check(epoch: Int) throws {
    let status = try learner.status()
    guard status.isGood else {
      step = status.goodSteps
      try save()
      try model.save(file: folder.weights.path, metadata: ["made-by": "lethe", "stopped": "not finite"])
      throw EngineError.notFinite(step: status.goodSteps, what: "the loss or the gradient", folder: folder.url.path)
    }
    try pipeline.checkPromises()
    if let last { try reporter.say(.stepLosses(last.record(step: step, epoch: epoch))) }
  }

  private func measureAndSave(epoch: Int?) throws {
    if plan.evaluate.every.isDue(step: step, epoch: epoch) {
      let measured = try learner.withAverage { try measure() }
      try lookForCrossings(measured)
    }
    if plan.checkpoint.every.isDue(step: step, epoch: epoch) {
      try save()
      try reporter.say(.checkpointed(step: step, file: folder.checkpoint.lastPathComponent))
    }
  }

  /// Measures the model as it would be if the run ended now, and keeps the best.
  private func measure() throws -> [MetricValue] {
    let measured = try validate(model)
    try reporter.say(.evaluated(.step(step), measured))
    if let loss = measured.first(where: {
      $0.id.hasPrefix("loss-validation") || $0.id.hasPrefix("denoising-loss-validation")
    })?.value, loss < best ?? .infinity {
      best = loss
      try model.save(file: folder.bestWeights.path, metadata: ["made-by": "lethe", "step": String(step)])
    }
    return measured
  }

  func save() throws {
    var checkpoint = try Checkpoint(learner: learner, step: step, epoch: timeline.epoch(of: step))
    checkpoint.seconds = seconds
    checkpoint.planHash = digest(plan.canonicalJSON())
    checkpoint.best = best
    checkpoint.swapped = swaps.indices.filter { swaps[$0].isDone }
    checkpoint.accepted = swaps.count - plan.swaps.count
    try pipeline.save(into: &checkpoint)
    try checkpoint.write(to: folder.checkpoint)
  }

  func timed<Result>(_ body: () throws -> Result) rethrows -> Result {
    let began = clock.now
    defer { seconds += (clock.now - began).seconds }
    return try body()
  }
}

extension PipelinePlan {
  /// The learning rate over the steps of a run.
  func schedule(_ timeline: Timeline) -> LearningRateSchedule {
    optimizer.schedule(
      stepsPerEpoch: timeline.steps(in: 0), epochs: timeline.epochs, total: steps == nil ? nil : timeline.steps)
  }
}

extension Interval? {
  /// Whether it ends with this step; `epoch` is how many epochs are done where one ends with it.
  fileprivate func isDue(step: Int, epoch: Int?) -> Bool {
    switch self {
    case nil: false
    case .steps(let count): step % count == 0
    case .epochs(let count): epoch.map { $0 % count == 0 } ?? false
    }
  }
}

/// What a step leaves behind beside the weights.
private struct StepOutcome {
  /// Of its last batch.
  let terms: [WeighedTerm]
  let checks: [ValueCheck]
}

/// What the last step computed, kept on the device until somebody wants to read it.
private struct LastStep {
  let terms: [WeighedTerm]
  let learningRate: Double

  /// The same as numbers. Waits for the device.
  func record(step: Int, epoch: Int) throws -> StepLosses {
    StepLosses(
      step: step, epoch: epoch,
      terms: try terms.map { term in
        guard let losses = term.losses else {
          return TermLoss(name: term.name, mean: try term.value.item(), samples: 0)
        }
        let count = losses.count
        let mean = try losses.mean().item()
        guard let weights = term.weights else { return TermLoss(name: term.name, mean: mean, samples: count) }
        // One transfer of a number a sample costs less than asking the device for range and counts one by one.
        return TermLoss(name: term.name, mean: mean, weights: try weights.floats().map { Double($0) * Double(count) })
      }, learningRate: learningRate)
  }
}
