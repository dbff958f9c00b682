extension RunReport {
  /// The report as `report.html` holds it: one page that needs no network and no script.
  ///
  /// - Parameters:
  ///   - plan: the plan as YAML, to be shown with it.
  ///   - pictures: images that the models drew, shown side by side.
  package func html(plan: String? = nil, pictures: [Picture] = []) -> String {
    let sections: [Markup?] = [
      Page.section("Numbers", numbers),
      Page.section("More numbers", detailNumbers),
      Page.section("Images", pictures.isEmpty ? [] : Page.figures(pictures.map(\.figure)) + [Picture.legend]),
      Page.section("Steps", Page.figures(curves)),
      Page.section("Reference losses", Page.figures(referenceFigures)),
      Page.section("Weights of samples", Page.figures(weightRanges + weightFigures)),
      Page.section("Losses of samples", Page.figures(histogramFigures)),
      Page.section("Classes", classNumbers),
      Page.section("Mask", Page.figures(maskFigures)),
      Page.section("Cost", Page.figures(costFigures)),
      Page.section("Swaps", swapList),
      Page.section("What made it", provenance(plan)),
    ]
    return Page(title: title, lead: lead, sections: sections.compactMap(\.self)).text
  }

  private var lead: [Markup] {
    var parts = [Markup("p", text: summary)]
    if !warnings.isEmpty {
      parts.append(Markup("ul", ["class": "warnings"], warnings.map { Markup("li", text: $0) }))
    }
    return parts
  }

  private var numbers: [Markup] {
    let records = comparedModels
    guard !records.isEmpty else { return [] }
    let columns = MetricColumn.columns(of: records, areDetails: false)
    let heading = [Markup("th", ["scope": "col"], text: "model")] + columns.map(\.cell)
    let rows = records.map { record in
      Markup(
        "tr", ["class": record.model == .unlearned ? "result" : "reference", "data-model": record.model.text],
        [Markup("th", ["scope": "row"], text: record.model.text)] + columns.map { tableCell($0, record) })
    }
    let table = Page.table("Numbers", heading: heading, rows: rows).adding(["id": "numbers"])
    let legend = Markup(
      "p", ["class": "soft"],
      text: "Δ: distance from the retrained model. The goal is to be as near to it as can be, not higher or lower.")
    return [Markup("div", ["class": "wide"], [table]), legend, protocolTable]
  }

  /// A number of a model, with its distance from the retrained model's below it.
  func tableCell(_ column: MetricColumn, _ record: ModelRecord) -> Markup {
    guard let metric = record[column.id] else { return Markup("td", ["class": "number"], text: "–") }
    let gap = record.model == .retrained ? nil : metric.gap(to: self[model: .retrained]?[column.id])
    let isCapped = metric.isCapped == true
    return Markup(
      "td", ["class": "number", "data-metric": metric.id, "data-row": record.model.text],
      Page.number(metric.value, unit: metric.unit, isCapped: isCapped)
        + Page.interval(metric.interval, unit: metric.unit)
        + Page.gap(gap, unit: metric.unit, isCapped: isCapped))
  }

  private var protocolTable: Markup {
    let heading = ["column", "protocol", "set", "samples", "SHA-256 of the set"]
    let rows = MetricColumn.columns(of: models).compactMap { column -> [Markup]? in
      guard let metric = models.lazy.compactMap({ $0[column.id] }).first else { return nil }
      return [
        Markup("td", text: column.heading),
        Markup(
          "td", [:], [Markup("code", text: metric.id)] + (metric.plugin.map { [Markup(text: " by \($0)")] } ?? [])),
        Markup("td", text: metric.set?.rawValue ?? "–"),
        Markup("td", ["class": "number"], text: metric.samples.map(String.init) ?? "–"),
        Markup("td", [:], [metric.setHash.map { Markup("code", text: String($0.prefix(12))) } ?? Markup(text: "–")]),
      ]
    }
    let table = Page.table(
      "Protocols", heading: heading.map { Markup("th", ["scope": "col"], text: $0) },
      rows: rows.map { Markup("tr", [:], $0) })
    return Markup("details", [:], [Markup("summary", text: "Protocols: how each number was measured"), table])
  }

  private var swapList: [Markup] {
    guard !swaps.isEmpty else { return [] }
    let items = swaps.enumerated().map { index, swap in
      let roles = swap.roles.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }.joined(separator: ", ")
      return Markup("li", text: "S\(index + 1): after step \(swap.step) (epoch \(swap.epoch)): \(roles)")
    }
    return [Markup("ul", [:], items)]
  }

  private func provenance(_ plan: String?) -> [Markup] {
    var facts: [(String, [Markup])] = [
      ("plan", [Markup("code", text: planHash)]), ("seed", [Markup(text: String(seed))]),
    ]
    if let split {
      let counts = split.samples.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      facts.append(
        ("split", [Markup(text: "\(counts); \(split.classes) classes; "), Markup("code", text: split.hash)]))
    }
    for plugin in plugins {
      let name = plugin.version.isEmpty ? plugin.id : "\(plugin.id) \(plugin.version)"
      facts.append((plugin.role.rawValue, [Markup(text: "\(name) "), Markup("code", text: plugin.sha256)]))
    }
    for (name, version) in versions.sorted(by: { $0.key < $1.key }) { facts.append((name, [Markup(text: version)])) }
    for (what, file) in files.sorted(by: { $0.key < $1.key }) { facts.append((what, [Markup("code", text: file)])) }
    var parts = [Page.facts(facts)]
    if let plan {
      let text = Markup(
        "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Plan"], [Markup("pre", text: plan)]
      )
      parts.append(Markup("details", [:], [Markup("summary", text: "The plan, every default filled in"), text]))
    }
    return parts
  }
}

extension MetricColumn {
  /// The heading of the column.
  var cell: Markup { Markup("th", ["scope": "col", "class": "number", "title": id], text: heading) }
}

extension Page {
  /// A number as tables show it, with all its digits for programs. `isCapped`: it is at least as large.
  static func number(_ value: Double, unit: String, isCapped: Bool = false) -> [Markup] {
    [
      Markup(
        "data", ["value": DataTable.exact(value)], text: NumberText.metric(value, unit: unit, isCapped: isCapped))
    ]
  }

  /// A 95 % interval, below its number.
  static func interval(_ ends: [Double]?, unit: String) -> [Markup] {
    guard let text = NumberText.interval(ends, unit: unit) else { return [] }
    return [Markup("span", ["class": "gap", "title": "95 % interval"], text: text)]
  }

  /// A distance from the retrained model, below its number.
  static func gap(_ gap: Double?, unit: String, isCapped: Bool = false) -> [Markup] {
    guard let gap else { return [] }
    return [Markup("span", ["class": "gap"], [Markup(text: "Δ ")] + number(gap, unit: unit, isCapped: isCapped))]
  }
}
