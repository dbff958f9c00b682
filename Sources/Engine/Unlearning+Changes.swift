import Foundation
import Learning
import PluginHost
import Runs

// Changes: those that the plan says, those that are asked for, and those that a metric brings about.
extension Unlearning {
  /// Lets a swap happen that is due. What somebody asked for does not end the run when it fails.
  func apply(_ index: Int, epoch: Int) throws {
    swaps[index].isDone = true
    let record: SwapRecord
    do { record = try carryOut(swaps[index].plan, epoch: epoch) } catch {
      guard swaps[index].isAsked, !cancel.isCancelled else { throw error }
      return try reporter.say(.warning("a change that was asked for failed, and the old part stays: \(error)"))
    }
    try reporter.say(.swapped(record))
  }

  private func carryOut(_ swap: SwapPlan, epoch: Int) throws -> SwapRecord {
    let changed = try timed {
      // A rate alone is a number that recorded steps read.
      try swap.isRateAlone ? pipeline.apply(swap) : changing { try pipeline.apply(swap) }
    }
    schedule = pipeline.parts.schedule(nominal)
    noteStatus()
    return SwapRecord(step: step, epoch: epoch, roles: changed.roles, plugins: changed.plugins)
  }

  /// Answers what was asked for since the last step, and waits while the run is paused.
  func answerRequests() throws {
    // A run that is paused does not leave this function.
    guard let desk, !desk.isIdle else { return }
    repeat {
      while let pending = desk.next() {
        do { pending.answer(try answer(pending.request, desk)) } catch {
          pending.answer(ControlReply(isDone: false, message: "\(error)", status: desk.status))
          // A full disk ends the run as it would have without the request.
          if let error = error as? EngineError, error.exitCode == 74 { throw error }
        }
      }
      if desk.status.isPaused, !cancel.isCancelled { desk.waitForRequest() }
    } while desk.status.isPaused && !cancel.isCancelled
  }

  private func answer(_ request: ControlRequest, _ desk: ControlDesk) throws -> ControlReply {
    let message: String
    switch request.verb {
    case .status, .stop: message = ""
    case .pause:
      desk.note { $0.isPaused = true }
      message = "paused after step \(step)"
    case .resume:
      message = desk.status.isPaused ? "going on after step \(step)" : "the run is not paused"
      desk.note { $0.isPaused = false }
    case .snapshot:
      try save()
      let file = folder.url.appendingPathComponent("snapshot-\(step).safetensors")
      try model.save(file: file.path, metadata: ["made-by": "lethe", "step": String(step)])
      try reporter.say(.checkpointed(step: step, file: folder.checkpoint.lastPathComponent))
      message = "saved '\(folder.checkpoint.lastPathComponent)' and '\(file.lastPathComponent)' after step \(step)"
    case .set, .swap: message = try change(request)
    }
    return ControlReply(isDone: true, message: message, status: desk.status)
  }

  /// Checks a change and lets it happen, now or before the next epoch; says which. Nothing changes when it cannot be.
  private func change(_ request: ControlRequest) throws -> String {
    let catalog = try PartCatalog.discover(folders: plan.foldersOfPlugins)
    let asked = try plan.swap(
      asked: request, parts: pipeline.parts, step: step, nextEpoch: timeline.nextEpoch(from: step), catalog: catalog,
      environment: .process)
    let record = try accept(asked)
    try reporter.say(.changed(ChangeRecord(step: step, words: request.words, swap: asked)))
    if let record { try reporter.say(.swapped(record)) }
    return record != nil
      ? "changed after step \(step)" : "accepted: happens at '\(asked.at.text)', before that epoch begins"
  }

  /// Takes a swap among those that happen; gives the record of one that happens now.
  func accept(_ swap: SwapPlan) throws -> SwapRecord? {
    let isNow = timeline.isDue(swap, at: step)
    if !isNow { try pipeline.tryOut(swap) }
    let before = timeline
    swaps.append(Swap(plan: swap, isAsked: true, isDone: isNow))
    timeline = before.with(swaps.map(\.plan))
    do {
      let record = isNow ? try carryOut(swap, epoch: timeline.epoch(of: step)) : nil
      loaded = nil
      noteStatus()
      return record
    } catch {
      swaps.removeLast()
      timeline = before
      throw error
    }
  }

  /// Takes over what had been accepted when a checkpoint was written.
  func recall(_ checkpoint: Checkpoint) {
    var asked = checkpoint.accepted
    while let change = recorded.first {
      if let index = change.crossing {
        // Measured after the checkpoint: it will be so again.
        if change.step <= step { swaps[index].plan = change.swap }
      } else {
        guard asked > 0 else { break }
        asked -= 1
        swaps.append(Swap(plan: change.swap, isAsked: true))
      }
      recorded.removeFirst()
    }
    recorded.removeAll { $0.crossing != nil }
    timeline = nominal.with(swaps.map(\.plan))
  }

  /// Lets those swaps happen next whose metric crossed its value.
  func lookForCrossings(_ measured: [MetricValue]) throws {
    for index in swaps.indices {
      guard !swaps[index].isDone, case .crossing(let crossing) = swaps[index].plan.at else { continue }
      guard let metric = measured.first(where: { crossing.means($0.id) }) else {
        throw EngineError.mismatch(
          "a swap waits for '\(crossing.text)', but what is measured is "
            + measured.map { "'\($0.id)'" }.joined(separator: ", "))
      }
      guard crossing.holds(for: metric.value), step < timeline.steps else { continue }
      var swap = swaps[index].plan
      if swap.waitingRole == nil {
        swap.at = .step(step)
      } else if let next = timeline.nextEpoch(from: step) {
        swap.at = .epoch(next)
      } else {
        swaps[index].isDone = true
        try reporter.say(.warning("'\(crossing.text)' came true in the last epoch, too late for a swap of the parts"))
        continue
      }
      swaps[index].plan = swap
      timeline = timeline.with(swaps.map(\.plan))
      loaded = nil
      try reporter.say(
        .changed(ChangeRecord(step: step, words: "\(crossing.text): \(metric.value)", crossing: index, swap: swap)))
    }
  }

  func noteStatus() {
    desk?.note { status in
      status.step = step
      status.steps = timeline.steps
      status.epoch = timeline.epoch(of: step)
      status.epochs = timeline.epochs
      status.parts = pipeline.parts.texts
    }
  }
}

/// A swap and whether it has happened.
struct Swap {
  var plan: SwapPlan
  /// Whether somebody asked for it while the run went on.
  let isAsked: Bool
  var isDone = false
}

extension SwapPlan {
  /// Whether nothing but the learning rate changes.
  fileprivate var isRateAlone: Bool {
    objective == nil && reweighter == nil && updater == nil && mask == nil && schedule == nil && tune == nil
  }
}

extension RunPlan {
  /// Where the plugins of the run lie, so that others are found beside them.
  fileprivate var foldersOfPlugins: [String] {
    var folders = pluginFolders
    let parts = [pipeline?.objective, pipeline?.updater, pipeline?.mask?.part]
    var files = parts.compactMap { $0?.file }
    if case .part(let part)? = pipeline?.reweighter { files.append(part.file) }
    for file in files {
      let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
      if !folders.contains(folder) { folders.append(folder) }
    }
    return folders
  }
}
