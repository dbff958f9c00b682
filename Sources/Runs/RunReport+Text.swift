extension RunReport {
  /// What the run is called in a heading: its name, and its method when it is one of several.
  package var title: String { variant.map { "\(name), \($0)" } ?? name }

  /// The measured models, one a row; behind a number, in brackets, its distance from the retrained model's.
  package var table: TextTable {
    let order: [MeasuredModel] = [.original, .retrained, .unlearned]
    let records = order.compactMap { self[model: $0] }
    let columns = MetricColumn.columns(of: records, areDetails: false)
    let reference = self[model: .retrained]
    return TextTable(
      heading: ["model"] + columns.map(\.heading),
      rows: records.map { record in
        [record.model.text] + columns.map { cell($0, record, reference) }
      })
  }

  func cell(_ column: MetricColumn, _ record: ModelRecord, _ reference: ModelRecord?) -> String {
    guard let metric = record[column.id] else { return "–" }
    guard record.model != .retrained, let gap = metric.gap(to: reference?[column.id]) else { return metric.text }
    return "\(metric.text) (\(NumberText.metric(gap, unit: metric.unit, isCapped: metric.isCapped == true)))"
  }

  /// The report as `report.md` holds it: what was run, the table, what it took, and exactly what gave it.
  package func markdown() -> String {
    var text = "# \(title)\n\n\(summary)\n\n"
    if !models.isEmpty {
      text += table.markdown
      text += "\nIn brackets: the distance from the retrained model.\n\n"
      text += detailText + classText + protocols
    }
    text += timing
    if !swaps.isEmpty {
      text += "## Swaps\n\n"
      for swap in swaps {
        let roles = swap.roles.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }.joined(separator: ", ")
        text += "- after step \(swap.step) (epoch \(swap.epoch)): \(roles)\n"
      }
      text += "\n"
    }
    if !warnings.isEmpty { text += "## Warnings\n\n" + warnings.map { "- \($0)\n" }.joined() + "\n" }
    return text + provenance
  }

  /// One sentence on what happened.
  var summary: String {
    let counted = steps == 1 ? "1 step" : "\(steps) steps"
    return switch outcome {
    case .finished: "Finished after \(counted), seed \(seed)."
    case .interrupted: "Interrupted after \(counted), seed \(seed); it can go on."
    case .stoppedOnNaN: "Stopped at step \(steps), seed \(seed): \(stopReason ?? "a number was none")."
    case .open: "Not at its end: \(counted) so far, seed \(seed)."
    }
  }

  private var protocols: String {
    let columns = MetricColumn.columns(of: models)
    var text = "| column | protocol | set | samples | set's SHA-256 |\n| --- | --- | --- | ---: | --- |\n"
    for column in columns {
      guard let metric = models.lazy.compactMap({ $0[column.id] }).first else { continue }
      text +=
        "| \(column.heading) | `\(metric.id)`\(metric.plugin.map { " by \($0)" } ?? "") | \(metric.set?.rawValue ?? "–") | "
      text += "\(metric.samples.map(String.init) ?? "–") | \(metric.setHash.map { "`\($0.prefix(12))`" } ?? "–") |\n"
    }
    return text + "\n"
  }

  private var timing: String {
    guard !phases.isEmpty else { return "" }
    var text = "## Time\n\n| phase | time |\n| --- | ---: |\n"
    for phase in phases {
      text += "| \(phase.phase.rawValue) | \(NumberText.duration(phase.seconds))\(phase.cached ? " (reused)" : "") |\n"
    }
    if let unlearnSeconds { text += "| unlearning alone | \(NumberText.duration(unlearnSeconds)) |\n" }
    return text + "\n"
  }

  private var provenance: String {
    var text = "## Provenance\n\n- plan: `\(planHash)`\n"
    if let split {
      let counts = split.samples.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      text += "- split: \(counts); `\(split.hash)`\n"
    }
    for plugin in plugins {
      text += "- \(plugin.role.rawValue): \(plugin.id)\(plugin.version.isEmpty ? "" : " \(plugin.version)"), "
      text += "`\(plugin.sha256)`\n"
    }
    for (name, version) in versions.sorted(by: { $0.key < $1.key }) { text += "- \(name): \(version)\n" }
    for (what, file) in files.sorted(by: { $0.key < $1.key }) { text += "- \(what): `\(file)`\n" }
    return text
  }
}

/// A column of a table: one protocol.
struct MetricColumn: Equatable {
  let id: String
  let heading: String
  /// Whether tables leave it to the details.
  let isDetail: Bool

  /// The protocols in the order in which they first appear. A heading carries its unit. One that is no detail of some record is
  /// none of the table.
  ///
  /// - Parameter areDetails: only those that are details, or only those that are none.
  static func columns(of records: [ModelRecord], areDetails: Bool? = nil) -> [MetricColumn] {
    let metrics = records.flatMap(\.metrics)
    var seen: Set<String> = []
    let columns = metrics.filter { seen.insert($0.id).inserted }.map { metric in
      MetricColumn(
        id: metric.id, heading: metric.unit.isEmpty ? metric.name : "\(metric.name) [\(metric.unit)]",
        isDetail: metrics.allSatisfy { $0.id != metric.id || $0.isDetail == true })
    }
    return columns.filter { areDetails == nil || $0.isDetail == areDetails }
  }
}

extension MetricValue {
  /// The number as tables show it.
  var text: String {
    let number = NumberText.metric(value, unit: unit, isCapped: isCapped == true)
    return NumberText.interval(interval, unit: unit).map { "\(number) \($0)" } ?? number
  }
}
