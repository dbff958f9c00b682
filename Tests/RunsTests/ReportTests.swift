import Foundation
import Testing

@testable import Runs

@Suite struct ReportTests {
  static func events(seed: UInt64 = 3, ua: Double = 4, tow: Double = 0.98765) -> [RunEvent] {
    var start = EventTests.start
    start.seed = seed
    let split = SplitSummary(samples: ["forget": 10, "retain": 80, "test": 20], classes: 10, hash: "ef")
    return [
      RunEvent(seconds: 0, .runStarted(start)), RunEvent(seconds: 1, .splitReady(split)),
      RunEvent(seconds: 2, .phaseFinished(.base, seconds: 61, cached: true)),
      RunEvent(seconds: 2, .phaseFinished(.unlearn, seconds: 3.25, cached: false)),
      RunEvent(
        seconds: 3,
        .stepLosses(
          StepLosses(step: 7, epoch: 0, terms: [TermLoss(name: "forget", mean: 1, samples: 1)], learningRate: 0.1))),
      RunEvent(
        seconds: 4,
        .evaluated(.original, [EventTests.metric("ua@100-acc", 0.5), EventTests.metric("tow", 0.9, .higher, unit: "")])),
      RunEvent(seconds: 4, .evaluated(.retrained, [EventTests.metric("ua@100-acc", 5.25)])),
      RunEvent(
        seconds: 5,
        .evaluated(
          .unlearned,
          [
            EventTests.metric("ua@100-acc", ua), EventTests.metric("tow", tow, .higher, unit: ""),
            EventTests.metric("rte", 3.25, .lower, unit: "s"),
          ])),
      RunEvent(seconds: 5, .warning("few samples")),
      RunEvent(
        seconds: 6, .finished(RunEnd(steps: 7, unlearnSeconds: 3.25, files: ["weights": "unlearned.safetensors"]))),
    ]
  }

  @Test func `report.md`() throws {
    try expectGolden(RunReport(folding: ReportTests.events()).markdown(), "report.md")
  }

  @Test func `report.json is read back as the same report`() throws {
    let report = try RunReport(folding: ReportTests.events())
    #expect(try RunReport(json: Data(report.json().utf8), file: "report.json") == report)
    try expectGolden(report.json(), "report.json")
  }

  @Test func `a report of a version without losses, histograms and masks is still read`() throws {
    let report = try RunReport(folding: ReportTests.events())
    var object = try #require(JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
    for key in ["losses", "histograms", "masks"] { object[key] = nil }
    let old = try RunReport(json: JSONSerialization.data(withJSONObject: object), file: "report.json")
    #expect(old.losses.isEmpty && old.histograms.isEmpty && old.masks.isEmpty)
    #expect(old.models == report.models)
  }

  @Test func `a run that went on counts what came after its checkpoint once`() throws {
    func losses(_ step: Int) -> RunEvent.What {
      .stepLosses(StepLosses(step: step, epoch: 0, terms: [], learningRate: 0.1))
    }
    func swap(_ step: Int) -> RunEvent.What { .swapped(SwapRecord(step: step, epoch: 0, roles: [:], plugins: [])) }
    var again = EventTests.start
    again.resumedAt = 4
    let parts: [RunEvent.What] = [
      .runStarted(EventTests.start), .phaseFinished(.unlearn, seconds: 2, cached: false), losses(4), swap(3), swap(6),
      .maskDensity(MaskDensity(step: 0, plugin: "a", parameters: [])),
      .maskDensity(MaskDensity(step: 6, plugin: "b", parameters: [])),
      .evaluated(.step(4), []), .evaluated(.step(6), []), losses(8), .interrupted(signal: 2, step: 8),
    ]
    let first = try RunReport(folding: parts.map { RunEvent(seconds: 0, $0) })
    #expect(first.outcome == .interrupted)
    #expect(first.steps == 8)
    let more: [RunEvent.What] = [
      .runStarted(again), swap(6), losses(6), .evaluated(.step(6), []),
      .phaseFinished(.unlearn, seconds: 1, cached: false),
    ]
    let report = try RunReport(folding: (parts + more).map { RunEvent(seconds: 0, $0) })
    #expect(report.outcome == .open)
    #expect(report.steps == 6)
    #expect(report.swaps.map(\.step) == [3, 6])
    #expect(report.history.map(\.model) == [.step(4), .step(6)])
    #expect(first.losses.map(\.step) == [4, 8] && report.losses.map(\.step) == [4, 6])
    #expect(first.masks.map(\.plugin) == ["a", "b"] && report.masks.map(\.plugin) == ["a"])
    #expect(report.phases == [PhaseRecord(phase: .unlearn, seconds: 3, cached: false)])
  }

  @Test func `a record without its beginning is refused`() {
    #expect { try RunReport(folding: []) } throws: { "\($0)" == "events.jsonl: the record of the run has no beginning" }
    #expect(throws: RunError.self) { try RunReport(folding: [RunEvent(seconds: 0, .warning("x"))]) }
  }

  @Test func `stopping on a number that is none is told with its reason`() throws {
    let report = try RunReport(
      folding: [
        RunEvent(seconds: 0, .runStarted(EventTests.start)),
        RunEvent(seconds: 0, .stoppedOnNaN(step: 6, reason: "the loss of 'forget' is nan")),
      ])
    #expect(report.markdown().contains("Stopped at step 6, seed 3: the loss of 'forget' is nan."))
    #expect(!report.markdown().contains("| model |"))
  }

  @Test func `a comparison sums up seeds and always shows the original`() throws {
    let entries = try [(1, 4.0), (2, 5.0), (3, 6.0)].map { seed, ua in
      ComparisonReport.Entry(
        label: "SalUn", report: try RunReport(folding: ReportTests.events(seed: UInt64(seed), ua: ua)))
    }
    let other = ComparisonReport.Entry(label: "Other", report: try RunReport(folding: ReportTests.events(tow: .nan)))
    let comparison = ComparisonReport(name: "toy", entries: entries + [other])
    #expect(comparison.rows.map(\.label) == ["original", "retrained", "SalUn", "Other"])
    let cell = comparison.rows[2].cells[0]
    #expect(cell.mean == 5)
    #expect(cell.deviation == 1)
    #expect(cell.runs == 3)
    // Mean of 1.25, 0.25 and 0.75.
    #expect(cell.gap == 0.75)
    #expect(comparison.rows[0].cells[0].deviation == nil)
    #expect(comparison.rows[0].cells[0].gap == 4.75)
    try expectGolden(comparison.plain() + "\n" + comparison.markdown(), "comparison.txt")
    #expect(comparison.json().hasPrefix("{\n  \"name\": \"toy\",\n  \"rows\": ["))
  }

  @Test func `a number behind which one model stands has no deviation, whatever seed measured it`() throws {
    func entry(_ seed: UInt64, origin: String?, original: Double, mia: Double) throws -> ComparisonReport.Entry {
      var start = EventTests.start
      start.seed = seed
      start.origins = origin.map { ["original": $0] }
      func metric(_ id: String, _ value: Double) -> MetricValue {
        MetricValue(id: id, name: id, value: value, unit: "%", direction: .retrained, seed: seed)
      }
      let events: [RunEvent.What] = [
        .runStarted(start), .evaluated(.original, [metric("ra@acc", original), metric("mia", mia)]),
        .evaluated(.retrained, [metric("ra@acc", 96), metric("mia", 50)]),
        .evaluated(.unlearned, [metric("ra@acc", 97), metric("mia", 40)]),
      ]
      return .init(label: "A", report: try RunReport(folding: events.map { RunEvent(seconds: 0, $0) }))
    }
    let shared = try ComparisonReport(
      name: "x",
      entries: [
        entry(1, origin: "a", original: 99, mia: 10), entry(2, origin: "a", original: 99, mia: 12),
        entry(3, origin: "a", original: 99, mia: 14),
      ])
    #expect(shared.rows[0].cells.map(\.deviation) == [nil, nil])
    #expect(shared.rows[0].cells.map(\.mean) == [99, 12] && shared.rows[0].cells.map(\.runs) == [1, 1])
    #expect(shared.rows[0].cells.map(\.gap) == [3, 38])
    #expect(shared.rows[2].cells.map(\.deviation) == [0, 0] && shared.rows[2].cells.map(\.runs) == [3, 3])
    let two = try ComparisonReport(
      name: "x",
      entries: [
        entry(1, origin: "a", original: 99, mia: 10), entry(2, origin: "a", original: 99, mia: 12),
        entry(3, origin: "b", original: 97, mia: 21),
      ])
    // The models' means are 11 and 21: each model counts once.
    #expect(two.rows[0].cells.map(\.mean) == [98, 16] && two.rows[0].cells.map(\.runs) == [2, 2])
    #expect(two.rows[0].cells[0].deviation == 2.0.squareRoot())
  }

  @Test(
    arguments: [
      (0.0, 2, "0.00"), (-0.001, 2, "0.00"), (-1.5, 1, "-1.5"), (2.125, 2, "2.13"), (2.344, 2, "2.34"),
      (99.999, 2, "100.00"),
      (0.98765, 4, "0.9877"), (12, 0, "12"), (.nan, 2, "–"), (-.infinity, 2, "-∞"), (0.05, 1, "0.1"),
    ] as [(Double, Int, String)])
  func `numbers have a fixed number of digits`(_ value: Double, _ digits: Int, _ text: String) {
    #expect(NumberText.fixed(value, digits) == text)
  }

  @Test(
    arguments: [
      (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1:00 min"), (3599, "59:59 min"),
      (3725, "1:02:05 h"), (.nan, "–"),
    ] as [(Double, String)])
  func `durations are read at a glance`(_ seconds: Double, _ text: String) {
    #expect(NumberText.duration(seconds) == text)
  }

  @Test func `tables line up and Markdown escapes bars`() {
    let table = TextTable(heading: ["name", "a"], rows: [["ä|b", "1.00"], ["longer", ""]])
    #expect(table.plain == "name       a\n──────  ────\nä|b     1.00\nlonger\n")
    #expect(table.markdown == "| name | a |\n| --- | ---: |\n| ä\\|b | 1.00 |\n| longer |  |\n")
  }
}
