extension ComparisonReport {
  /// Our numbers, the published ones, and how far they lie apart.
  struct AgainstPublished {
    /// `method` and the metrics that both have.
    var heading: [String]
    /// Three lines for each row that both have: ours, the published one, ours minus the published one.
    var lines: [[String]]
    /// What must be said beside them.
    var legend: [String]

    /// As a table.
    var table: TextTable { TextTable(heading: heading, rows: lines) }
  }

  /// Our numbers beside the published ones; nil where there are none.
  var againstPublished: AgainstPublished? {
    guard let published else { return nil }
    let rows = rows
    let words = published.rows.flatMap(\.values).map(\.metric)
    let shared = columns.filter { words.contains($0.id.metric) }
    var lines: [[String]] = []
    for row in rows {
      guard let other = published[row.label] else { continue }
      func line(_ label: String, _ text: (Cell?, Double?) -> String?) -> [String] {
        [label]
          + shared.map { column in
            text(row.cells.first { $0.id == column.id }, other[column.id.metric]) ?? "–"
          }
      }
      lines.append(line(row.label) { ours, _ in ours.map(ComparisonReport.text) })
      lines.append(
        [row.label + ", published"]
          + shared.map { column in
            published.text(of: row.label, column, like: self.cell(column)) ?? "–"
          })
      lines.append(
        line(row.label + ", difference") { ours, theirs in
          guard let ours, let theirs else { return nil }
          let text = NumberText.metric(ours.mean - theirs, unit: ours.unit)
          return text.hasPrefix("-") ? text : "+" + text
        })
    }
    return AgainstPublished(
      heading: ["method"] + shared.map(\.heading), lines: lines, legend: legend(published, shared, rows))
  }

  /// Some row's cell of a column: unit and direction are the same in all.
  private func cell(_ column: MetricColumn) -> Cell? { rows.flatMap(\.cells).first { $0.id == column.id } }

  private func legend(_ published: PublishedTable, _ shared: [MetricColumn], _ rows: [Row]) -> [String] {
    var lines = ["Published: \(published.source), measured on \(published.setting)."]
    if let setting { lines.append("Ours: \(setting).") }
    if let note = published.note { lines.append(note) }
    lines.append(
      "In brackets: the distance from the retrained model, ours from our own, a published one from the published one. "
        + "Difference: ours minus the published number.")
    let labels = rows.map(\.label)
    let left = published.rows.map(\.label).filter { !labels.contains($0) }
    if !left.isEmpty { lines.append("Published, and not run here: \(left.joined(separator: ", ")).") }
    let ours = rows.filter { isMethod($0) && published[$0.label] == nil }.map(\.label)
    if !ours.isEmpty { lines.append("Run here, and not published: \(ours.joined(separator: ", ")).") }
    var unmeasured: [String] = []
    for metric in published.rows.flatMap(\.values).map(\.metric)
    where !shared.contains(where: { $0.id.metric == metric }) && !unmeasured.contains(metric) {
      unmeasured.append(metric)
    }
    if !unmeasured.isEmpty { lines.append("Published, and not measured here: \(unmeasured.joined(separator: ", ")).") }
    return lines
  }

  /// The table and what it needs said, for a terminal.
  var publishedPlain: String {
    againstPublished.map { "\n\($0.table.plain)\($0.legend.joined(separator: "\n"))\n" } ?? ""
  }

  /// The same for Markdown.
  var publishedMarkdown: String {
    againstPublished.map {
      "## Against the published numbers\n\n\($0.table.markdown)\n\($0.legend.joined(separator: " "))\n\n"
    } ?? ""
  }

  /// The same as a LaTeX `tabular`.
  var publishedLaTeX: String {
    guard let against = againstPublished else { return "" }
    // A minus sign is one in mathematics only.
    func cell(_ text: String) -> String { text.hasPrefix("-") ? "$\(text)$" : LaTeX.escape(text) }
    func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: " & ") + " \\\\\n" }
    var text = "\n" + against.legend.map { "% \(LaTeX.comment($0))\n" }.joined()
    text += "\\begin{tabular}{l\(String(repeating: "r", count: against.heading.count - 1))}\n\\hline\n"
    text += line(against.heading)
    for (index, cells) in against.lines.enumerated() {
      if index % 3 == 0 { text += "\\hline\n" }
      text += line(cells)
    }
    return text + "\\hline\n\\end{tabular}\n"
  }

  /// The same for a page.
  var publishedMarkup: [Markup] {
    guard let against = againstPublished else { return [] }
    let heading = against.heading.enumerated().map { index, text in
      Markup("th", index == 0 ? ["scope": "col"] : ["scope": "col", "class": "number"], text: text)
    }
    let body = against.lines.enumerated().map { index, cells in
      Markup(
        "tr", ["class": index % 3 == 0 ? "result" : "reference", "data-row": cells[0]],
        [Markup("th", ["scope": "row"], text: cells[0])]
          + cells.dropFirst().map { Markup("td", ["class": "number"], text: $0) })
    }
    let table = Page.table("Against the published numbers", heading: heading, rows: body).adding(["id": "published"])
    return [Markup("div", ["class": "wide"], [table])] + against.legend.map { Markup("p", ["class": "soft"], text: $0) }
  }
}

extension PublishedTable {
  /// A published number with its distance from the published retrained model.
  fileprivate func text(of label: String, _ column: MetricColumn, like cell: ComparisonReport.Cell?) -> String? {
    guard let cell, let value = self[label]?[column.id.metric] else { return nil }
    let text = NumberText.metric(value, unit: cell.unit)
    guard cell.direction == .retrained, label != "retrained", let aim = self["retrained"]?[column.id.metric] else {
      return text
    }
    return "\(text) (\(NumberText.metric((value - aim).magnitude, unit: cell.unit)))"
  }
}

extension String {
  /// A protocol's id up to its `@`: the metric.
  fileprivate var metric: String { prefix { $0 != "@" }.description }
}

extension RunPlan {
  /// What the numbers of the plan are measured on, in a few words.
  package var setting: String {
    var words = "'\(data.path.flatMap { $0.split(separator: "/").last.map(String.init) } ?? data.source.rawValue)'"
    if let train = data.train { words += " (\(train) samples)" }
    words += ", \(model.name)"
    if case .resnet18(let width) = model { words += " of width \(width)" }
    if case .train(let training) = base { words += ", \(training.epochs) epochs" }
    return words + ", \(precision.rawValue)"
  }
}
