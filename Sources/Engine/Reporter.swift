import Foundation
import Runs

/// A run's one output: events, with their time, to the sink, to `events.jsonl` and to TensorBoard's event file.
final class Reporter {
  private let sink: (RunEvent) -> Void
  private var log: EventLog?
  private var board: TensorBoardLog?
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let offset: Double
  private var lastProgress: ContinuousClock.Instant?
  private var meters: [Phase: Meter] = [:]
  /// All written events, those of the run's earlier parts first.
  private(set) var events: [RunEvent]

  /// Begins to report; `earlier` are the events of a run that is being resumed.
  init(earlier: [RunEvent] = [], sink: @escaping (RunEvent) -> Void) {
    self.sink = sink
    events = earlier
    offset = earlier.last?.seconds ?? 0
    start = clock.now
  }

  /// Seconds since the run began.
  var seconds: Double { offset + (clock.now - start).seconds }

  /// From now on events go to the files of a folder too; those said before are written first.
  func record(in folder: RunFolder, appending: Bool, tensorBoard: Bool) throws(EngineError) {
    let log = try EventLog(file: folder.events, appending: appending)
    let board = tensorBoard ? try TensorBoardLog(in: folder) : nil
    if !appending {
      for event in events where event.what.isWritten {
        try log.append(event)
        try board?.append(event.what)
      }
    }
    self.log = log
    self.board = board
  }

  /// Something happened.
  func say(_ what: RunEvent.What) throws(EngineError) {
    let event = RunEvent(seconds: seconds, what)
    if event.what.isWritten {
      events.append(event)
      try log?.append(event)
      try board?.append(what)
    }
    sink(event)
  }

  /// Something that must be said even when the log cannot be written any more.
  func trySaying(_ what: RunEvent.What) {
    do { try say(what) } catch { sink(RunEvent(seconds: seconds, what)) }
  }

  /// How far a phase is; passed on at most ten times a second, and always at its end.
  func progress(_ phase: Phase, done: Int, total: Int, unit: String, loss: Double? = nil) {
    let now = clock.now
    let rate = meters[phase, default: Meter()].rate(at: (now - start).seconds, done: done)
    if done < total, let lastProgress, (now - lastProgress).seconds < 0.1 { return }
    lastProgress = now
    let progress = Progress(phase: phase, done: done, total: total, rate: rate, unit: unit, loss: loss)
    sink(RunEvent(seconds: seconds, .progress(progress)))
  }

  /// Carries out a phase between its two events. `body` says whether an earlier result served.
  func phase<Result>(_ phase: Phase, _ body: () throws -> (Result, cached: Bool)) throws -> Result {
    try say(.phaseStarted(phase))
    let began = clock.now
    let (result, isCached) = try body()
    try say(.phaseFinished(phase, seconds: (clock.now - began).seconds, cached: isCached))
    return result
  }
}

/// Units a second over the last few seconds.
private struct Meter {
  private var marks: [(seconds: Double, done: Int)] = []

  mutating func rate(at seconds: Double, done: Int) -> Double {
    // The same phase again, on another model: what was done before says nothing about it.
    if let last = marks.last, done < last.done { marks = [] }
    if let last = marks.last, seconds - last.seconds < 0.25 {
      guard let first = marks.first, seconds > first.seconds else { return 0 }
      return Double(done - first.done) / (seconds - first.seconds)
    }
    marks.append((seconds, done))
    if marks.count > 20 { marks.removeFirst() }
    guard let first = marks.first, seconds > first.seconds else { return 0 }
    return Double(done - first.done) / (seconds - first.seconds)
  }
}

extension Duration {
  /// The duration as a number of seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
