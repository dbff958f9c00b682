import Foundation
import Runs

/// Tells how far an audit is: a line a model, a bar on a terminal, JSON where it is asked for.
final class AuditLog {
  private let screen: Screen
  private let json: Bool
  private let clock = ContinuousClock()
  private var began: ContinuousClock.Instant
  private var made = 0
  private var total = 0
  /// How much of each model that is being made is done, 0 ... 1.
  private var shares: [AuditJob: Double] = [:]

  init(screen: Screen, json: Bool) {
    self.screen = screen
    self.json = json
    began = clock.now
  }

  /// The budget.
  func started(_ budget: AuditBudget) throws {
    try write("audit-started", [TreeEntry("budget", Tree.encoding(budget))])
  }

  /// From now on so many models are made.
  func expect(_ count: Int) {
    total = count
    began = clock.now
  }

  /// What a process said about its job.
  func hear(_ heard: (job: AuditJob, message: WorkerMessage)) throws {
    if let seconds = heard.message.seconds {
      made += 1
      shares[heard.job] = nil
      let left = remaining.map { ", about \(NumberText.duration($0)) left" } ?? ""
      screen.tell("\(heard.job.name) made in \(NumberText.duration(seconds)); \(made) of \(total)\(left)")
      try write(
        "model-made",
        [
          TreeEntry("job", .string(heard.job.name)), TreeEntry("seconds", .float(seconds)),
          TreeEntry("made", .int(Int64(made))), TreeEntry("of", .int(Int64(total))),
        ])
    }
    guard let event = heard.message.event else { return }
    switch event.what {
    case .progress(let progress):
      shares[heard.job] = AuditLog.share(progress)
      screen.bar(line)
    case .warning: screen.show(event)
    // What a plugin tells of one run would be told once for every model.
    case .log(_, let level, _) where level != "info" && level != "report": screen.show(event)
    default: break
    }
  }

  /// The report.
  func finished(_ report: AuditReport) throws {
    try write("audit-finished", [TreeEntry("report", Tree.encoding(report))])
  }

  /// Training is most of a job; what comes after it is short.
  private static func share(_ progress: Runs.Progress) -> Double {
    let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
    return switch progress.phase {
    case .data, .base: 0.7 * share
    case .retrain, .replay, .mask: 0.7
    case .unlearn: 0.7 + 0.25 * share
    case .evaluate, .judge: 0.95
    }
  }

  private var done: Double { Double(made) + shares.values.reduce(0, +) }

  /// Seconds left, once something is known.
  private var remaining: Double? {
    guard done > 0.2, total > 0 else { return nil }
    return (clock.now - began) / .seconds(1) * (Double(total) - done) / done
  }

  private var line: String {
    let now = shares.sorted { $0.key.name < $1.key.name }.map { job, share in
      "\(job.name) \(Int((share * 100).rounded(.down))) %"
    }
    let left = remaining.map { ", \(NumberText.duration($0)) left" } ?? ""
    return "\(made) of \(total) models\(left); \(now.joined(separator: ", "))"
  }

  private func write(_ type: String, _ entries: [TreeEntry]) throws {
    guard json else { return }
    let seconds = TreeEntry("seconds_since_start", .float((clock.now - began) / .seconds(1)))
    try Output.result(Tree.map([TreeEntry("type", .string(type)), seconds] + entries).json() + "\n")
  }
}
