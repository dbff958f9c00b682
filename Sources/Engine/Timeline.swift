import Learning
import Runs

/// Which batches every epoch of a run has, swaps of the schedule included: a pure function of the plan.
struct Timeline {
  private let plan: RunPlan
  private let parts: PipelinePlan
  private let split: Split
  private let swaps: [SwapPlan]
  private let counts: [Int]
  /// Optimizer steps of the run.
  let steps: Int

  /// - Parameter swaps: the plan's, and what was asked of the run since.
  init(plan: RunPlan, parts: PipelinePlan, split: Split, swaps: [SwapPlan]) {
    self.plan = plan
    self.parts = parts
    self.split = split
    self.swaps = swaps
    // Only the number of steps is needed of every epoch; it depends on the schedule alone.
    var known: [BatchSchedule: Int] = [:]
    var counts: [Int] = []
    var total = 0
    for epoch in 0..<parts.epochs where parts.steps.map({ total < $0 }) ?? true {
      let schedule = Timeline.schedule(swaps, parts, epoch)
      let count =
        known[schedule]
        ?? EpochPlan(
          seed: plan.seed, epoch: epoch, forget: split.forget, retain: split.retain, batch: parts.batch,
          schedule: schedule
        ).windows(accumulating: parts.optimizer.accumulate).count
      known[schedule] = count
      counts.append(count)
      total += count
    }
    self.counts = counts
    steps = min(parts.steps ?? total, total)
  }

  /// The same with other swaps.
  func with(_ swaps: [SwapPlan]) -> Timeline { Timeline(plan: plan, parts: parts, split: split, swaps: swaps) }

  /// Epochs of the run.
  var epochs: Int { counts.count }

  /// The order of an epoch, drawn from the run's seed or another one.
  func plan(of epoch: Int, seed: UInt64? = nil) -> EpochPlan {
    EpochPlan(
      seed: seed ?? plan.seed, epoch: epoch, forget: split.forget, retain: split.retain, batch: parts.batch,
      schedule: Timeline.schedule(swaps, parts, epoch))
  }

  /// Optimizer steps of an epoch.
  func steps(in epoch: Int) -> Int { counts[epoch] }

  /// Steps before an epoch.
  func firstStep(of epoch: Int) -> Int { counts.prefix(epoch).reduce(0, +) }

  /// The epoch that the step after `done` steps belongs to; `epochs` when all are done, also where `pipeline.steps` ends
  /// the last one early.
  func epoch(of done: Int) -> Int {
    guard done < steps else { return counts.count }
    var first = 0
    for (epoch, count) in counts.enumerated() {
      first += count
      if done < first { return epoch }
    }
    return counts.count
  }

  /// Whether a swap happens when `done` steps are done.
  func isDue(_ swap: SwapPlan, at done: Int) -> Bool { moment(swap) == done }

  /// Whether a swap happened before the step after `done` steps began. One that is due then has not happened yet.
  func isDue(_ swap: SwapPlan, by done: Int) -> Bool { moment(swap).map { $0 < done } ?? false }

  /// The next epoch that begins when `done` steps are done or later; nil where none does any more.
  func nextEpoch(from done: Int) -> Int? {
    let epoch = epoch(of: done)
    let next = firstStep(of: epoch) == done ? epoch : epoch + 1
    return next < epochs && firstStep(of: next) < steps ? next : nil
  }

  /// Refuses a swap that would never happen.
  func check() throws(EngineError) {
    for swap in swaps {
      guard let moment = moment(swap), moment >= steps else { continue }
      throw .mismatch("a swap at '\(swap.at.text)' never happens: the run has \(steps) steps in \(epochs) epochs")
    }
  }

  /// Steps done when a swap happens; nil where a metric decides.
  private func moment(_ swap: SwapPlan) -> Int? {
    switch swap.at {
    case .epoch(let epoch): firstStep(of: epoch)
    case .step(let step): step
    case .crossing: nil
    }
  }

  private static func schedule(_ swaps: [SwapPlan], _ parts: PipelinePlan, _ epoch: Int) -> BatchSchedule {
    var schedule = parts.schedule
    for swap in swaps {
      if case .epoch(let from) = swap.at, from <= epoch, let new = swap.schedule { schedule = new }
    }
    return switch schedule {
    case .sequential: .sequential
    case .paired: .paired
    case .pairs: .pairs
    case .joint: .joint
    case .forgetOnly: .forgetOnly
    case .retainOnly: .retainOnly
    }
  }
}
