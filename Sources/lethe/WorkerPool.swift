import Foundation
import Glibc
import Runs

/// Processes of this program that make an audit's models side by side.
///
/// Each gets jobs on its standard input and answers on its standard output. None outlives this process: a signal is
/// passed on, and the end of standard input ends them too.
final class WorkerPool {
  /// How long processes may take to save their state before they are ended.
  private static let patience: Duration = .milliseconds(1500)

  private let arguments: [String]
  private let stop: StopFlag
  private let clock = ContinuousClock()

  /// One process.
  private final class Worker {
    let process: ChildProcess
    var job: AuditJob?
    var isDone = false

    init(_ process: ChildProcess) { self.process = process }
  }

  /// A pool that starts this program with these arguments.
  init(arguments: [String], stop: StopFlag) {
    self.arguments = arguments
    self.stop = stop
  }

  /// Makes all jobs, in order, so many at a time.
  ///
  /// - Parameter tell: gets every message with the job that it is about.
  /// - Throws: `CommandError.workerFailed` when a process ends with a job undone, `CommandError.auditInterrupted` when a
  ///   signal came. All processes have ended then.
  func make(
    _ jobs: [AuditJob], processes: Int, tell: ((job: AuditJob, message: WorkerMessage)) throws -> Void
  ) throws {
    guard !jobs.isEmpty else { return }
    // A process may end before it has read its job; that is told from its exit, not by a signal to this one.
    signal(SIGPIPE, SIG_IGN)
    var waiting = jobs[...]
    var workers: [Worker] = []
    defer { end(workers) }
    for _ in 0..<min(processes, jobs.count) {
      let worker = Worker(try ChildProcess(arguments))
      workers.append(worker)
      give(&waiting, to: worker)
    }
    while workers.contains(where: { !$0.isDone }) {
      guard stop.signal == 0 else { throw CommandError.auditInterrupted(signal: stop.signal) }
      let open = workers.filter { !$0.isDone }
      ChildProcess.wait(for: open.map(\.process), milliseconds: 100)
      for worker in open {
        for line in worker.process.lines() {
          guard let message = WorkerMessage(line: line), let job = worker.job else { continue }
          try tell((job, message))
          if message.made != nil { give(&waiting, to: worker) }
        }
        if let ending = worker.process.ending { try close(worker, ending) }
      }
    }
  }

  private func give(_ waiting: inout ArraySlice<AuditJob>, to worker: Worker) {
    worker.job = waiting.popFirst()
    if let job = worker.job { worker.process.write(job.name + "\n") } else { worker.process.closeInput() }
  }

  private func close(_ worker: Worker, _ ending: ChildProcess.Ending) throws {
    worker.isDone = true
    guard let job = worker.job else { return }
    guard stop.signal == 0 else { throw CommandError.auditInterrupted(signal: stop.signal) }
    throw CommandError.workerFailed(job: job.name, reason: ending.reason, code: ending.exitCode)
  }

  /// Asks those that still run to stop, and ends them when they do not.
  private func end(_ workers: [Worker]) {
    let running = workers.filter { !$0.isDone }
    for worker in running { worker.process.send(SIGTERM) }
    let deadline = clock.now + WorkerPool.patience
    while running.contains(where: { $0.process.ending == nil }), clock.now < deadline {
      ChildProcess.wait(for: running.map(\.process), milliseconds: 20)
      for worker in running { _ = worker.process.lines() }
    }
    for worker in running where worker.process.ending == nil {
      worker.process.send(SIGKILL)
      worker.process.waitUntilEnded()
    }
  }
}
