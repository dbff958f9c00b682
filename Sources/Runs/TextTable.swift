/// A table of text: a heading and rows, of which the first column names the row.
package struct TextTable: Sendable, Equatable {
  /// The columns' headings.
  package var heading: [String]
  /// The rows, each as long as the heading.
  package var rows: [[String]]

  /// Makes a table of its parts.
  package init(heading: [String], rows: [[String]]) {
    self.heading = heading
    self.rows = rows
  }

  /// For a terminal: columns two spaces apart, the first to the left, the others to the right, a rule under the heading.
  package var plain: String {
    let widths = heading.indices.map { column in
      ([heading] + rows).map { TextTable.width($0[column]) }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - TextTable.width(cell))
        return column == 0 ? cell + space : space + cell
      }
      return padded.joined(separator: "  ").trimmingSpaces
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return ([line(heading), rule] + rows.map(line)).joined(separator: "\n") + "\n"
  }

  /// For a terminal: columns of words, two spaces apart, all to the left.
  package var leftAligned: String {
    let widths = heading.indices.dropLast().map { column in ([heading] + rows).map { $0[column].count }.max() ?? 0 }
    let lines = ([heading] + rows).map { cells in
      let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return (padded + cells.suffix(1)).joined(separator: "  ").trimmingSpaces
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For Markdown.
  package var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    let rule = "| --- |" + String(repeating: " ---: |", count: heading.count - 1)
    return ([line(heading), rule] + rows.map(line)).joined(separator: "\n") + "\n"
  }

  private static func width(_ text: String) -> Int { text.count }
}

/// Numbers as text, the same wherever they are printed.
package enum NumberText {
  /// A number with so many digits after the point; `–` for one that is none.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "-∞" : "∞" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int64(scaled)
    let sign = value < 0 && whole != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    let text = String(whole)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }

  /// A metric's value: two digits for percentages and seconds, four for nats and what has no unit, none for whole steps.
  /// `isCapped`: it is at least as large.
  static func metric(_ value: Double, unit: String, isCapped: Bool = false) -> String {
    let digits =
      switch unit {
      case "", "nats": 4
      case "steps": value == value.rounded() ? 0 : 1
      default: 2
      }
    return (isCapped ? "≥ " : "") + fixed(value, digits)
  }

  /// The ends of an interval, `[0.00, 0.74]`; nil where there is none.
  static func interval(_ ends: [Double]?, unit: String) -> String? {
    guard let ends, ends.count == 2 else { return nil }
    return "[\(metric(ends[0], unit: unit)), \(metric(ends[1], unit: unit))]"
  }

  /// A duration: `0.8 s`, `12 s`, `3:05 min`, `1:02:05 h`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    if seconds < 9.95 { return "\(fixed(seconds, 1)) s" }
    let whole = Int(seconds.rounded())
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60):\(two(whole % 60)) min" }
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60)) h"
  }
}

extension String {
  /// The text without the spaces at its end.
  fileprivate var trimmingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}
