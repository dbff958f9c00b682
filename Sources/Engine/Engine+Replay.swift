package import Foundation
package import Learning
package import Runs
import Tensors

/// What came of carrying out a finished run once more.
package struct Replay: Sendable, Equatable {
  /// Optimizer steps taken.
  package let steps: Int
  /// Changes that were asked of the run while it went on, and were made again.
  package let changes: Int
  /// Tensors compared.
  package let tensors: Int
  /// Names of those that are not the same bit for bit; empty where the run was reproduced.
  package let differing: [String]
  /// What is not as it was: versions, device, threads.
  package let surroundings: [String]
  /// Where the new weights are.
  package let weights: URL
}

extension Engine {
  /// Carries out a finished run once more, with everything that was asked of it on the way, and compares the weights bit for
  /// bit. Nothing is measured. The run itself stays as it is; the new weights and events are in its folder `replay`.
  package static func replay(
    _ folder: URL, cancel: CancelFlag, sink: @escaping (RunEvent) -> Void
  ) throws -> Replay {
    let files = RunFolder(url: folder)
    let (plan, events) = try files.record()
    guard !plan.isSequence else {
      throw EngineError.mismatch("'\(folder.path)' has stages; each is a run: replay '\(folder.path)/stage-1'")
    }
    guard plan.pipeline != nil else { throw EngineError.noPipeline }
    guard case .finished = events.last?.what else { throw EngineError.notFinished(path: folder.path) }
    guard FileManager.default.fileExists(atPath: files.weights.path) else {
      throw EngineError.notARun(path: folder.path, missing: files.weights.lastPathComponent)
    }
    let engine = Engine(plan: plan, folder: files.replay, cancel: cancel, sink: sink)
    // What a metric brought about, it brings about again.
    let changes = RunPlan.changes(in: events).filter { $0.crossing == nil }
    let start = try engine.start(resumedAt: nil)
    let steps = try engine.repeatSteps(changes)
    let (tensors, differing) = try compare(files.weights, RunFolder(url: files.replay).weights)
    return Replay(
      steps: steps, changes: changes.count, tensors: tensors, differing: differing,
      surroundings: start.differences(from: events), weights: RunFolder(url: files.replay).weights)
  }

  private static func compare(_ old: URL, _ new: URL) throws -> (tensors: Int, differing: [String]) {
    let (old, new) = (try SafeTensors.read(old.path).tensors, try SafeTensors.read(new.path).tensors)
    let known = Dictionary(uniqueKeysWithValues: new.map { ($0.name, $0.tensor) })
    let names = Set(old.map(\.name))
    var differing = new.map(\.name).filter { !names.contains($0) }
    for (name, tensor) in old {
      let isSame = try known[name].map {
        try $0.dtype == tensor.dtype && $0.shape == tensor.shape && $0.bytes() == tensor.bytes()
      }
      if isSame != true { differing.append(name) }
    }
    return (old.count, differing)
  }
}

extension RunStart {
  /// What is not as it was when the run began.
  fileprivate func differences(from events: [RunEvent]) -> [String] {
    for event in events {
      guard case .runStarted(let old) = event.what else { continue }
      return old.versions.sorted { $0.key < $1.key }.compactMap { name, value in
        versions[name] == value ? nil : "\(name): \(value) then, \(versions[name] ?? "none") now"
      }
    }
    return []
  }
}
