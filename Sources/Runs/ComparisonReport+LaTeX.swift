extension ComparisonReport {
  /// The table as a LaTeX `tabular` that needs no package: the best method of a column in bold.
  package func latex() -> String {
    let columns = columns
    let best = columns.map { self.best(in: $0.id) }
    let rows = rows
    func line(_ cells: [String]) -> String { cells.joined(separator: " & ") + " \\\\\n" }
    var text = "% \(LaTeX.comment(legend))\n"
    text += "\\begin{tabular}{l\(String(repeating: "r", count: columns.count))}\n\\hline\n"
    text += line((["method"] + columns.map(\.heading)).map(LaTeX.escape)) + "\\hline\n"
    for (index, row) in rows.enumerated() {
      // A rule between the reference models and the methods.
      if index > 0, isMethod(row), !isMethod(rows[index - 1]) { text += "\\hline\n" }
      let cells = zip(columns, best).map { column, best -> String in
        guard let cell = row.cells.first(where: { $0.id == column.id }) else { return "--" }
        let isBest = isMethod(row) && best.contains(row.label)
        return LaTeX.cell(cell, isBest: isBest)
      }
      text += line([LaTeX.escape(row.label)] + cells)
    }
    return text + "\\hline\n\\end{tabular}\n" + publishedLaTeX
  }
}

/// Text for LaTeX.
enum LaTeX {
  /// Text with what LaTeX would read as commands taken out of it.
  static func escape(_ text: String) -> String {
    var out = ""
    for character in text {
      switch character {
      case "\\": out += "\\textbackslash{}"
      case "~": out += "\\textasciitilde{}"
      case "^": out += "\\textasciicircum{}"
      case "<": out += "\\textless{}"
      case ">": out += "\\textgreater{}"
      case "|": out += "\\textbar{}"
      case "&", "%", "$", "#", "_", "{", "}": out += "\\\(character)"
      // A bracket at the beginning of a line would be read as the argument of the line break before it.
      case "[": out += "{[}"
      case "]": out += "{]}"
      case "–": out += "--"
      case "\n", "\r", "\t", "\r\n": out += " "
      default: out.append(character)
      }
    }
    return out
  }

  /// Text for a comment, which ends with the line.
  static func comment(_ text: String) -> String { text.replacing(#/[\r\n]+/#, with: " ") }

  fileprivate static func cell(_ cell: ComparisonReport.Cell, isBest: Bool) -> String {
    var text = number(cell.mean, cell.unit)
    if let deviation = cell.deviation { text += " $\\pm$ \(number(deviation, cell.unit))" }
    if let gap = cell.gap { text += " (\(number(gap, cell.unit)))" }
    return isBest ? "\\textbf{\(text)}" : text
  }

  private static func number(_ value: Double, _ unit: String) -> String {
    guard value.isFinite else { return value.isNaN ? "--" : value < 0 ? "$-\\infty$" : "$\\infty$" }
    let text = NumberText.metric(value, unit: unit)
    return text.hasPrefix("-") ? "$\(text)$" : text
  }
}
