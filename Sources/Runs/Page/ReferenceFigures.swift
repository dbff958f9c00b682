extension RunReport {
  /// The original model's loss over the timesteps, and the curve that a plugin put through it: a figure a set.
  var referenceFigures: [Markup] {
    referenceCurves.map { curve in
      let id = "curve-\(curve.set.rawValue)"
      let title = "Reference losses of the \(curve.set.rawValue) set"
      let points = curve.points.map { (x: Double($0.timestep), y: $0.loss) }
      let last = Double(max(curve.timesteps - 1, 1))
      let line = (0...100).compactMap { part -> (x: Double, y: Double)? in
        let at = last * Double(part) / 100
        return curve.fitted(at).map { (x: at, y: $0) }
      }
      let fit = points.compactMap { point in curve.fitted(point.x).map { (x: point.x, y: $0) } }
      var plot = Plot(
        id: id, title: title, x: Plot.Axis(label: "timestep t [1]", scale: Scale(0, last)),
        y: Plot.Axis(
          label: "mean loss [1]",
          scale: .fitting((points + line).map(\.y), hasZero: true, picksLogarithm: true)))
      let measured = Series(name: "measured", look: .original, points: points)
      let fitted = Series(name: "fit", look: SeriesLook(number: 2), points: fit)
      plot.add(curve: line, look: fitted.look)
      for point in points where plot.y.holds(point.y) {
        plot.marks.append(
          plot.datum(
            measured, point, title: "t = \(Int(point.x)): \(DataTable.exact(point.y))", size: 4))
      }
      // The curve's own values at the measured timesteps, for a pointer and for checks.
      for point in fit where plot.y.holds(point.y) {
        plot.marks.append(
          plot.datum(fitted, point, title: "t = \(Int(point.x)), fit: \(DataTable.exact(point.y))", size: 0))
      }
      let table = DataTable(
        id: id, heading: ["timestep", "mean loss", "fit"],
        rows: curve.points.map { point in
          [
            .count(point.timestep), .number(point.loss),
            curve.fitted(Double(point.timestep)).map { .number($0) } ?? .none,
          ]
        })
      var note = "Crosses: the original model's, as '\(curve.plugin)' asked for them."
      if let fit = curve.fit {
        note +=
          " Line: \(Scale.short(fit.a)) · exp(−\(Scale.short(fit.b)) t/\(curve.timesteps)) + \(Scale.short(fit.c)), "
          + "at least \(Scale.short(fit.floor))."
      }
      return Page.figure("\(title).", [plot.svg], note: note, data: table)
    }
  }
}
