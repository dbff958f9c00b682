extension ComparisonReport {
  /// What a row is worth: how far what was to be forgotten is gone, and how good what it draws is.
  private typealias Worth = (row: Row, strength: Cell, quality: Cell)

  /// The rows that have both numbers, each measured by the same protocol in all of them.
  private var worths: [Worth] {
    let rows = rows
    func column(_ metric: String) -> String? { rows.lazy.compactMap { self.cell($0, metric)?.id }.first }
    guard let strength = column("nll-forget"), let quality = column("inception-score") ?? column("fid") else {
      return []
    }
    return rows.compactMap { row in
      guard let x = row.cells.first(where: { $0.id == strength }),
        let y = row.cells.first(where: { $0.id == quality })
      else { return nil }
      return (row, x, y)
    }
  }

  /// Quality of images against the likelihood of what was to be forgotten; none for classifiers.
  var strength: [Markup] {
    let worths = worths
    guard let plot = strengthPlot(worths) else { return [] }
    func number(_ value: Double?) -> DataTable.Cell { value.map { .number($0) } ?? .none }
    let quality = worths[0].quality.name
    let table = DataTable(
      id: "strength", heading: ["row", "NLL(forget) [bits/dim]", "±", "\(quality) [1]", "±", "runs"],
      rows: worths.map { worth in
        [
          .text(worth.row.label), .number(worth.strength.mean), number(worth.strength.deviation),
          .number(worth.quality.mean), number(worth.quality.deviation), .count(worth.quality.runs),
        ]
      })
    let hasBars = worths.contains { $0.strength.deviation != nil || $0.quality.deviation != nil }
    let note =
      "The further to the right of the original, the less likely is what was to be forgotten; the "
      + (worths[0].quality.direction == .lower ? "lower" : "higher") + ", the better are the images."
      + (hasBars ? " Bars: standard deviation over seeds." : "")
    return [Page.figure("Quality against strength.", plot.content, note: note, data: table)]
  }

  /// The plot of quality against strength as an SVG file of its own; nil where the numbers for it were not measured.
  package func strengthSVG() -> String? { strengthPlot(worths)?.standalone }

  private func strengthPlot(_ worths: [Worth]) -> ScatterPlot? {
    guard let first = worths.first else { return nil }
    let labels = rows.map(\.label)
    let better = first.quality.direction == .lower ? "lower" : "higher"
    return ScatterPlot(
      id: "strength", title: "Quality against strength", xLabel: "strength of deletion, NLL(forget) [bits/dim]",
      yLabel: "quality, \(first.quality.name) [1], \(better) is better",
      points: worths.map { worth in
        ScatterPlot.Point(
          number: 1 + (labels.firstIndex(of: worth.row.label) ?? 0), name: worth.row.label, x: worth.strength.mean,
          y: worth.quality.mean, xDeviation: worth.strength.deviation, yDeviation: worth.quality.deviation,
          look: look(worth.row))
      }, picksLogarithm: true)
  }
}
