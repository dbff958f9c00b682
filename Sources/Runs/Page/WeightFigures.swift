extension RunReport {
  private typealias Moment = (step: Int, bins: WeightBins)

  /// How many columns a figure has at most.
  private static let columns = 40

  /// How the weights of each term's samples lie, step by step: one figure a term that a reweighter weighed.
  var weightFigures: [Markup] {
    terms.enumerated().compactMap { index, term -> Markup? in
      let moments = term.steps.compactMap { item in item.term.weightBins.map { (step: item.step, bins: $0) } }
      return moments.isEmpty ? nil : weightFigure(term.name, moments, look: SeriesLook(number: index))
    }
  }

  private func weightFigure(_ name: String, _ moments: [Moment], look: SeriesLook) -> Markup {
    let shown = RunReport.spread(moments)
    let sides = RunReport.sides(of: shown.map { Double($0.step) })
    let values: [Double] = [1] + shown.flatMap { moment -> [Double] in [moment.bins.low, moment.bins.high] }
    var plot = Plot(
      id: "weight-bins-\(name)", title: "Weights of \(name), sample by sample",
      x: Plot.Axis(label: "optimizer steps", scale: Scale(min(sides[0].left, 0), sides[sides.count - 1].right)),
      y: Plot.Axis(label: "weight × samples [1]", scale: .fitting(values, picksLogarithm: true)))
    let most = shown.map { RunReport.largestShare($0.bins) }.max() ?? 1
    for (moment, side) in zip(shown, sides) {
      plot.add(column: moment.step, moment.bins, from: side.left, to: side.right, most: most, look: look)
    }
    plot.add(level: 1, "all equal", look: .original)
    let rows = moments.map { moment in
      [
        .count(moment.step), .number(moment.bins.low), .number(moment.bins.high),
        .text(moment.bins.counts.map(String.init).joined(separator: " ")),
      ] as [DataTable.Cell]
    }
    let table = DataTable(
      id: "weight-bins-\(name)",
      heading: [
        "step", "smallest weight × samples", "largest weight × samples", "samples in equal bins between them",
      ],
      rows: rows)
    let part = shown.count < moments.count ? " \(shown.count) of \(moments.count) steps are drawn." : ""
    return Page.figure(
      "Weights of \(name), sample by sample.", [marking(plot).svg],
      note: "The more samples of one step's batch have a weight, the stronger its colour; the strongest is "
        + "\(NumberText.fixed(100 * most, 0)) %.\(part)",
      data: table)
  }

  private static func largestShare(_ bins: WeightBins) -> Double {
    Double(bins.counts.max() ?? 0) / Double(max(bins.counts.reduce(0, +), 1))
  }

  /// At most so many, evenly taken, the first and the last among them.
  private static func spread(_ moments: [Moment]) -> [Moment] {
    guard moments.count > columns else { return moments }
    return (0..<columns).map { moments[$0 * (moments.count - 1) / (columns - 1)] }
  }

  /// Where columns around these values touch each other; none begins below 0.
  private static func sides(of values: [Double]) -> [(left: Double, right: Double)] {
    let middles = zip(values, values.dropFirst()).map { ($0 + $1) / 2 }
    guard let first = middles.first, let last = middles.last else {
      return values.map { (max($0 - max($0 * 0.1, 1), 0), $0 + max($0 * 0.1, 1)) }
    }
    let lefts = [max(2 * values[0] - first, 0)] + middles
    return zip(lefts, middles + [2 * values[values.count - 1] - last]).map { (left: $0, right: $1) }
  }
}

extension Plot {
  /// The bins of one step above each other, each the stronger the more samples it holds: `most` is the share that has the
  /// full colour.
  fileprivate mutating func add(
    column step: Int, _ bins: WeightBins, from left: Double, to right: Double, most: Double, look: SeriesLook
  ) {
    let total = Double(max(bins.counts.reduce(0, +), 1))
    let (start, end) = (x.position(left), x.position(right))
    var cells = [
      Markup(
        "title", text: "step \(step): \(Scale.short(bins.low)) to \(Scale.short(bins.high))")
    ]
    for (index, count) in bins.counts.enumerated() where count > 0 {
      let (bottom, top) = (y.position(bins.edges[index]), y.position(bins.edges[index + 1]))
      // Where all weights are the same their bin has no height.
      let height = max(bottom - top, 1.5)
      cells.append(
        Markup(
          "rect",
          [
            "x": Plot.length(start), "y": Plot.length((top + bottom - height) / 2),
            "width": Plot.length(max(end - start, 0.8)), "height": Plot.length(height),
            "fill-opacity": NumberText.fixed(Plot.strength(Double(count) / total / most), 2),
          ]))
    }
    marks.append(
      Markup(
        "g", ["class": "cells \(look.color)", "data-column": "\(step)", "data-most": DataTable.exact(most)], cells))
  }

  /// How strong a colour is for a share of the largest share: one sample can still be seen.
  private static func strength(_ share: Double) -> Double { 0.12 + 0.88 * share }
}
