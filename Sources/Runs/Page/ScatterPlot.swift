/// Points with error bars both ways, each named beside itself where there is room.
struct ScatterPlot {
  /// A point.
  struct Point {
    /// Its place among all rows, the same in every plot of a page.
    let number: Int
    let name: String
    let x, y: Double
    /// Half the lengths of the error bars.
    let xDeviation, yDeviation: Double?
    let look: SeriesLook
  }

  let id: String
  let title: String
  let xLabel, yLabel: String
  let points: [Point]
  /// Whether positive values far apart get a logarithmic scale across.
  var picksLogarithm = false

  /// The drawing, and what its numbers mean where names had no room beside their points.
  var content: [Markup] {
    let (plot, key) = drawing
    guard !key.isEmpty else { return [plot] }
    let items = key.map { point in
      Markup("li", [:], [sample(point.look), Markup(text: " \(point.number) \(point.name)")])
    }
    return [plot, Markup("ul", ["class": "key"], items)]
  }

  /// The drawing as a file of its own: style and, where names had no room, the key are in it.
  var standalone: String {
    let (plot, key) = drawing
    let (row, foot) = (16.0, key.isEmpty ? 0 : 8.0)
    let height = ScatterPlot.height + Double(key.count) * row + foot
    let lines = key.enumerated().flatMap { index, point in
      let middle = ScatterPlot.height + row * (Double(index) + 0.5)
      return [
        point.look.marker(30, middle, size: 4),
        Plot.text("\(point.number) \(point.name)", 42, middle + 3.8, anchor: "start", class: "name"),
      ]
    }
    let inner = plot.adding(["width": Plot.length(Plot.width), "height": Plot.length(ScatterPlot.height)])
    let ground = Markup(
      "rect", ["width": "100%", "height": "100%", "style": "fill:var(--panel)"])
    return Markup(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": "0 0 \(Plot.length(Plot.width)) \(Plot.length(height))", "width": "720",
        "height": Plot.length(2 * height),
      ],
      [Markup(style: Page.style), ground, inner] + lines
    ).written
  }

  private static let height = 300.0

  /// The plot, and the points whose names it has no room for: it says their numbers.
  private var drawing: (plot: Markup, key: [Point]) {
    let shown = points.filter { $0.x.isFinite && $0.y.isFinite }
    func reach(_ value: Double, _ deviation: Double?) -> [Double] {
      [value - (deviation ?? 0), value + (deviation ?? 0)]
    }
    var plot = Plot(
      id: id, title: title,
      x: Plot.Axis(
        label: xLabel, scale: .fitting(shown.flatMap { reach($0.x, $0.xDeviation) }, picksLogarithm: picksLogarithm)),
      y: Plot.Axis(label: yLabel, scale: .fitting(shown.flatMap { reach($0.y, $0.yDeviation) })),
      height: ScatterPlot.height)
    for point in shown { plot.add(errors: point) }
    for point in shown {
      let series = Series(name: point.name, look: point.look, points: [(x: point.x, y: point.y)])
      let title = "\(point.name): \(NumberText.fixed(point.x, 2)), \(NumberText.fixed(point.y, 2))"
      plot.marks.append(plot.datum(series, (x: point.x, y: point.y), title: title, size: 5))
    }
    let isShort = shown.allSatisfy { $0.name.count <= 20 }
    if isShort, plot.name(shown, by: shown.map(\.name), hasToFit: true) { return (plot.svg, []) }
    _ = plot.name(shown, by: shown.map { "\($0.number)" }, hasToFit: false)
    return (plot.svg, shown)
  }

  private func sample(_ look: SeriesLook) -> Markup {
    Markup(
      "svg", ["viewBox": "0 0 12 12", "class": "sample", "aria-hidden": "true", "xmlns": "http://www.w3.org/2000/svg"],
      [look.marker(6, 6, size: 4)])
  }
}

extension Plot {
  fileprivate mutating func add(errors point: ScatterPlot.Point) {
    let (px, py) = (x.position(point.x), y.position(point.y))
    if let deviation = point.xDeviation, deviation.isFinite, deviation > 0 {
      let (low, high) = (x.position(point.x - deviation), x.position(point.x + deviation))
      marks.append(Plot.line("error \(point.look.color)", low, py, high, py))
      for end in [low, high] { marks.append(Plot.line("error \(point.look.color)", end, py - 3, end, py + 3)) }
    }
    if let deviation = point.yDeviation, deviation.isFinite, deviation > 0 {
      let (low, high) = (y.position(point.y - deviation), y.position(point.y + deviation))
      marks.append(Plot.line("error \(point.look.color)", px, low, px, high))
      for end in [low, high] { marks.append(Plot.line("error \(point.look.color)", px - 3, end, px + 3, end)) }
    }
  }

  /// Writes names beside points where they touch nothing. Says whether all found a place; when they have to and do not, none
  /// is written.
  fileprivate mutating func name(_ points: [ScatterPlot.Point], by names: [String], hasToFit: Bool) -> Bool {
    let frame = Box(left: x.start, top: y.end - 10, right: Plot.width, bottom: y.start - 1)
    var taken = points.map { point in
      let (px, py) = (x.position(point.x), y.position(point.y))
      return Box(left: px - 6, top: py - 6, right: px + 6, bottom: py + 6)
    }
    taken += points.flatMap(errorBoxes)
    var labels: [Markup] = []
    for (point, name) in zip(points, names) {
      let (px, py) = (x.position(point.x), y.position(point.y))
      // What the widest of the page's fonts needs: a name at the edge would be cut.
      let width = Double(name.count) * Plot.character * 1.13
      var best: (cost: Double, box: Box)?
      for (rank, offset) in Plot.offsets.enumerated() {
        let left = px + offset.x - width * offset.share
        let middle = py + offset.y
        let box = Box(left: left, top: middle - 6, right: left + width, bottom: middle + 6)
        let outside = width * 12 - box.overlap(frame)
        let cost = taken.reduce(outside * 10) { $0 + $1.overlap(box) } + Double(rank) * 0.01
        if cost < best?.cost ?? .infinity { best = (cost, box) }
      }
      guard let best else { continue }
      if hasToFit, best.cost > 30 { return false }
      taken.append(best.box)
      labels.append(
        Plot.text(name, best.box.left, best.box.bottom - 2.2, anchor: "start", class: "name \(point.look.color)"))
    }
    marks += labels
    return true
  }

  /// Where the error bars of a point lie.
  private func errorBoxes(_ point: ScatterPlot.Point) -> [Box] {
    let (px, py) = (x.position(point.x), y.position(point.y))
    var boxes: [Box] = []
    if let deviation = point.xDeviation, deviation.isFinite {
      let (low, high) = (x.position(point.x - deviation), x.position(point.x + deviation))
      boxes.append(Box(left: low, top: py - 1, right: high, bottom: py + 1))
    }
    if let deviation = point.yDeviation, deviation.isFinite {
      let (low, high) = (y.position(point.y + deviation), y.position(point.y - deviation))
      boxes.append(Box(left: px - 1, top: low, right: px + 1, bottom: high))
    }
    return boxes
  }

  /// Where a name may stand: how far its edge is from the point, and which part of it is left of that.
  private static let offsets: [(x: Double, y: Double, share: Double)] = [
    (9, 0, 0), (-9, 0, 1), (0, -13, 0.5), (0, 13, 0.5), (7, -10, 0), (7, 10, 0), (-7, -10, 1), (-7, 10, 1),
    (0, -13, 0.2), (0, 13, 0.2), (0, -13, 0.8), (0, 13, 0.8), (12, -18, 0), (12, 18, 0), (-12, -18, 1), (-12, 18, 1),
  ]
}
