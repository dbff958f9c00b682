extension RunReport {
  /// The terms of the objective by name, each with the steps at which it was read.
  var terms: [(name: String, steps: [(step: Int, term: TermLoss)])] {
    var names: [String] = []
    for name in losses.flatMap(\.terms).map(\.name) where !names.contains(name) { names.append(name) }
    return names.map { name in
      (name, losses.flatMap { record in record.terms.filter { $0.name == name }.map { (record.step, $0) } })
    }
  }

  private var stepAxis: Plot.Axis {
    let last = max(steps, losses.map(\.step).max() ?? 0, 1)
    return Plot.Axis(label: "optimizer steps", scale: Scale(0, Double(last)))
  }

  /// What `S1`, `S2` … in a plot over steps stand for.
  var swapNote: String? {
    guard !swaps.isEmpty else { return nil }
    return swaps.enumerated().map { index, swap in
      let roles = swap.roles.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }.joined(separator: ", ")
      return "S\(index + 1): after step \(swap.step), \(roles)."
    }.joined(separator: " ")
  }

  /// The plot with the moments of swaps.
  func marking(_ plot: Plot) -> Plot {
    var plot = plot
    plot.add(moments: swaps.map { Double($0.step) })
    return plot
  }

  /// Losses, learning rate and validation over steps.
  var curves: [Markup] { lossCurves + rateCurve + validationCurves }

  private var lossCurves: [Markup] {
    let series = terms.enumerated().map { index, term in
      Series(
        name: term.name, look: SeriesLook(number: index), points: term.steps.map { (Double($0.step), $0.term.mean) })
    }
    guard !series.isEmpty else { return [] }
    var plot = Plot(
      id: "losses", title: "Loss of each term", x: stepAxis,
      y: Plot.Axis(
        label: "mean loss [nats]",
        scale: .fitting(series.flatMap(\.points).map(\.y), hasZero: true, picksLogarithm: true)),
      room: (Plot.room(for: series.map(\.name)), 12))
    plot.add(lines: series)
    let rows = losses.flatMap { record in
      record.terms.map { term in
        [.count(record.step), .count(record.epoch), .text(term.name), .number(term.mean), .count(term.samples)]
          as [DataTable.Cell]
      }
    }
    let table = DataTable(id: "losses", heading: ["step", "epoch", "term", "mean loss [nats]", "samples"], rows: rows)
    return [
      Page.figure(
        "Loss of each term.", [marking(plot).svg],
        note: ["Mean over the batch of one step, weights aside.", swapNote].compactMap(\.self).joined(separator: " "),
        data: table)
    ]
  }

  private var rateCurve: [Markup] {
    guard !losses.isEmpty else { return [] }
    let series = Series(
      name: "learning rate", look: .unlearned, points: losses.map { (Double($0.step), $0.learningRate) })
    var plot = Plot(
      id: "learning-rate", title: "Learning rate", x: stepAxis,
      y: Plot.Axis(
        label: "learning rate [1]", scale: .fitting(series.points.map(\.y), hasZero: true, picksLogarithm: true)))
    plot.add(lines: [series], isNamed: false)
    let table = DataTable(
      id: "learning-rate", heading: ["step", "learning rate"],
      rows: losses.map { [.count($0.step), .number($0.learningRate)] })
    return [Page.figure("Learning rate.", [marking(plot).svg], data: table)]
  }

  private var validationCurves: [Markup] {
    let records = history.compactMap { record -> (step: Int, record: ModelRecord)? in
      if case .step(let step) = record.model { (step, record) } else { nil }
    }
    return MetricColumn.columns(of: history).map { column in
      let found = records.compactMap { item in item.record[column.id].map { (step: item.step, metric: $0) } }
      let series = Series(
        name: column.heading, look: .unlearned, points: found.map { (Double($0.step), $0.metric.value) })
      let aim = self[model: .retrained]?[column.id]?.value
      let unit = found.first?.metric.unit ?? ""
      let label = unit.isEmpty && column.id.hasPrefix("loss") ? "\(column.heading) [nats]" : column.heading
      var plot = Plot(
        id: "history-\(column.id)", title: column.heading, x: stepAxis,
        y: Plot.Axis(label: label, scale: .fitting(series.points.map(\.y) + (aim.map { [$0] } ?? []))))
      if let aim { plot.add(level: aim, "retrained", look: .retrained) }
      plot.add(lines: [series], isNamed: false)
      let table = DataTable(
        id: "history-\(column.id)", heading: ["step", label],
        rows: found.map { [.count($0.step), .number($0.metric.value)] })
      return Page.figure("\(column.heading) during the run.", [marking(plot).svg], data: table)
    }
  }

  /// The range of each term's weights over steps.
  var weightRanges: [Markup] {
    typealias Range = (step: Int, low: Double, high: Double)
    let all: [(name: String, ranges: [Range])] = terms.map { term in
      let ranges = term.steps.compactMap { item -> Range? in
        guard let weights = item.term.weights, weights.count == 2 else { return nil }
        return (item.step, weights[0], weights[1])
      }
      return (term.name, ranges)
    }
    let ranged = all.filter { !$0.ranges.isEmpty }
    guard !ranged.isEmpty else { return [] }
    let values: [Double] = [1] + ranged.flatMap(\.ranges).flatMap { [$0.low, $0.high] }
    var plot = Plot(
      id: "weights", title: "Weights of samples", x: stepAxis,
      y: Plot.Axis(label: "weight × samples [1]", scale: .fitting(values, hasZero: true, picksLogarithm: true)),
      room: (Plot.room(for: ranged.map(\.name)), 12))
    plot.add(level: 1, "all equal", look: .original)
    var rows: [[DataTable.Cell]] = []
    var lows: [Series] = []
    var highs: [Series] = []
    for (index, term) in ranged.enumerated() {
      let look = SeriesLook(number: index)
      let low = Series(name: term.name, look: look, points: term.ranges.map { (Double($0.step), $0.low) })
      let high = Series(name: term.name, look: look, points: term.ranges.map { (Double($0.step), $0.high) })
      plot.add(band: low, to: high.points)
      lows.append(low)
      highs.append(high)
      rows += term.ranges.map { [.count($0.step), .text(term.name), .number($0.low), .number($0.high)] }
    }
    plot.add(lines: lows, isNamed: false)
    plot.add(lines: highs)
    let table = DataTable(
      id: "weights", heading: ["step", "term", "smallest weight × samples", "largest weight × samples"], rows: rows)
    return [
      Page.figure(
        "Weights of samples.", [marking(plot).svg],
        note: "The smallest and the largest in the batch of one step; 1 is the weight of all where all count the same.",
        data: table)
    ]
  }

  /// Where the losses lie, one figure a set.
  var histogramFigures: [Markup] {
    SampleSet.allCases.compactMap { set in
      let found = histograms.filter { $0.set == set && $0.counts.count == $0.edges.count + 1 && $0.edges.count > 1 }
      guard let first = found.first, let lowest = first.edges.first, let highest = first.edges.last, lowest > 0 else {
        return nil
      }
      // The outer bins are open; they are drawn as wide as their neighbours.
      let ratio = first.edges[1] / lowest
      let edges = [lowest / ratio] + first.edges + [highest * ratio]
      let series = found.filter { $0.edges == first.edges }.map { histogram in
        let total = Double(max(histogram.counts.reduce(0, +), 1))
        return Series(
          name: histogram.model.text, look: .model(histogram.model),
          points: histogram.counts.enumerated().map { index, count in
            ((edges[index] * edges[index + 1]).squareRoot(), 100 * Double(count) / total)
          })
      }
      var plot = Plot(
        id: "histogram-\(set.rawValue)", title: "Losses of the \(set.rawValue) set",
        x: Plot.Axis(
          label: "loss of a sample [nats]", scale: Scale(edges[0], highest * ratio, isLogarithmic: true), ticks: 8),
        y: Plot.Axis(label: "share of samples [%]", scale: .fitting(series.flatMap(\.points).map(\.y), hasZero: true)),
        room: (12, 22))
      for (one, histogram) in zip(series, found) {
        plot.add(outline: one, edges: edges)
        for (point, count) in zip(one.points, histogram.counts) where count > 0 {
          plot.marks.append(
            plot.datum(one, point, title: "\(one.name): \(count) samples, \(NumberText.fixed(point.y, 1)) %", size: 0))
        }
      }
      plot.add(legend: series.map { ($0.name, $0.look) })
      let rows = found.flatMap { histogram in
        histogram.counts.enumerated().map { index, count in
          [
            .text(histogram.model.text), index > 0 ? .number(histogram.edges[index - 1]) : .none,
            index < histogram.edges.count ? .number(histogram.edges[index]) : .none, .count(count),
          ] as [DataTable.Cell]
        }
      }
      let table = DataTable(
        id: "histogram-\(set.rawValue)", heading: ["model", "from [nats]", "below [nats]", "samples"], rows: rows)
      return Page.figure(
        "Losses of the \(set.rawValue) set.", [plot.svg], note: "The outermost bins are open.", data: table)
    }
  }

  /// How much of each layer may move, one figure a mask.
  var maskFigures: [Markup] {
    masks.enumerated().map { index, mask in
      let id = index == 0 ? "mask" : "mask-\(index + 1)"
      let title = "Mask by \(mask.plugin), made after step \(mask.step)"
      let kept = mask.parameters.reduce(0) { $0 + $1.kept }
      let total = mask.parameters.reduce(0) { $0 + $1.total }
      let drawing =
        mask.parameters.count > 20
        ? maskColumns(mask, id: id, title: title, share: 100 * Double(kept) / Double(max(total, 1)))
        : BarPlot(
          id: id, title: title, label: "weights that may move [%]",
          bars: mask.parameters.map { parameter in
            BarPlot.Bar(
              name: parameter.name, value: 100 * parameter.share,
              text: "\(NumberText.fixed(100 * parameter.share, 1)) %")
          }, limit: 100
        ).svg
      let rows = mask.parameters.map { parameter in
        [.text(parameter.name), .count(parameter.kept), .count(parameter.total), .number(100 * parameter.share)]
          as [DataTable.Cell]
      }
      let table = DataTable(
        id: id, heading: ["parameter", "may move", "weights", "may move [%]"], rows: rows)
      return Page.figure("\(title).", [drawing], note: "\(kept) of \(total) weights may move.", data: table)
    }
  }

  private func maskColumns(_ mask: MaskDensity, id: String, title: String, share: Double) -> Markup {
    let count = mask.parameters.count
    var plot = Plot(
      id: id, title: title,
      x: Plot.Axis(label: "parameter, in the model's order", scale: Scale(0.5, Double(count) + 0.5)),
      y: Plot.Axis(label: "weights that may move [%]", scale: Scale(0, 100)))
    let width = max(0.8, (plot.x.end - plot.x.start) / Double(count) - 0.8)
    for (index, parameter) in mask.parameters.enumerated() {
      let (px, py) = (plot.x.position(Double(index + 1)), plot.y.position(100 * parameter.share))
      let rect = Markup(
        "rect",
        [
          "class": "column s0", "x": Plot.length(px - width / 2), "y": Plot.length(py), "width": Plot.length(width),
          "height": Plot.length(plot.y.start - py),
        ])
      let name = Markup("title", text: "\(parameter.name): \(parameter.kept) of \(parameter.total)")
      plot.marks.append(
        Markup(
          "g",
          [
            "data-series": parameter.name, "data-x": "\(index + 1)",
            "data-y": DataTable.exact(100 * parameter.share), "data-px": Plot.length(px), "data-py": Plot.length(py),
          ], [name, rect]))
    }
    plot.add(level: share, "all together", look: .retrained)
    return plot.svg
  }

  /// What each phase took.
  var costFigures: [Markup] {
    guard !phases.isEmpty else { return [] }
    let bars = phases.map { phase in
      BarPlot.Bar(
        name: phase.phase.rawValue + (phase.cached ? " (reused from an earlier run)" : ""), value: phase.seconds,
        text: NumberText.duration(phase.seconds), look: phase.cached ? .original : .unlearned)
    }
    let plot = BarPlot(id: "cost", title: "Time of each phase", label: "wall-clock time [s]", bars: bars)
    let table = DataTable(
      id: "cost", heading: ["phase", "seconds", "reused"],
      rows: phases.map { [.text($0.phase.rawValue), .number($0.seconds), .text($0.cached ? "yes" : "no")] })
    let note = unlearnSeconds.map { "Unlearning alone, without measuring: \(NumberText.duration($0))." }
    return [Page.figure("Time of each phase.", [plot.svg], note: note, data: table)]
  }
}
