/// Numbers one a line, as `metrics.csv` holds them: for spreadsheets and data frames.
enum MetricsCSV {
  static let heading = [
    "run", "variant", "seed", "model", "metric", "name", "set", "value", "unit", "samples", "direction", "protocol",
    "metric_seed", "set_hash", "plan_hash", "gap",
  ]

  /// The lines of a run's report, of which `variant` is what the rows are called.
  static func lines(_ report: RunReport, variant: String?) -> [[String]] {
    let aim = report[model: .retrained]
    return (report.models + report.history).flatMap { record in
      record.metrics.map { metric in
        // An id is a metric and the procedure that gave it.
        let parts = metric.id.split(separator: "@", maxSplits: 1).map(String.init)
        let isCompared = record.model != .retrained && metric.direction == .retrained
        let gap = isCompared ? aim?[metric.id].map { (metric.value - $0.value).magnitude } : nil
        return [
          report.name, variant ?? "", String(report.seed), record.model.text, metric.id, metric.name,
          metric.set?.rawValue ?? "", DataTable.exact(metric.value), metric.unit,
          metric.samples.map(String.init) ?? "", metric.direction.rawValue, parts.count > 1 ? parts[1] : "",
          metric.seed.map(String.init) ?? "", metric.setHash ?? "", report.planHash,
          gap.map(DataTable.exact) ?? "",
        ]
      }
    }
  }

  /// Lines as RFC 4180 has them, but that they end with a line feed alone.
  static func text(_ lines: [[String]], heading: [String] = heading) -> String {
    ([heading] + lines).map { $0.map(field).joined(separator: ",") + "\n" }.joined()
  }

  private static func field(_ text: String) -> String {
    let isPlain = !text.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
    return isPlain ? text : "\"\(text.replacing("\"", with: "\"\""))\""
  }
}

extension RunReport {
  /// Every number of the run as `metrics.csv` holds it: one a line.
  package func csv() -> String { MetricsCSV.text(MetricsCSV.lines(self, variant: variant)) }
}

extension ComparisonReport {
  /// Every number of every run as `metrics.csv` holds it; the variant is the label of the run's row.
  package func csv() -> String { MetricsCSV.text(entries.flatMap { MetricsCSV.lines($0.report, variant: $0.label) }) }

  /// The table as `comparison.csv` holds it: a line for each number of each row.
  package func tableCSV() -> String {
    let lines = columns.flatMap { column -> [[String]] in
      let best = best(in: column.id)
      return rows.compactMap { row in
        guard let cell = row.cells.first(where: { $0.id == column.id }) else { return nil }
        let isBest = isMethod(row) && best.contains(row.label)
        return [
          name, row.label, isMethod(row) ? "method" : "reference", cell.id, cell.name, cell.unit,
          cell.direction.rawValue, DataTable.exact(cell.mean), cell.deviation.map(DataTable.exact) ?? "",
          String(cell.runs), cell.gap.map(DataTable.exact) ?? "", isBest ? "true" : "false",
        ]
      }
    }
    return MetricsCSV.text(
      lines,
      heading: [
        "comparison", "row", "kind", "metric", "name", "unit", "direction", "mean", "deviation", "models", "gap",
        "best",
      ])
  }
}
