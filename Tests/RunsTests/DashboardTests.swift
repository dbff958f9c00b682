import Testing

@testable import Runs

@Suite struct DashboardTests {
  /// A run in its third epoch.
  static func dashboard() -> Dashboard {
    var dashboard = Dashboard()
    dashboard.add(.runStarted(EventTests.start))
    for (phase, seconds, isCached) in [(Phase.data, 0.4, false), (.base, 0, true), (.retrain, 61, false)] {
      dashboard.add(.phaseStarted(phase))
      dashboard.add(.phaseFinished(phase, seconds: seconds, cached: isCached))
    }
    dashboard.say("samples: 10 forget, 80 retain, 20 test")
    dashboard.add(.phaseStarted(.unlearn))
    for step in 1...12 {
      let share = Double(step) / 12
      dashboard.add(
        .stepLosses(
          StepLosses(
            step: 10 * step, epoch: step / 5,
            terms: [
              TermLoss(name: "forget", mean: 0.1 + 2.2 * share, samples: 8, weights: [1 - 0.5 * share, 1 + share]),
              TermLoss(name: "retain", mean: 0.3 - 0.2 * share, samples: 8),
            ], learningRate: 0.01 * (1 - share / 2))))
      guard step % 4 == 0 else { continue }
      dashboard.add(
        .evaluated(
          .step(10 * step),
          [
            MetricValue(id: "va@acc", name: "VA", value: 97 - share, unit: "%", direction: .higher),
            MetricValue(id: "loss-validation@x", name: "loss(validation)", value: 0.1 + share, direction: .lower),
          ]))
    }
    dashboard.say("warning: the mask keeps few weights")
    dashboard.add(.progress(Progress(phase: .unlearn, done: 120, total: 200, rate: 48, unit: "steps")))
    return dashboard
  }

  @Test(arguments: [(120, 40), (80, 24), (40, 24), (80, 7), (20, 3)])
  func `the dashboard at every size`(_ columns: Int, _ rows: Int) throws {
    let lines = DashboardTests.dashboard().lines(columns: columns, rows: rows, seconds: 64)
    #expect(lines.count <= rows)
    #expect(lines.allSatisfy { $0.count <= columns })
    try expectGolden(lines.joined(separator: "\n") + "\n", "dashboard-\(columns)x\(rows).txt")
  }

  @Test func `no size is too small`() {
    for columns in 0...12 {
      for rows in 0...12 {
        let lines = DashboardTests.dashboard().lines(columns: columns, rows: rows, seconds: 1)
        #expect(lines.count <= rows && lines.allSatisfy { $0.count <= columns })
      }
    }
    #expect(Dashboard().lines(columns: 80, rows: 24, seconds: 0).first?.hasPrefix("lethe") == true)
  }

  @Test func `a test curve is there only when the run measures the test set`() {
    var dashboard = DashboardTests.dashboard()
    func names() -> [String] {
      dashboard.lines(columns: 80, rows: 40, seconds: 0).map { String($0.prefix { $0 != " " }) }
    }
    #expect(!names().contains("TA"))
    dashboard.add(
      .evaluated(.step(130), [MetricValue(id: "ta@acc", name: "TA", value: 90, unit: "%", direction: .retrained)]))
    #expect(names().contains("TA"))
  }

  @Test func `a run that goes on forgets what comes once more`() {
    var dashboard = DashboardTests.dashboard()
    var again = EventTests.start
    again.resumedAt = 40
    dashboard.add(.runStarted(again))
    let line = dashboard.lines(columns: 80, rows: 40, seconds: 0).first { $0.hasPrefix("forget loss") } ?? ""
    #expect(line.filter { "▁▂▃▄▅▆▇█".contains($0) }.count == 4)
    #expect(line.contains("0.8333"))
  }

  @Test func `names cannot command the terminal`() {
    var dashboard = Dashboard()
    var start = EventTests.start
    start.name = "a\u{1B}[2Jb\nc\u{9B}d"
    dashboard.add(.runStarted(start))
    dashboard.say("x\u{1B}]0;title\u{7}\r\ny")
    let lines = dashboard.lines(columns: 80, rows: 24, seconds: 0)
    #expect(lines.allSatisfy { $0.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } })
  }

  // MARK: Curves

  @Test(
    arguments: [
      ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"), ([3, 3, 3], 8, "▄▄▄"), ([], 8, ""), ([1, .nan, 2], 8, "▁ █"),
      ([.nan, .infinity], 8, "  "), ([0, 0, 4, 4], 2, "▁█"), ([1, 10, 100], 8, "▁▅█"), ([5, 6], 0, ""),
      ([0, .nan, 4, 4, 2, 2], 3, "▁█▅"),
    ] as [([Double], Int, String)])
  func `a sparkline goes from the lowest value to the highest`(_ values: [Double], _ width: Int, _ text: String) {
    #expect(Sparkline.text(values, width: width) == text)
  }
}
