import Foundation
import Glibc
import Runs
import Synchronization

/// A line that a process of an audit writes to its standard output.
struct WorkerMessage: Codable {
  /// The job whose models are made.
  var made: String?
  /// What it took.
  var seconds: Double?
  /// Something that happened meanwhile.
  var event: RunEvent?

  init(made: String? = nil, seconds: Double? = nil, event: RunEvent? = nil) {
    self.made = made
    self.seconds = seconds
    self.event = event
  }

  /// The message as a line.
  var line: String { Tree.encoding(self).json() + "\n" }

  /// Reads a line; nil where it is none of ours.
  init?(line: some StringProtocol) {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let message = try? decoder.decode(WorkerMessage.self, from: Data(line.utf8)) else { return nil }
    self = message
  }
}

/// Jobs that come in on standard input, read on a thread of its own so that its end is noticed during a job: then the
/// audit that gave the jobs is gone, and this process must not outlive it.
final class JobQueue: Sendable {
  private struct State {
    var jobs: [AuditJob] = []
    var isWorking = false
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let ready = DispatchSemaphore(value: 0)

  /// Begins to read.
  ///
  /// - Parameter cancel: asks the work to stop.
  init(cancel: @escaping @Sendable (Int32) -> Void) {
    Thread.detachNewThread { [self] in
      // Not `readLine`: it holds the lock of standard input while it waits, and the end of a process wants that lock.
      var line: [UInt8] = []
      var byte: UInt8 = 0
      while unsafe read(STDIN_FILENO, &byte, 1) == 1 {
        guard byte == UInt8(ascii: "\n") else {
          line.append(byte)
          continue
        }
        defer { line = [] }
        guard let job = AuditJob(name: String(decoding: line, as: UTF8.self)) else { continue }
        state.withLock { $0.jobs.append(job) }
        ready.signal()
      }
      let isWorking = state.withLock { state in
        state.hasEnded = true
        return state.isWorking
      }
      ready.signal()
      guard isWorking else { return }
      cancel(SIGTERM)
      sleep(5)
      _exit(128 + SIGTERM)
    }
  }

  /// The next job, or nil when there will be none.
  func next() -> AuditJob? {
    state.withLock { $0.isWorking = false }
    ready.wait()
    return state.withLock { state in
      guard !state.jobs.isEmpty else { return nil }
      state.isWorking = true
      return state.jobs.removeFirst()
    }
  }
}

/// Says across threads that a signal came.
final class StopFlag: Sendable {
  private let value = Atomic<Int32>(0)

  /// The signal; 0 for none.
  var signal: Int32 { value.load(ordering: .acquiring) }

  /// Keeps the first signal.
  func raise(_ signal: Int32) {
    _ = value.compareExchange(expected: 0, desired: signal, ordering: .acquiringAndReleasing)
  }
}
