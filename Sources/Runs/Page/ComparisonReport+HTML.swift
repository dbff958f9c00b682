extension ComparisonReport {
  /// The comparison as `comparison.html` holds it: one page that needs no network and no script.
  ///
  /// - Parameter pictures: images that the models drew, shown side by side.
  package func html(pictures: [Picture] = []) -> String {
    let figures = scatter + strength + cost
    let sections: [Markup?] = [
      Page.section("Distance from the retrained model", numbers),
      Page.section("Against the published numbers", publishedMarkup),
      Page.section("More numbers", detailNumbers),
      Page.section("Images", pictures.isEmpty ? [] : Page.figures(pictures.map(\.figure)) + [Picture.legend]),
      Page.section("Forgetting against keeping, and cost", Page.figures(figures, areLarge: true)),
      Page.section("Runs", [runTable]),
    ]
    let counted = entries.count == 1 ? "1 run" : "\(entries.count) runs"
    let methods = rows.filter(isMethod).count
    let lead = Markup("p", text: "\(counted) of \(methods == 1 ? "1 method" : "\(methods) methods").")
    return Page(title: name, lead: [lead], sections: sections.compactMap(\.self)).text
  }

  private var numbers: [Markup] {
    let rows = rows
    guard !rows.isEmpty else { return [] }
    let columns = columns
    let best = Dictionary(uniqueKeysWithValues: columns.map { ($0.id, self.best(in: $0.id)) })
    let heading = [Markup("th", ["scope": "col"], text: "method")] + columns.map(\.cell)
    let body = rows.map { row in
      let cells = columns.map { column -> Markup in
        guard let cell = row.cells.first(where: { $0.id == column.id }) else {
          return Markup("td", ["class": "number"], text: "–")
        }
        return markup(cell, of: row, isBest: isMethod(row) && best[column.id]?.contains(row.label) == true)
      }
      return Markup(
        "tr", ["class": isMethod(row) ? "result" : "reference", "data-row": row.label],
        [Markup("th", ["scope": "row"], text: row.label)] + cells)
    }
    let table = Page.table("Distance from the retrained model", heading: heading, rows: body).adding(["id": "numbers"])
    return [Markup("div", ["class": "wide"], [table]), Markup("p", ["class": "soft"], text: pageLegend)]
  }

  /// The numbers that the first table leaves out, one a row.
  private var detailNumbers: [Markup] {
    let rows = rows
    let columns = detailColumns
    guard !columns.isEmpty else { return [] }
    let lines = columns.map { column -> (MetricColumn, [Markup]) in
      let best = best(in: column.id)
      let cells = rows.map { row in
        row.cells.first { $0.id == column.id }.map {
          markup($0, of: row, isBest: isMethod(row) && best.contains(row.label))
        } ?? Markup("td", ["class": "number"], text: "–")
      }
      return (column, cells)
    }
    return [Page.details(lines, of: rows.map(\.label))]
  }

  private func markup(_ cell: Cell, of row: Row, isBest: Bool) -> Markup {
    let isCapped = cell.isCapped == true
    // Narrow paper breaks the line between the two parts, and nowhere else.
    let star = isBest ? [Markup(text: "★ ")] : []
    var parts = [Markup("span", ["class": "part"], star + Page.number(cell.mean, unit: cell.unit, isCapped: isCapped))]
    if let deviation = cell.deviation {
      let text = [Markup(text: "± ")] + Page.number(deviation, unit: cell.unit)
      parts += [Markup(text: " "), Markup("span", ["class": "part"], text)]
    }
    if isBest { parts = [Markup("strong", ["title": "best of its column"], parts)] }
    return Markup(
      "td", ["class": isBest ? "number best" : "number", "data-metric": cell.id, "data-row": row.label],
      parts + Page.gap(cell.gap, unit: cell.unit, isCapped: isCapped))
  }

  private var pageLegend: String {
    var text = "Δ: distance from the retrained model, the mean over runs of each run's distance. "
    text += "★: the best method of a column: the smallest Δ; the highest or lowest where that is what counts. "
    if rows.contains(where: { row in row.cells.contains { $0.deviation != nil } }) {
      text += "Mean ± standard deviation over seeds; none where one model is behind a number."
    }
    return text
  }

  // MARK: Plots

  /// A row's number of a metric, whatever its protocol.
  func cell(_ row: Row, _ metric: String) -> Cell? { row.cells.first { $0.id.hasPrefix("\(metric)@") } }

  /// How a row looks in every plot of the page.
  func look(_ row: Row) -> SeriesLook {
    if !isMethod(row) { return row.label == "retrained" ? .retrained : .original }
    let place = rows.filter(isMethod).firstIndex { $0.label == row.label } ?? 0
    // The looks of the original and of the retrained model are theirs.
    let free = (0..<14).filter { $0 != SeriesLook.original.number && $0 != SeriesLook.retrained.number }
    return SeriesLook(number: free[place % free.count])
  }

  private typealias Place = (row: Row, ua: Cell, ra: Cell)

  private var scatter: [Markup] {
    let places = rows.compactMap { row -> Place? in
      guard let ua = cell(row, "ua"), let ra = cell(row, "ra") else { return nil }
      return (row, ua, ra)
    }
    guard !places.isEmpty else { return [] }
    let all = scatter(places, id: "scatter", title: "Forgetting against keeping.")
    let near = ComparisonReport.near(places)
    guard near.count > 2, near.count < places.count else { return [all] }
    return [all, scatter(near, id: "scatter-near", title: "The same near the retrained model.")]
  }

  /// The rows that lie around the retrained model, without those that are so far off that the others fall together.
  private static func near(_ places: [Place]) -> [Place] {
    guard let aim = places.first(where: { $0.row.label == "retrained" }) else { return [] }
    func distance(_ place: Place) -> Double {
      max((place.ua.mean - aim.ua.mean).magnitude, (place.ra.mean - aim.ra.mean).magnitude)
    }
    let distances = places.map(distance).filter(\.isFinite).sorted()
    guard !distances.isEmpty else { return [] }
    let usual = distances[distances.count / 2]
    return places.filter { distance($0) <= 1.8 * usual }
  }

  private func scatter(_ places: [Place], id: String, title: String) -> Markup {
    let labels = rows.map(\.label)
    let plot = ScatterPlot(
      id: id, title: title, xLabel: "remaining accuracy, \(places[0].ra.name) [%]",
      yLabel: "unlearning accuracy, \(places[0].ua.name) [%]",
      points: places.map { place in
        ScatterPlot.Point(
          number: 1 + (labels.firstIndex(of: place.row.label) ?? 0), name: place.row.label, x: place.ra.mean,
          y: place.ua.mean, xDeviation: place.ra.deviation,
          yDeviation: place.ua.deviation, look: look(place.row))
      })
    func number(_ value: Double?) -> DataTable.Cell { value.map { .number($0) } ?? .none }
    let table = DataTable(
      id: id, heading: ["row", "RA [%]", "± [%]", "UA [%]", "± [%]", "runs"],
      rows: places.map { place in
        [
          .text(place.row.label), .number(place.ra.mean), number(place.ra.deviation), .number(place.ua.mean),
          number(place.ua.deviation), .count(place.ua.runs),
        ]
      })
    let hasBars = places.contains { $0.ua.deviation != nil }
    let note =
      "The nearer to the retrained model, the better." + (hasBars ? " Bars: standard deviation over seeds." : "")
    return Page.figure(title, plot.content, note: note, data: table)
  }

  private var cost: [Markup] {
    let found = rows.filter(isMethod).compactMap { row in cell(row, "rte").map { (row: row, cell: $0) } }
    guard let first = found.first?.cell else { return [] }
    let plot = BarPlot(
      id: "rte", title: "Run time of unlearning", label: "run time of unlearning, \(first.name) [\(first.unit)]",
      bars: found.map { item in
        var text = NumberText.fixed(item.cell.mean, 2)
        if let deviation = item.cell.deviation { text += " ± \(NumberText.fixed(deviation, 2))" }
        return BarPlot.Bar(
          name: item.row.label, value: item.cell.mean, deviation: item.cell.deviation, text: text, look: look(item.row))
      })
    let table = DataTable(
      id: "rte", heading: ["method", "\(first.name) [\(first.unit)]", "±", "runs"],
      rows: found.map { item in
        [
          .text(item.row.label), .number(item.cell.mean), item.cell.deviation.map { .number($0) } ?? .none,
          .count(item.cell.runs),
        ]
      })
    return [
      Page.figure("Cost.", [plot.svg], note: "Masks are in it; training, loading and measuring are not.", data: table)
    ]
  }

  private var runTable: Markup {
    let heading = ["method", "seed", "outcome", "steps", "plan"].map { Markup("th", ["scope": "col"], text: $0) }
    let rows = entries.map { entry in
      Markup(
        "tr", [:],
        [
          Markup("td", text: entry.label), Markup("td", ["class": "number"], text: String(entry.report.seed)),
          Markup("td", text: entry.report.outcome.rawValue),
          Markup("td", ["class": "number"], text: String(entry.report.steps)),
          Markup("td", [:], [Markup("code", text: String(entry.report.planHash.prefix(16)))]),
        ])
    }
    return Page.table("Runs", heading: heading, rows: rows)
  }
}
