extension AuditReport {
  /// What the audit is called in a heading.
  package var title: String { "audit of \(name)\(variant.map { ", \($0)" } ?? "")" }

  /// A part of the report: a heading, a table, and what it means.
  private struct Part {
    let heading: String
    let table: TextTable
    let meaning: String
  }

  /// The report for a terminal.
  package var text: String {
    let parts = parts.map { "\($0.heading)\n\n\($0.table.plain)\n\($0.meaning)\n" }
    return (parts + warnings.map { "warning: \($0)\n" }).joined(separator: "\n")
  }

  /// The report as `report.md` holds it.
  package func markdown() -> String {
    var text = "# \(title.prefix(1).uppercased())\(title.dropFirst())\n\n"
    text += parts.map { "## \($0.heading)\n\n\($0.table.markdown)\n\($0.meaning)\n\n" }.joined()
    if !warnings.isEmpty { text += "## Warnings\n\n" + warnings.map { "- \($0)\n" }.joined() + "\n" }
    text += "## Models\n\n" + modelTable.markdown + "\n"
    text += "## Provenance\n\n- plan: `\(planHash)`\n- split: `\(splitHash)`\n"
    text +=
      "- audited samples: " + samples.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    text += "\n- variance of the attacks: \(variance.rawValue)\n"
    for attack in [lira, uLira].compactMap(\.self) { text += "- protocol: `\(attack.protocol)`\n" }
    for plugin in plugins { text += "- \(plugin.role.rawValue): \(plugin.id) \(plugin.version), `\(plugin.sha256)`\n" }
    for (name, version) in versions.sorted(by: { $0.key < $1.key }) { text += "- \(name): \(version)\n" }
    return text
  }

  private var parts: [Part] {
    var parts: [Part] = []
    if let lira {
      parts.append(
        Part(
          heading: "LiRA: was the sample trained on?", table: lira.table,
          meaning: "AUC 0.5: the attack finds nothing, as it must for the retrained model and the forget set. "
            + lira.leaveOneOut.sentence))
    }
    if let uLira {
      parts.append(
        Part(
          heading: "U-LiRA: was the sample unlearned, or never trained on?", table: uLira.table,
          meaning: "AUC 0.5: the unlearned model cannot be told from the retrained one by its forget samples. "
            + uLira.leaveOneOut.sentence))
    }
    if let klom {
      parts.append(
        Part(
          heading: "KLOM: unlearned models against retrained ones [nats]", table: AuditReport.table(klom),
          meaning: "Nearer to 'chance' is better: that is KLOM of the same models dealt out at random, which with "
            + "\(shadows) models a side is not 0. In brackets: the 95th percentile over samples."))
    }
    return parts
  }

  private static func table(_ rows: [Divergence]) -> TextTable {
    func cell(_ spread: Spread) -> String {
      "\(NumberText.fixed(spread.mean, 3)) (\(NumberText.fixed(spread.percentile95, 3)))"
    }
    return TextTable(
      heading: ["set", "samples", "original", "unlearned", "chance", "± of chance"],
      rows: rows.map { row in
        [
          row.set, String(row.samples), cell(row.original), cell(row.unlearned), cell(row.chance),
          NumberText.fixed(row.chanceDeviation, 3),
        ]
      })
  }

  private var modelTable: TextTable {
    TextTable(
      heading: ["models", "number", "trained on", "parameters", "time each"],
      rows: models.map { model in
        [
          model.kind, String(model.count), String(model.samples), String(model.parameters),
          NumberText.duration(model.seconds),
        ]
      })
  }
}

extension AuditReport.Attack {
  /// The attack on the run's models, one a row.
  var table: TextTable {
    func cell(_ estimate: AuditReport.Estimate?, percent: Bool = true) -> String {
      guard let estimate else { return "too few" }
      func text(_ value: Double) -> String { percent ? NumberText.fixed(100 * value, 2) : NumberText.fixed(value, 3) }
      return "\(text(estimate.value)) [\(text(estimate.low)), \(text(estimate.high))]"
    }
    return TextTable(
      heading: ["model", "found among", "AUC [95 %]", "chance ±", "TPR at 1 % FPR [%]", "TPR at 0.1 % FPR [%]"],
      rows: rows.map { row in
        [
          row.model, "\(row.positiveCount) \(row.positives) / \(row.negativeCount) \(row.negatives)",
          cell(row.area, percent: false), NumberText.fixed(row.chanceDeviation, 3), cell(row.shareAt1),
          cell(row.shareAt01),
        ]
      })
  }
}

extension AuditReport.LeaveOneOut {
  /// The attack on the shadow models themselves.
  fileprivate var sentence: String {
    let share = shareAt1Mean.map { ", TPR at 1 % FPR \(NumberText.fixed(100 * $0, 2)) %" } ?? ""
    return "On each of the \(models) shadow models by the others: AUC \(NumberText.fixed(areaMean, 3)) ± "
      + "\(NumberText.fixed(areaDeviation, 3))\(share)."
  }
}
