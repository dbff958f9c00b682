import Learning
import PluginHost
import Runs
import Tensors

/// Batches beside those of a run's steps, for updaters that evaluate terms again on samples of another draw. Each round is an
/// order of the epoch of its own, from a seed of its own; a step takes the stretch that is in its place.
final class FreshRounds {
  private let plan: RunPlan
  private let shared: Workbench.Shared
  private var known: [Int: (epoch: Int, source: BatchSource, windows: [[StepSlice]])] = [:]

  init(plan: RunPlan, shared: Workbench.Shared) {
    self.plan = plan
    self.shared = shared
  }

  /// The slices of a step in a round from 1 on, and where their batches come from.
  func window(
    _ round: Int, _ progress: PluginHost.Progress, _ timeline: Timeline, _ optimizer: OptimizerPlan
  ) throws -> (BatchSource, [StepSlice]) {
    let found =
      try known[round].flatMap { $0.epoch == progress.epoch ? $0 : nil }
      ?? make(round, progress.epoch, timeline, optimizer)
    known[round] = found
    return (found.source, found.windows[progress.stepInEpoch % found.windows.count])
  }

  private func make(
    _ round: Int, _ epoch: Int, _ timeline: Timeline, _ optimizer: OptimizerPlan
  ) throws -> (epoch: Int, source: BatchSource, windows: [[StepSlice]]) {
    var stream = Philox(seed: plan.seed, label: "round#\(round)")
    let seed = stream.next64()
    let order = timeline.plan(of: epoch, seed: seed)
    let source =
      try known[round]?.source
      ?? BatchSource(
        store: shared.seen.train,
        augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
        channelsLast: plan.channelsLast, seed: seed, device: shared.device)
    try source.begin(order)
    return (epoch, source, order.windows(accumulating: optimizer.accumulate))
  }
}

/// The batches of a step one by one, each with its share of the step's samples and its number. Round 0 has the step's own,
/// every other round a draw of its own, the same for the same step and round.
typealias StepWindow = (
  _ round: Int, _ body: (_ batch: BatchSource.Batch, _ share: Double, _ part: Int) throws -> Void
) throws -> Void
