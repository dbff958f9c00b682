import Runs

/// How far a phase is, as text.
struct ProgressLine {
  /// What the run is called among several, `[2/7 SalUn] `; empty for one.
  var label: String

  /// A line for a terminal of so many columns: phase, bar, share, rate, remaining time, loss.
  func bar(_ progress: Runs.Progress, columns: Int) -> String {
    let share = progress.total > 0 ? min(1, max(0, Double(progress.done) / Double(progress.total))) : 0
    let head = label + progress.phase.rawValue.padding(8)
    let tail = facts(progress, share)
    let room = columns - head.count - tail.count - 4
    guard room >= 8 else { return String((head + " " + tail).prefix(max(0, columns - 1))) }
    let length = min(room, 32)
    let full = Int((share * Double(length)).rounded(.down))
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: length - full)
    return "\(head) \(bar)  \(tail)"
  }

  /// A line for a log.
  func plain(_ progress: Runs.Progress) -> String {
    let share = progress.total > 0 ? min(1, max(0, Double(progress.done) / Double(progress.total))) : 0
    return "\(label)\(progress.phase.rawValue): \(progress.done) of \(progress.total) \(progress.unit), "
      + facts(progress, share)
  }

  private func facts(_ progress: Runs.Progress, _ share: Double) -> String {
    var facts = ["\(Int((share * 100).rounded(.down))) %"]
    if progress.rate > 0, progress.rate.isFinite {
      facts.append("\(NumberText.fixed(progress.rate, progress.rate < 10 ? 2 : 0)) \(progress.unit)/s")
      let left = Double(max(0, progress.total - progress.done)) / progress.rate
      facts.append("\(NumberText.duration(left)) left")
    }
    if let loss = progress.loss { facts.append("loss \(NumberText.fixed(loss, 4))") }
    return facts.joined(separator: ", ")
  }
}

extension String {
  /// The text with spaces behind it up to so many characters.
  func padding(_ length: Int) -> String { self + String(repeating: " ", count: max(0, length - count)) }
}
