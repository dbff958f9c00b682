/// How far a phase is, as text.
package struct ProgressLine: Sendable {
  /// What the run is called among several, `[2/7 SalUn] `; empty for one.
  package var label: String

  /// Lines of a run called so.
  package init(label: String) { self.label = label }

  /// A line for a terminal of so many columns: phase, bar, share, rate, remaining time, loss. Where it is narrow, without
  /// the bar, then without rate and loss.
  package func bar(_ progress: Progress, columns: Int) -> String {
    let share = share(progress)
    let head = label + progress.phase.rawValue.padding(8)
    let tail = facts(progress).joined(separator: ", ")
    let room = columns - head.count - tail.count - 4
    guard room >= 8 else {
      let short = [facts(progress), Array(facts(progress).prefix(1)) + (left(progress).map { [$0] } ?? [])]
        .map { head + " " + $0.joined(separator: ", ") }
      return short.first { $0.count < columns } ?? String(head.prefix(max(0, columns - 1)))
    }
    let length = min(room, 32)
    let full = Int((share * Double(length)).rounded(.down))
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: length - full)
    return "\(head) \(bar)  \(tail)"
  }

  /// A line for a log.
  package func plain(_ progress: Progress) -> String {
    "\(label)\(progress.phase.rawValue): \(progress.done) of \(progress.total) \(progress.unit), "
      + facts(progress).joined(separator: ", ")
  }

  private func share(_ progress: Progress) -> Double {
    progress.total > 0 ? min(1, max(0, Double(progress.done) / Double(progress.total))) : 0
  }

  private func facts(_ progress: Progress) -> [String] {
    var facts = ["\(Int((share(progress) * 100).rounded(.down))) %"]
    if let left = left(progress) {
      facts.append("\(NumberText.fixed(progress.rate, progress.rate < 10 ? 2 : 0)) \(progress.unit)/s")
      facts.append(left)
    }
    if let loss = progress.loss { facts.append("loss \(NumberText.fixed(loss, 4))") }
    return facts
  }

  private func left(_ progress: Progress) -> String? {
    guard progress.rate > 0, progress.rate.isFinite else { return nil }
    return "\(NumberText.duration(Double(max(0, progress.total - progress.done)) / progress.rate)) left"
  }
}

extension String {
  /// The text with spaces behind it up to so many characters.
  package func padding(_ length: Int) -> String { self + String(repeating: " ", count: max(0, length - count)) }
}
