import Engine
import Foundation
import Runs

extension Workshop {
  /// The real one. Opens nothing until it is asked for something that needs LibTorch.
  static var live: Workshop { live(tensorBoard: true) }

  /// The real one; `tensorBoard` says whether its runs write an event file for TensorBoard.
  static func live(tensorBoard: Bool) -> Workshop {
    let front = Front(tensorBoard: tensorBoard)
    return Workshop(
      version: Front.version,
      hostFacts: HostFacts(abi: Front.abiVersion, platform: Front.platform, swift: Front.swiftVersion),
      hasLibTorch: { Front.hasLibTorch },
      catalog: { try PartCatalog.discover(folders: $0) },
      listing: { try PartCatalog.discover(folders: $0, hashes: false) },
      digest: { Front.digest($0) },
      findings: { Front.findings().map { Finding(name: $0.name, value: $0.value, isProblem: $0.isProblem) } },
      carryOut: {
        try Installation.fetchLibTorch()
        return try front.carryOut($0, in: $1, sink: $2)
      },
      resume: {
        try Installation.fetchLibTorch()
        return try front.resume($0, without: $1, sink: $2)
      },
      replay: { folder, sink in
        try Installation.fetchLibTorch()
        let replay = try front.replay(folder, sink: sink)
        return ReplayResult(
          steps: replay.steps, changes: replay.changes, tensors: replay.tensors, differing: replay.differing,
          surroundings: replay.surroundings, weights: replay.weights.path)
      },
      ask: { try ControlClient.ask($0, of: $1) },
      evaluate: {
        try Installation.fetchLibTorch()
        return try front.evaluate($0, weights: $1, in: $2, sink: $3)
      },
      masks: {
        try Installation.fetchLibTorch()
        return try front.masks($0, keeping: $1, in: $2, sink: $3)
      },
      illustrate: { try ComparisonFiles($0, folders: $1).write(to: $2) },
      auditor: { plan, sink in
        let auditor = front.auditor(plan, sink: sink)
        return Auditor(
          budget: auditor.budget, open: auditor.open,
          make: {
            try Installation.fetchLibTorch()
            return try auditor.make($0)
          }, report: auditor.report)
      },
      time: { steps, rounds, progress in
        try front.time(
          steps.map { step in
            switch step.kind {
            case .pipeline(let plan): (step.name, .pipeline(plan))
            case .plain(let plan): (step.name, .plain(plan))
            case .update(let plan, let isMasked): (step.name, .update(plan, isMasked: isMasked))
            case .sampling(let plan): (step.name, .sampling(plan))
            case .outside(let body): (step.name, .outside(body))
            }
          }, rounds: rounds, progress: progress
        ).map { TimedRow(name: $0.name, seconds: $0.seconds) }
      },
      timeSelection: { count, rounds, device in
        try front.timeSelection(count: count, rounds: rounds, device: device).map {
          TimedRow(name: $0.name, seconds: $0.seconds)
        }
      },
      timeFunction: { try Front.timeFunction(library: $0, count: $1, rounds: $2) },
      cancel: front.cancel,
      exitCode: { Front.exitCode(of: $0) })
  }
}
