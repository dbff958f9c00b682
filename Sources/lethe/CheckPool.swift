import Contract
import Foundation
import Glibc

/// Provokes a plugin in processes of this program, one after the other, which it may end, hang or fill.
struct CheckPool {
  /// The plugin's file.
  let file: String
  /// Seconds that a job may take.
  let limit: Double
  /// Is told which job begins.
  let tell: (CheckJob) -> Void

  private let clock = ContinuousClock()

  init(file: String, limit: Double, tell: @escaping (CheckJob) -> Void) {
    self.file = file
    self.limit = limit
    self.tell = tell
  }

  /// How a process went.
  private struct Course {
    /// The job under way when it ended; nil where all are done.
    var broken: CheckJob?
    /// Why it ended, and in which call.
    var reason = ""
  }

  /// Does all jobs, each at most once, and adds what came of them.
  func run(_ jobs: [CheckJob], into report: inout CheckReport) throws {
    // A process may end before this one has written to it.
    signal(SIGPIPE, SIG_IGN)
    var groups = [jobs.filter { !$0.isAlone }] + jobs.filter(\.isAlone).map { [$0] }
    while let group = groups.first {
      groups.removeFirst()
      guard !group.isEmpty else { continue }
      let course = try run(group, &report)
      guard let broken = course.broken, let place = group.firstIndex(of: broken) else { continue }
      var outcome = Outcome(rule: broken.rule, strategy: broken.strategy)
      outcome.report(course.reason)
      report.add(outcome)
      if broken.rule == "loads" {
        for rule in Set((groups.flatMap(\.self) + group[(place + 1)...]).map(\.rule)) {
          report.add(Outcome(rule: rule, skipped: "it does not load"))
        }
        return
      }
      groups.insert(Array(group[(place + 1)...]), at: 0)
    }
  }

  private func run(_ jobs: [CheckJob], _ report: inout CheckReport) throws -> Course {
    let recorder = try CallRecorder()
    let child = try ChildProcess(["plugin-probe", file] + jobs.map(\.name), recorder: recorder)
    defer {
      child.send(SIGKILL)
      child.waitUntilEnded()
    }
    var course = Course(broken: jobs[0])
    var deadline = clock.now + .seconds(limit)
    func take(_ lines: [String], _ report: inout CheckReport) {
      for line in lines {
        guard let message = ProbeMessage(line: line) else { continue }
        if let name = message.begin {
          course.broken = CheckJob(name: name)
          deadline = clock.now + .seconds(limit)
          tell(CheckJob(name: name))
        }
        if let outcome = message.outcome { report.add(outcome) }
        if message.isDone == true { course.broken = nil }
      }
    }
    while true {
      ChildProcess.wait(for: [child], milliseconds: 200)
      take(child.lines(), &report)
      if let ending = child.ending {
        take(child.lines(), &report)
        if course.reason.isEmpty { course.reason = ending.account + recorder.call }
        return course
      }
      guard course.reason.isEmpty else { continue }
      if let memory = child.tooMuchMemory {
        course.reason = "it took \(memory) MiB of memory" + recorder.call
      } else if clock.now > deadline {
        course.reason = "nothing came back within \(Int(limit)) s" + recorder.call
      } else {
        continue
      }
      child.send(SIGKILL)
    }
  }
}
