/// A series of points in a plot.
struct Series {
  let name: String
  let look: SeriesLook
  let points: [(x: Double, y: Double)]
}

extension Plot {
  /// How much room the names of series take at the right.
  static func room(for names: [String]) -> Double {
    let longest = names.map { min($0.count, 16) }.max() ?? 0
    return 22 + Double(longest) * character
  }

  /// Lines through points, each with its name at its right end.
  mutating func add(lines series: [Series], isStepped: Bool = false, hasMarkers: Bool = true, isNamed: Bool = true) {
    for one in series {
      let drawn = one.points.filter { x.holds($0.x) && y.holds($0.y) }
      marks.append(curve(drawn, isStepped: isStepped, class: "line \(one.look.stroke)"))
      for point in drawn {
        let title = "\(one.name): \(Scale.short(point.x)), \(DataTable.exact(point.y))"
        marks.append(datum(one, point, title: title, size: hasMarkers ? (drawn.count > 60 ? 2 : 3) : 0))
      }
    }
    guard isNamed else { return }
    let ends = series.compactMap { one in
      one.points.last { x.holds($0.x) && y.holds($0.y) }.map { (series: one, at: y.position($0.y)) }
    }
    name(ends)
  }

  /// A line without marks.
  mutating func add(curve points: [(x: Double, y: Double)], look: SeriesLook) {
    let drawn = points.filter { x.holds($0.x) && y.holds($0.y) }
    guard drawn.count > 1 else { return }
    marks.append(Markup("path", ["class": "line \(look.stroke)", "d": path(drawn)]))
  }

  /// The area between two lines.
  mutating func add(band series: Series, to upper: [(x: Double, y: Double)]) {
    let low = series.points.filter { x.holds($0.x) && y.holds($0.y) }
    let high = upper.filter { x.holds($0.x) && y.holds($0.y) }
    guard low.count > 1, high.count > 1 else { return }
    marks.append(Markup("path", ["class": "band \(series.look.color)", "d": path(low + high.reversed()) + "Z"]))
  }

  /// A mark at a point with its values; of size 0 one that only a pointer finds.
  func datum(_ series: Series, _ point: (x: Double, y: Double), title: String, size: Double) -> Markup {
    let (px, py) = (x.position(point.x), y.position(point.y))
    let values: KeyValuePairs = [
      "data-series": series.name, "data-x": DataTable.exact(point.x), "data-y": DataTable.exact(point.y),
      "data-px": Plot.length(px), "data-py": Plot.length(py),
    ]
    let mark =
      size > 0
      ? series.look.marker(px, py, size: size)
      : Markup("circle", ["class": "hit", "cx": Plot.length(px), "cy": Plot.length(py), "r": "5"])
    return Markup("g", [:], [Markup("title", text: title), mark]).adding(values)
  }

  /// A value that the whole plot is to be compared with: a dashed line across, its name above it.
  mutating func add(level value: Double, _ name: String, look: SeriesLook) {
    guard y.holds(value) else { return }
    let at = y.position(value)
    marks.append(Plot.line("level \(look.color)", x.start, at, x.end, at))
    let text = at - 4 > y.end + 8 ? at - 4 : at + 11
    marks.append(Plot.text(name, x.start + 4, text, anchor: "start", class: "name \(look.color)"))
  }

  /// Moments: dashed lines up, `S1`, `S2` … at their tops.
  mutating func add(moments values: [Double]) {
    var last = -Double.infinity
    var isLow = false
    for (index, value) in values.enumerated() where x.holds(value) {
      let at = x.position(value)
      isLow = at - last < 16 && !isLow
      last = at
      marks.append(Plot.line("moment", at, y.start, at, y.end))
      marks.append(Plot.text("S\(index + 1)", at + 2, y.end + (isLow ? 19 : 9), anchor: "start", class: "tick"))
    }
  }

  /// The outline of columns, `values[i]` from `edges[i]` to `edges[i + 1]`.
  mutating func add(outline series: Series, edges: [Double]) {
    let values = series.points.map(\.y)
    let base = y.start
    var d = "M\(Plot.length(x.position(edges[0]))) \(Plot.length(base))"
    for (index, value) in values.enumerated() {
      d += "V\(Plot.length(y.position(value)))H\(Plot.length(x.position(edges[index + 1])))"
    }
    d += "V\(Plot.length(base))"
    marks.append(Markup("path", ["class": "outline \(series.look.stroke)", "d": d]))
  }

  /// The names of series in a row above the plot.
  mutating func add(legend series: [(name: String, look: SeriesLook)]) {
    var at = x.start
    for one in series {
      marks.append(Plot.line("line \(one.look.stroke)", at, 8, at + 24, 8))
      marks.append(Plot.text(one.name, at + 28, 12, anchor: "start", class: "name \(one.look.color)"))
      at += 40 + Double(one.name.count) * Plot.character
    }
  }

  /// Writes names to the right of where series end, moved apart where they would touch.
  private mutating func name(_ ends: [(series: Series, at: Double)]) {
    let gap = 14.0
    var placed = ends.sorted { $0.at < $1.at }
    for index in placed.indices.dropFirst() {
      placed[index].at = max(placed[index].at, placed[index - 1].at + gap)
    }
    var limit = y.start
    for index in placed.indices.reversed() {
      placed[index].at = min(placed[index].at, limit)
      limit = placed[index].at - gap
    }
    for (one, at) in placed {
      marks.append(one.look.marker(x.end + 9, at, size: 3))
      marks.append(
        Plot.text(Plot.cut(one.name, 16), x.end + 16, at + 3.8, anchor: "start", class: "name \(one.look.color)"))
    }
  }

  private func curve(_ points: [(x: Double, y: Double)], isStepped: Bool, class kind: String) -> Markup {
    guard isStepped, let first = points.first else { return Markup("path", ["class": kind, "d": path(points)]) }
    var d = "M\(Plot.length(x.position(first.x))) \(Plot.length(y.position(first.y)))"
    for point in points.dropFirst() {
      d += "H\(Plot.length(x.position(point.x)))V\(Plot.length(y.position(point.y)))"
    }
    return Markup("path", ["class": kind, "d": d])
  }

  private func path(_ points: [(x: Double, y: Double)]) -> String {
    guard !points.isEmpty else { return "M0 0" }
    return "M"
      + points.map { "\(Plot.length(x.position($0.x))) \(Plot.length(y.position($0.y)))" }.joined(separator: "L")
  }
}

/// Bars from the left, each below its name: names may be long.
struct BarPlot {
  /// A bar.
  struct Bar {
    let name: String
    let value: Double
    /// Half the length of its error bar.
    var deviation: Double?
    /// The value as text.
    let text: String
    var look = SeriesLook.unlearned
  }

  let id: String
  let title: String
  /// What is measured, with its unit.
  let label: String
  let bars: [Bar]
  /// The largest value that there can be; nil for the largest that there is.
  var limit: Double?

  /// The drawing.
  var svg: Markup {
    let row = 29.0
    let height = 14 + row * Double(bars.count) + 34
    let longest = bars.map { $0.text.count }.max() ?? 0
    let right = Plot.width - 10 - Double(longest) * Plot.character
    let reach = bars.map { $0.value + ($0.deviation ?? 0) }.filter(\.isFinite).max() ?? 1
    let scale = Scale(0, limit ?? (reach > 0 ? reach : 1)).drawn(from: 8, to: right)
    let bottom = height - 34
    var parts: [Markup] = [Markup("title", text: title)]
    var free = -Double.infinity
    for tick in scale.ticks(4) {
      let at = scale.position(tick.value)
      parts.append(Plot.line("grid", at, 4, at, bottom))
      let half = Double(tick.text.count) * Plot.character / 2
      guard at - half > free + 3 else { continue }
      free = at + half
      parts.append(Plot.text(tick.text, max(at, half + 1), bottom + 13, anchor: "middle", class: "tick"))
    }
    for (index, bar) in bars.enumerated() {
      let top = 8 + row * Double(index)
      let value = bar.value.isFinite ? max(bar.value, 0) : 0
      let end = scale.position(min(value, scale.high))
      parts.append(Plot.text(Plot.cut(bar.name, 54), scale.start, top + 8, anchor: "start", class: "name"))
      let rect = Markup(
        "rect",
        [
          "class": "bar \(bar.look.color)", "x": Plot.length(scale.start), "y": Plot.length(top + 12),
          "width": Plot.length(max(end - scale.start, 0.75)), "height": "9",
        ])
      parts.append(
        Markup(
          "g",
          [
            "data-series": bar.name, "data-x": DataTable.exact(bar.value), "data-px": Plot.length(end),
          ], [Markup("title", text: "\(bar.name): \(bar.text)"), rect]))
      var tip = end
      if let deviation = bar.deviation, deviation.isFinite, deviation > 0 {
        let (low, high) = (scale.position(max(0, value - deviation)), scale.position(value + deviation))
        parts.append(Plot.line("error", low, top + 16.5, high, top + 16.5))
        for x in [low, high] { parts.append(Plot.line("error", x, top + 13, x, top + 20)) }
        tip = max(tip, high)
      }
      parts.append(Plot.text(bar.text, tip + 5, top + 20.5, anchor: "start", class: "value"))
    }
    parts.append(Plot.line("axis", scale.start, bottom, right, bottom))
    parts.append(Plot.text(label, (scale.start + right) / 2, bottom + 28, anchor: "middle", class: "label"))
    return Markup(
      "svg",
      [
        "viewBox": "0 0 \(Plot.length(Plot.width)) \(Plot.length(height))", "xmlns": "http://www.w3.org/2000/svg",
        "role": "img", "aria-label": "\(title). Across: \(label).", "data-plot": id, "data-x-scale": scale.description,
      ], parts)
  }
}
