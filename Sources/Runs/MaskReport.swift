/// Masks of several densities that were made from one walk over the data.
package struct MaskReport: Sendable, Equatable, Codable {
  /// A mask.
  package struct Entry: Sendable, Equatable, Codable {
    /// The share of all weights that may move, as asked for.
    package var keep: Double
    /// The file in the folder: for each parameter a tensor of booleans of its shape, true where the weight may move.
    package var file: String
    /// The model's parameters in their order.
    package var parameters: [ParameterDensity]

    /// Makes an entry of all its values.
    package init(keep: Double, file: String, parameters: [ParameterDensity]) {
      self.keep = keep
      self.file = file
      self.parameters = parameters
    }

    /// How many weights may move.
    package var kept: Int { parameters.reduce(0) { $0 + $1.kept } }
  }

  /// The recipe's name.
  package var name: String
  /// What decided the scores, as SHA-256 of the plan.
  package var planHash: String
  /// The mask's strategy, exactly.
  package var plugin: PluginUse
  /// Rising by `keep`.
  package var masks: [Entry]

  enum CodingKeys: String, CodingKey {
    case name, plugin, masks
    case planHash = "plan_hash"
  }

  /// Makes a report of all its values.
  package init(name: String, planHash: String, plugin: PluginUse, masks: [Entry]) {
    self.name = name
    self.planHash = planHash
    self.plugin = plugin
    self.masks = masks
  }

  /// The report as `masks.json` holds it.
  package func json() -> String { Tree.encoding(self).prettyJSON() }

  /// How much of each parameter may move under each mask, for a terminal.
  package var text: String {
    let total = masks.first?.parameters.reduce(0) { $0 + $1.total } ?? 0
    let all = masks.map { "\(NumberText.fixed(100 * Double($0.kept) / Double(max(total, 1)), 2)) %" }
    let rows = (masks.first?.parameters ?? []).indices.map { index in
      [masks[0].parameters[index].name, String(masks[0].parameters[index].total)]
        + masks.map { "\(NumberText.fixed(100 * $0.parameters[index].share, 2)) %" }
    }
    return TextTable(
      heading: ["may move", "weights"] + masks.map { "keep \($0.keep)" }, rows: [["all", String(total)] + all] + rows
    ).plain
  }

  /// The report as `masks.html` holds it: one page that needs no network and no script.
  package func html() -> String {
    let count = masks.first?.parameters.count ?? 0
    let series = masks.enumerated().map { index, mask in
      Series(
        name: "keep \(mask.keep)", look: SeriesLook(number: index),
        points: mask.parameters.enumerated().map { (Double($0.offset + 1), 100 * $0.element.share) })
    }
    var plot = Plot(
      id: "masks", title: "Weights that may move, by parameter",
      x: Plot.Axis(label: "parameter, in the model's order", scale: Scale(0.5, Double(count) + 0.5)),
      y: Plot.Axis(label: "weights that may move [%]", scale: Scale(0, 100)),
      height: max(240, 60 + 14 * Double(masks.count)), room: (Plot.room(for: series.map(\.name)), 12))
    plot.add(lines: series)
    let rows = (masks.first?.parameters ?? []).indices.map { index in
      [.count(index + 1), .text(masks[0].parameters[index].name), .count(masks[0].parameters[index].total)]
        + masks.map { DataTable.Cell.number(100 * $0.parameters[index].share) }
    }
    let table = DataTable(
      id: "masks", heading: ["number", "parameter", "weights"] + masks.map { "keep \($0.keep) [%]" }, rows: rows)
    let figure = Page.figure(
      "Weights that may move, by parameter.", [plot.svg],
      note: "A flat line would be a mask that takes as much of every parameter.", data: table)
    let facts: [(String, [Markup])] =
      [
        ("plan", [Markup("code", text: planHash)]),
        ("mask", [Markup(text: "\(plugin.id) \(plugin.version) "), Markup("code", text: plugin.sha256)]),
      ] + masks.map { ("keep \($0.keep)", [Markup(text: "\($0.kept) weights, "), Markup("code", text: $0.file)]) }
    let sections = [
      Page.section("Density", Page.figures([figure], areLarge: true)),
      Page.section("What made them", [Page.facts(facts)]),
    ]
    let lead = "\(masks.count) masks by \(plugin.id), chosen from the same scores."
    return Page(title: "Masks of \(name)", lead: [Markup("p", text: lead)], sections: sections.compactMap(\.self)).text
  }
}
