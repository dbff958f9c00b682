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

  /// The drawing, and what its numbers mean where names had no room beside their points.
  var content: [Markup] {
    let shown = points.filter { $0.x.isFinite && $0.y.isFinite }
    func reach(_ value: Double, _ deviation: Double?) -> [Double] {
      [value - (deviation ?? 0), value + (deviation ?? 0)]
    }
    var plot = Plot(
      id: id, title: title,
      x: Plot.Axis(label: xLabel, scale: .fitting(shown.flatMap { reach($0.x, $0.xDeviation) })),
      y: Plot.Axis(label: yLabel, scale: .fitting(shown.flatMap { reach($0.y, $0.yDeviation) })), height: 300)
    for point in shown { plot.add(errors: point) }
    for point in shown {
      let series = Series(name: point.name, look: point.look, points: [(x: point.x, y: point.y)])
      let title = "\(point.name): \(NumberText.fixed(point.x, 2)), \(NumberText.fixed(point.y, 2))"
      plot.marks.append(plot.datum(series, (x: point.x, y: point.y), title: title, size: 5))
    }
    let isShort = shown.allSatisfy { $0.name.count <= 20 }
    if isShort, plot.name(shown, by: shown.map(\.name), hasToFit: true) { return [plot.svg] }
    _ = plot.name(shown, by: shown.map { "\($0.number)" }, hasToFit: false)
    let key = shown.map { point in
      Markup("li", [:], [sample(point.look), Markup(text: " \(point.number) \(point.name)")])
    }
    return [plot.svg, Markup("ul", ["class": "key"], key)]
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
      let width = Double(name.count) * Plot.character
      var best: (cost: Double, box: Box)?
      for (rank, offset) in Plot.offsets.enumerated() {
        let left = px + offset.x - width * offset.share
        let middle = py + offset.y
        let box = Box(left: left, top: middle - 6, right: left + width, bottom: middle + 6)
        let outside = width * 12 - box.overlap(frame)
        let cost = taken.reduce(outside * 4) { $0 + $1.overlap(box) } + Double(rank) * 0.01
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
