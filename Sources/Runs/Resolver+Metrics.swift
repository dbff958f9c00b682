extension Resolver {
  /// What is measured. What is not possible is refused where it is written, and left out where nothing is.
  func metrics(
    _ section: SectionReader, _ sets: [SampleSet], hasRetrained: Bool
  ) throws(RunError) -> [MetricName] {
    var metrics: [MetricName] = []
    if let items = try section.list("metrics", of: "metrics") {
      for item in items {
        let metric = try section.choice(item, "metrics", MetricName.self)
        if let other = metric.task, other != task {
          throw .needs(
            item.place, what: "the metric '\(metric.rawValue)'",
            need: other == .diffusion
              ? "a diffusion model; this one is a classifier" : "a classifier; this one is a diffusion model")
        }
        if metric.needsRetrained, !hasRetrained {
          throw .needs(
            item.place, what: "the metric '\(metric.rawValue)'",
            need: "a retrained model; the recipe says 'retrained: none'")
        }
        if let set = metric.sets.first(where: { !sets.contains($0) }) {
          throw .needs(
            item.place, what: "the metric '\(metric.rawValue)'",
            need: "the \(set.rawValue) set, which 'evaluate.sets' leaves out")
        }
        guard !metrics.contains(metric) else {
          throw .twice(item.place, key: "evaluate.metrics", value: metric.rawValue)
        }
        metrics.append(metric)
      }
    } else {
      metrics = MetricName.allCases.filter { metric in
        !metric.isCostly && metric.task ?? task == task && (hasRetrained || !metric.needsRetrained)
          && metric.sets.allSatisfy(sets.contains)
      }
    }
    return purpose == .run ? metrics : metrics.filter { $0 != .rte }
  }

  /// Which metrics tables show: those of the list; without one all that are written in `metrics`, or the usual ones.
  func table(_ section: SectionReader, _ metrics: [MetricName]) throws(RunError) -> [MetricName]? {
    guard let items = try section.list("table", of: "metrics") else {
      return section["metrics"] == nil ? metrics.filter(\.isInTables) : nil
    }
    var table: [MetricName] = []
    for item in items {
      let metric = try section.choice(item, "table", MetricName.self)
      guard metric != .perClass else {
        throw .doesNotGoWith(
          item.place, key: "evaluate.table", other: "'per-class'", hint: "its numbers have tables of their own")
      }
      // An evaluation alone has no run time, whoever asks for it.
      if metric == .rte, purpose == .evaluate { continue }
      guard metrics.contains(metric) else {
        throw .needs(
          item.place, what: "'\(metric.rawValue)' in 'evaluate.table'", need: "the same word in 'evaluate.metrics'")
      }
      guard !table.contains(metric) else {
        throw .twice(item.place, key: "evaluate.table", value: metric.rawValue)
      }
      table.append(metric)
    }
    return table
  }

  /// How relearning is timed, where it is asked for.
  func relearn(_ evaluate: SectionReader, _ metrics: [MetricName]) throws(RunError) -> RelearnPlan? {
    guard metrics.contains(.relearn) else {
      try evaluate.refuse(
        "relearn", with: "these metrics", hint: "add 'relearn' to 'evaluate.metrics', or leave it out")
      return nil
    }
    let section = try evaluate.section("relearn", .relearn)
    let standard = RelearnPlan()
    return RelearnPlan(
      margin: try section.double("margin", "at least 0 and under 100") { $0 >= 0 && $0 < 100 } ?? standard.margin,
      cap: try section.int("cap", in: 1...1_000_000) ?? standard.cap,
      learningRate: try section.double("learning_rate", "above 0") { $0 > 0 } ?? standard.learningRate,
      batch: try section.int("batch", in: 1...1_000_000) ?? standard.batch)
  }
}
