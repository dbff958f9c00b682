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
    /// Mean over the models of the row.
    package var mean: Double
    /// Standard deviation over the models of the row (of a sample: n - 1); nil where one model is behind the number.
    package var deviation: Double?
    /// How many models: one a run, but an original or a retrained model that serves several runs is one.
    package var runs: Int
    /// Mean over the models of the distance from the retrained model; nil where that is no question.
    package var gap: Double?
    /// The ends of the 95 % interval of the one number behind it; nil for several, and where none is known.
    package var interval: [Double]?
    /// True where a run gave up at its value: mean and gap are at least as large. Else nil.
    package var isCapped: Bool?
    /// True where tables leave it to the details further down. Else nil.
    package var isDetail: Bool?

    enum CodingKeys: String, CodingKey {
      case id, name, unit, direction, mean, deviation, runs, gap, interval
      case isCapped = "capped"
      case isDetail = "detail"
    }
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
    var places: [String: Int] = [:]
    var models: [[Measured]] = []
    for (index, report) in reports.enumerated() {
      guard let record = report[model: model] else { continue }
      let measured = Measured(record: record, reference: model == .retrained ? nil : report[model: .retrained])
      let origin =
        model == .unlearned ? "run \(index)" : report.origins[model.text] ?? Tree.encoding(record).json()
      if let place = places[origin] {
        models[place].append(measured)
      } else {
        places[origin] = models.count
        models.append([measured])
      }
    }
    let columns = MetricColumn.columns(of: models.joined().map(\.record))
    return Row(label: label, cells: columns.compactMap { ComparisonReport.cell($0.id, models) })
  }

  /// A model's numbers in one run, and the retrained model's there.
  private struct Measured {
    let record: ModelRecord
    let reference: ModelRecord?
  }

  /// Sums up models, each by the mean of what was measured on it.
  private static func cell(_ id: String, _ models: [[Measured]]) -> Cell? {
    let found = models.map { runs in runs.compactMap { run in run.record[id].map { ($0, run.reference?[id]) } } }
      .filter { !$0.isEmpty }
    guard let first = found.first?.first?.0 else { return nil }
    let values = found.map { runs in average(runs.map(\.0.value)) }
    let gaps = found.compactMap { runs -> Double? in
      let gaps = runs.compactMap { metric, reference in metric.gap(to: reference) }
      return gaps.count == runs.count ? average(gaps) : nil
    }
    let metrics = found.joined().map(\.0)
    let mean = average(values)
    let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
    return Cell(
      id: id, name: first.name, unit: first.unit, direction: first.direction, mean: mean,
      deviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil, runs: values.count,
      gap: gaps.count == values.count ? average(gaps) : nil,
      interval: metrics.allSatisfy { $0.value == first.value && $0.interval == first.interval } ? first.interval : nil,
      isCapped: metrics.contains { $0.isCapped == true } ? true : nil,
      isDetail: metrics.allSatisfy { $0.isDetail == true } ? true : nil)
  }

  /// The mean; of equal numbers that number, without rounding.
  private static func average(_ values: [Double]) -> Double {
    let first = values.first ?? .nan
    return values.allSatisfy { $0 == first } ? first : values.reduce(0, +) / Double(values.count)
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

  /// The numbers that the table leaves out, one a row; nil when there are none.
  var detailTable: TextTable? {
    let columns = detailColumns
    guard !columns.isEmpty else { return nil }
    let rows = rows
    return TextTable(
      heading: ["number"] + rows.map(\.label),
      rows: columns.map { column in
        [column.heading] + rows.map { row in row.cells.first { $0.id == column.id }.map(ComparisonReport.text) ?? "–" }
      })
  }

  /// The columns of the table, in the order in which they first appear in a row.
  var columns: [MetricColumn] { allColumns.filter { !$0.isDetail } }

  /// The columns that the table leaves out.
  var detailColumns: [MetricColumn] { allColumns.filter(\.isDetail) }

  private var allColumns: [MetricColumn] {
    let cells = rows.flatMap(\.cells)
    var seen: Set<String> = []
    return cells.filter { seen.insert($0.id).inserted }.map { cell in
      MetricColumn(
        id: cell.id, heading: cell.unit.isEmpty ? cell.name : "\(cell.name) [\(cell.unit)]",
        isDetail: cells.allSatisfy { $0.id != cell.id || $0.isDetail == true })
    }
  }

  static func text(_ cell: Cell) -> String {
    let isCapped = cell.isCapped == true
    var text = NumberText.metric(cell.mean, unit: cell.unit, isCapped: isCapped)
    if let deviation = cell.deviation { text += " ± \(NumberText.metric(deviation, unit: cell.unit))" }
    if let interval = NumberText.interval(cell.interval, unit: cell.unit) { text += " \(interval)" }
    if let gap = cell.gap { text += " (\(NumberText.metric(gap, unit: cell.unit, isCapped: isCapped)))" }
    return text
  }

  /// What the table needs said beside it.
  var legend: String {
    let seeds = Set(entries.map(\.report.seed)).count
    let over = seeds > 1 ? "over \(seeds) seeds" : "over runs"
    let deviations = rows.contains { row in row.cells.contains { $0.deviation != nil } }
    return "In brackets: the distance from the retrained model."
      + (deviations ? " Mean ± standard deviation \(over); none where one model is behind a number." : "")
  }

  /// For a terminal.
  package func plain() -> String { table.plain + "\n" + legend + "\n" + publishedPlain }

  /// For Markdown.
  package func markdown() -> String {
    var text = "# \(name)\n\n\(table.markdown)\n\(legend)\n\n\(publishedMarkdown)"
    if let detailTable { text += "## More numbers\n\n\(detailTable.markdown)\n" }
    text += "## Runs\n\n"
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
