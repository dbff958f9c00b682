/// Numbers one a line, as `metrics.csv` holds them: for spreadsheets and data frames.
enum MetricsCSV {
  static let heading = [
    "run", "variant", "seed", "model", "metric", "name", "set", "value", "unit", "samples", "direction", "protocol",
    "metric_seed", "set_hash", "plan_hash", "class", "capped", "gap", "plugin",
  ]

  /// The lines of a run's report, of which `variant` is what the rows are called.
  static func lines(_ report: RunReport, variant: String?) -> [[String]] {
    let aim = report[model: .retrained]
    let numbers = (report.models + report.history).flatMap { record in
      record.metrics.map { metric in
        let gap = record.model == .retrained ? nil : metric.gap(to: aim?[metric.id])
        return line(report, variant, record.model, metric, ofClass: "", gap: gap)
      }
    }
    return numbers
      + report.classes.flatMap { found in
        found.classes.flatMap { row in
          row.metrics(of: found).map { line(report, variant, found.model, $0, ofClass: row.name) }
        }
      }
  }

  private static func line(
    _ report: RunReport, _ variant: String?, _ model: MeasuredModel, _ metric: MetricValue, ofClass name: String,
    gap: Double? = nil
  ) -> [String] {
    // An id is a metric and the procedure that gave it.
    let parts = metric.id.split(separator: "@", maxSplits: 1).map(String.init)
    return [
      report.name, variant ?? "", String(report.seed), model.text, metric.id, metric.name,
      metric.set?.rawValue ?? "", DataTable.exact(metric.value), metric.unit,
      metric.samples.map(String.init) ?? "", metric.direction.rawValue, parts.count > 1 ? parts[1] : "",
      metric.seed.map(String.init) ?? "", metric.setHash ?? "", report.planHash, name,
      metric.isCapped == true ? "yes" : "", gap.map(DataTable.exact) ?? "",
      metric.plugin ?? "",
    ]
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

extension ClassNumbers.Row {
  /// Accuracy and loss as metrics; none of a class without samples.
  fileprivate func metrics(of numbers: ClassNumbers) -> [MetricValue] {
    let found = [
      ("accuracy", ClassNumbers.accuracyID, "acc(\(numbers.set.rawValue), class)", accuracy, "%"),
      ("loss", ClassNumbers.lossID, "loss(\(numbers.set.rawValue), class)", loss, ""),
    ]
    return found.compactMap { key, id, name, value, unit in
      value.map {
        MetricValue(
          id: numbers.protocols[key] ?? id, name: name, value: $0, unit: unit, direction: .retrained, set: numbers.set,
          samples: samples, seed: numbers.seed, setHash: numbers.setHash)
      }
    }
  }
}
