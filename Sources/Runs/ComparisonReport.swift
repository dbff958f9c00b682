/// Several runs side by side: one row a method, runs that differ only in seeds summed up as mean and deviation.
package struct ComparisonReport: Sendable, Equatable, Codable {
  /// One run with the row it belongs to.
  package struct Entry: Sendable, Equatable, Codable {
    /// The row.
    package var label: String
    /// What came out.
    package var report: RunReport

    /// Makes an entry of its two halves.
    package init(label: String, report: RunReport) {
      self.label = label
      self.report = report
    }
  }

  /// One number of one row.
  package struct Cell: Sendable, Equatable, Codable {
    /// The protocol.
    package var id: String
    /// What the column is called.
    package var name: String
    /// The unit.
    package var unit: String
    /// Which way is good.
    package var direction: MetricDirection
    /// Mean over the runs of the row.
    package var mean: Double
    /// Standard deviation over the runs of the row (of a sample: n - 1); nil for one run.
    package var deviation: Double?
    /// How many runs.
    package var runs: Int
    /// Mean over the runs of the distance from the retrained model; nil where that is no question.
    package var gap: Double?
  }

  /// One row.
  package struct Row: Sendable, Equatable, Codable {
    /// What it is: `original`, `retrained`, or a method.
    package var label: String
    /// Its numbers, in the order of the columns that it has.
    package var cells: [Cell]
  }

  /// What the comparison is called.
  package var name: String
  /// The runs, in order.
  package var entries: [Entry]
  /// Numbers to stand beside ours, from `--paper`.
  package var published: PublishedTable?
  /// What ours are measured on, to be said beside published ones.
  package var setting: String?

  /// Makes a comparison of runs.
  package init(name: String, entries: [Entry]) {
    self.name = name
    self.entries = entries
  }

  /// The rows: the original and the retrained model first, then the methods in the order they were run.
  package var rows: [Row] {
    let reports = entries.map(\.report)
    var rows = [row("original", .original, reports), row("retrained", .retrained, reports)]
    var labels: [String] = []
    for entry in entries where !labels.contains(entry.label) { labels.append(entry.label) }
    for label in labels {
      rows.append(row(label, .unlearned, entries.filter { $0.label == label }.map(\.report)))
    }
    return rows.filter { !$0.cells.isEmpty }
  }

  private func row(_ label: String, _ model: MeasuredModel, _ reports: [RunReport]) -> Row {
    // The original and the retrained model serve many runs and count once for each time they were made.
    var seen: [ModelRecord] = []
    var pairs: [(record: ModelRecord, reference: ModelRecord?)] = []
    for report in reports {
      guard let record = report[model: model] else { continue }
      if model != .unlearned {
        if seen.contains(record) { continue }
        seen.append(record)
      }
      pairs.append((record, model == .retrained ? nil : report[model: .retrained]))
    }
    let columns = MetricColumn.columns(of: pairs.map(\.record))
    return Row(label: label, cells: columns.compactMap { ComparisonReport.cell($0.id, pairs) })
  }

  private static func cell(_ id: String, _ pairs: [(record: ModelRecord, reference: ModelRecord?)]) -> Cell? {
    let found = pairs.compactMap { pair in pair.record[id].map { (metric: $0, reference: pair.reference?[id]) } }
    guard let first = found.first?.metric else { return nil }
    let values = found.map(\.metric.value)
    let gaps = found.compactMap { item -> Double? in
      guard item.metric.direction == .retrained, let reference = item.reference else { return nil }
      return (item.metric.value - reference.value).magnitude
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
    return Cell(
      id: id, name: first.name, unit: first.unit, direction: first.direction, mean: mean,
      deviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil, runs: values.count,
      gap: gaps.count == values.count ? gaps.reduce(0, +) / Double(gaps.count) : nil)
  }

  /// The table: `mean ± deviation (gap)`, the deviation only where there are several runs.
  package var table: TextTable {
    let columns = columns
    return TextTable(
      heading: ["method"] + columns.map(\.heading),
      rows: rows.map { row in
        [row.label]
          + columns.map { column in
            row.cells.first { $0.id == column.id }.map(ComparisonReport.text) ?? "–"
          }
      })
  }

  /// The columns of all rows, in the order in which they first appear.
  var columns: [MetricColumn] {
    var columns: [MetricColumn] = []
    for cell in rows.flatMap(\.cells) where !columns.contains(where: { $0.id == cell.id }) {
      columns.append(
        MetricColumn(id: cell.id, heading: cell.unit.isEmpty ? cell.name : "\(cell.name) [\(cell.unit)]"))
    }
    return columns
  }

  static func text(_ cell: Cell) -> String {
    var text = NumberText.metric(cell.mean, unit: cell.unit)
    if let deviation = cell.deviation { text += " ± \(NumberText.metric(deviation, unit: cell.unit))" }
    if let gap = cell.gap { text += " (\(NumberText.metric(gap, unit: cell.unit)))" }
    return text
  }

  /// What the table needs said beside it.
  var legend: String {
    let seeds = Set(entries.map(\.report.seed)).count
    let deviations = rows.contains { row in row.cells.contains { $0.deviation != nil } }
    return "In brackets: the distance from the retrained model."
      + (deviations ? " Mean ± standard deviation over \(seeds) seeds." : "")
  }

  /// For a terminal.
  package func plain() -> String { table.plain + "\n" + legend + "\n" + publishedPlain }

  /// For Markdown.
  package func markdown() -> String {
    var text = "# \(name)\n\n\(table.markdown)\n\(legend)\n\n\(publishedMarkdown)## Runs\n\n"
    for entry in entries {
      text += "- \(entry.label), seed \(entry.report.seed): \(entry.report.outcome.rawValue), "
      text += "plan `\(entry.report.planHash)`\n"
    }
    return text
  }

  /// The comparison as JSON: name, rows and every run's report.
  package func json() -> String {
    struct Output: Encodable {
      let name: String
      let rows: [Row]
      let published: PublishedTable?
      let entries: [Entry]
    }
    return Tree.encoding(Output(name: name, rows: rows, published: published, entries: entries)).prettyJSON()
  }
}
