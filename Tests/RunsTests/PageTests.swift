import Foundation
import FoundationXML
import Testing

@testable import Runs

/// Pages of reports: well-formed, whole, and safe whatever names are in them.
@Suite struct PageTests {
  /// A run in which everything happened that a page can show.
  static func fullEvents() -> [RunEvent.What] {
    var events: [RunEvent.What] = ReportTests.events().map(\.what)
    let end = events.removeLast()
    for step in 1...5 {
      let spread = Double(step) / 10
      events.append(
        .stepLosses(
          StepLosses(
            step: 50 * step, epoch: step - 1,
            terms: [
              TermLoss(name: "forget", mean: 2 + spread, weights: [1 - spread, 1, 1, 1 + 3 * spread]),
              TermLoss(name: "retain", mean: 0.25 / Double(step), samples: 16),
            ], learningRate: 0.1 / Double(step))))
      events.append(.evaluated(.step(50 * step), [EventTests.metric("va@acc", 90 + spread, .higher)]))
    }
    events += [
      .maskDensity(
        MaskDensity(
          step: 0, plugin: "salun",
          parameters: [
            ParameterDensity(name: "fc.weight", kept: 3, total: 8),
            ParameterDensity(name: "fc.bias", kept: 0, total: 0),
          ])),
      .swapped(SwapRecord(step: 100, epoch: 2, roles: ["mask": "none"], plugins: [])),
    ]
    for model in [MeasuredModel.original, .retrained, .unlearned] {
      for set in [SampleSet.forget, .retain, .test] {
        events.append(.histogram(LossHistogram(of: [0, 0.001, 0.5, 0.6, 3, 1000], model: model, set: set)))
      }
    }
    return events + [end]
  }

  static func fullReport() throws -> RunReport {
    try RunReport(folding: fullEvents().map { RunEvent(seconds: 0, $0) })
  }

  static func comparison() throws -> ComparisonReport {
    let salun = try [(1, 4.0), (2, 5.0), (3, 6.0)].map { seed, ua in
      ComparisonReport.Entry(
        label: "SalUn", report: try RunReport(folding: ReportTests.events(seed: UInt64(seed), ua: ua)))
    }
    let other = ComparisonReport.Entry(
      label: "Other", report: try RunReport(folding: ReportTests.events(ua: 1, tow: 0.99)))
    return ComparisonReport(name: "toy", entries: salun + [other])
  }

  // MARK: Form

  @Test func `pages are well-formed, and need neither network nor script`() throws {
    for text in [
      try PageTests.fullReport().html(plan: "a: <b>\n"), try PageTests.comparison().html(),
      try RunReport(folding: [RunEvent(seconds: 0, .runStarted(EventTests.start))]).html(),
      ComparisonReport(name: "empty", entries: []).html(),
    ] {
      let page = try PageReader(text)
      #expect(page.elements["script"] == nil)
      #expect(page.elements["link"] == nil && page.elements["img"] == nil && page.elements["iframe"] == nil)
      let addresses = page.attributes.filter { ["href", "src", "style", "onload"].contains($0.name) }
      #expect(addresses.isEmpty)
      #expect(!text.contains("url(") && !text.contains("@import"))
    }
  }

  @Test func `names are shown as they are and never read as markup`() throws {
    let hostile = "</title><script>alert(1)</script>&amp;\"'\u{1}\u{0}<!--"
    var events = PageTests.fullEvents()
    guard case .runStarted(var start) = events[0] else { throw Unexpected() }
    start.name = hostile
    start.variant = hostile
    start.plugins = [PluginUse(role: .mask, id: hostile, version: hostile, sha256: hostile)]
    start.versions = [hostile: hostile]
    events[0] = .runStarted(start)
    events += [
      .warning(hostile), .swapped(SwapRecord(step: 7, epoch: 0, roles: [hostile: hostile], plugins: [])),
      .maskDensity(
        MaskDensity(step: 9, plugin: hostile, parameters: [ParameterDensity(name: hostile, kept: 1, total: 2)])),
      .stepLosses(
        StepLosses(
          step: 9, epoch: 0, terms: [TermLoss(name: hostile, mean: 1, samples: 1, weights: [1, 2])], learningRate: 1)),
      .evaluated(.step(9), [MetricValue(id: hostile, name: hostile, value: 1, unit: hostile, direction: .lower)]),
      .evaluated(.unlearned, [MetricValue(id: hostile, name: hostile, value: 1, unit: hostile, direction: .lower)]),
    ]
    let report = try RunReport(folding: events.map { RunEvent(seconds: 0, $0) })
    let pages = [
      report.html(plan: hostile),
      ComparisonReport(name: hostile, entries: [.init(label: hostile, report: report)]).html(),
    ]
    for text in pages {
      let page = try PageReader(text)
      #expect(page.elements["script"] == nil)
      #expect(!text.contains("<script") && !text.contains("<!--"))
      #expect(page.text.contains("</title><script>alert(1)</script>&amp;\"'\u{FFFD}\u{FFFD}<!--"))
    }
  }

  // MARK: Content

  @Test func `the tables below the plots hold the numbers of the report`() throws {
    let report = try PageTests.fullReport()
    let page = try PageReader(report.html())
    #expect(
      page.tables["losses"]
        == report.losses.flatMap { record in
          record.terms.map { [String(record.step), String(record.epoch), $0.name, "\($0.mean)", String($0.samples)] }
        })
    #expect(page.tables["learning-rate"] == report.losses.map { [String($0.step), "\($0.learningRate)"] })
    #expect(
      page.tables["weights"]
        == report.losses.flatMap { record in
          record.terms.compactMap { term in
            term.weights.map { [String(record.step), term.name, "\($0[0])", "\($0[1])"] }
          }
        })
    #expect(
      page.tables["weight-bins-forget"]
        == report.losses.flatMap { record in
          record.terms.compactMap { term in
            term.weightBins.map { bins in
              [
                String(record.step), "\(bins.edges[0])", "\(bins.edges[20])",
                bins.counts.map(String.init).joined(separator: " "),
              ]
            }
          }
        })
    #expect(page.tables["history-va@acc"]?.map(\.last) == report.history.map { "\($0.metrics[0].value)" })
    for set in ["forget", "retain", "test"] {
      let counts = report.histograms.filter { $0.set.rawValue == set }.flatMap(\.counts)
      #expect(page.tables["histogram-\(set)"]?.map(\.last) == counts.map(String.init))
    }
    #expect(page.tables["mask"] == [["fc.weight", "3", "8", "37.5"], ["fc.bias", "0", "0", "0.0"]])
    #expect(page.tables["cost"] == [["base", "61.0", "yes"], ["unlearn", "3.25", "no"]])
    #expect(
      page.plots == [
        "losses", "learning-rate", "history-va@acc", "weights", "weight-bins-forget", "histogram-forget",
        "histogram-retain",
        "histogram-test", "mask", "cost",
      ])
  }

  @Test func `every plot says what it shows, has units, and a table below it`() throws {
    for text in [try PageTests.fullReport().html(), try PageTests.comparison().html()] {
      let page = try PageReader(text)
      #expect(Set(page.plots) == Set(page.tables.keys))
      for label in page.plotLabels {
        #expect(label.contains("Across: "))
        #expect(label.contains("[") || label.contains("steps"), "no unit in '\(label)'")
      }
    }
  }

  @Test func `numbers stand in the page with all their digits`() throws {
    let report = try PageTests.fullReport()
    let page = try PageReader(report.html())
    let values = report.models.flatMap(\.metrics).map { "\($0.value)" }
    #expect(Set(values).subtracting(page.data).isEmpty)
    // The distance of 4 from 5.25.
    #expect(page.data.contains("1.25"))
  }

  // MARK: The best

  @Test func `the best of a column is the nearest to the retrained model, else the highest or the lowest`() throws {
    let comparison = try PageTests.comparison()
    // UA: 4, 5, 6 are 0.75 from 5.25 in the mean, 1 is 4.25 from it.
    #expect(comparison.best(in: "ua@100-acc") == ["SalUn"])
    #expect(comparison.best(in: "tow") == ["Other"])
    // Both took as long.
    #expect(comparison.best(in: "rte") == ["SalUn", "Other"])
    let page = try PageReader(comparison.html())
    #expect(page.best == ["SalUn ua@100-acc", "SalUn rte", "Other tow", "Other rte"])
  }

  @Test func `methods near the retrained model are shown a second time where one is far away`() throws {
    func entry(_ label: String, _ ua: Double, _ ra: Double) throws -> ComparisonReport.Entry {
      func metrics(_ ua: Double, _ ra: Double) -> [MetricValue] {
        [EventTests.metric("ua@100-acc", ua), EventTests.metric("ra@acc", ra)]
      }
      let events: [RunEvent.What] = [
        .runStarted(EventTests.start), .evaluated(.original, metrics(1, 99)), .evaluated(.retrained, metrics(5, 98)),
        .evaluated(.unlearned, metrics(ua, ra)),
      ]
      return .init(label: label, report: try RunReport(folding: events.map { RunEvent(seconds: 0, $0) }))
    }
    let close = [try entry("A", 3, 97), try entry("B", 8, 96)]
    #expect(try PageReader(ComparisonReport(name: "x", entries: close).html()).plots == ["scatter"])
    let page = try PageReader(ComparisonReport(name: "x", entries: close + [try entry("C", 90, 10)]).html())
    #expect(page.plots == ["scatter", "scatter-near"])
    #expect(page.tables["scatter-near"]?.map(\.first) == ["original", "retrained", "A", "B"])
  }

  @Test func `one method alone, and one that is no number, are not the best`() throws {
    let comparison = try PageTests.comparison()
    #expect(ComparisonReport(name: "x", entries: Array(comparison.entries.prefix(3))).best(in: "tow").isEmpty)
    let broken = ComparisonReport.Entry(label: "Broken", report: try RunReport(folding: ReportTests.events(ua: .nan)))
    let more = ComparisonReport(name: "x", entries: comparison.entries + [broken])
    #expect(more.best(in: "ua@100-acc") == ["SalUn"])
  }

  // MARK: Other forms

  @Test func `comparison.tex`() throws {
    let entries = try PageTests.comparison().entries.map { entry in
      ComparisonReport.Entry(
        label: entry.label == "Other" ? #"[5%] $x_1^2$ & {#~\}"# : entry.label, report: entry.report)
    }
    try expectGolden(ComparisonReport(name: "toy", entries: entries).latex(), "comparison.tex")
  }

  @Test func `comparison.csv`() throws {
    try expectGolden(PageTests.comparison().tableCSV(), "comparison.csv")
  }

  @Test func `metrics.csv`() throws {
    var report = try PageTests.fullReport()
    report.name = "a \"name\", with\na line feed"
    try expectGolden(report.csv(), "metrics.csv")
    let comparison = try PageTests.comparison()
    let lines = comparison.csv().split(separator: "\n")
    #expect(lines.count == 1 + comparison.entries.flatMap(\.report.models).flatMap(\.metrics).count)
    #expect(lines.contains { $0.hasPrefix("toy,SalUn,1,unlearned,ua@100-acc,") && $0.hasSuffix(",1.25,") })
    #expect(lines.last?.hasPrefix("toy,Other,3,unlearned,rte,RTE,forget,3.25,s,10,lower,") == true)
  }

  private struct Unexpected: Error {}
}

/// What a test wants to know of a page, read by a strict XML parser.
final class PageReader: NSObject, XMLParserDelegate {
  private(set) var elements: [String: Int] = [:]
  private(set) var attributes: [(name: String, value: String)] = []
  private(set) var text = ""
  private(set) var data: Set<String> = []
  /// Rows of data tables; of a number all its digits.
  private(set) var tables: [String: [[String]]] = [:]
  private(set) var plots: [String] = []
  private(set) var plotLabels: [String] = []
  /// Row and metric of the cells marked as the best.
  private(set) var best: [String] = []
  private var table: String?
  private var row = ""
  private var cell: String?

  init(_ page: String) throws {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    parser.shouldResolveExternalEntities = false
    guard parser.parse() else {
      throw Problem(description: "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "no reason")")
    }
  }

  private struct Problem: Error, CustomStringConvertible { let description: String }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes given: [String: String]
  ) {
    elements[name, default: 0] += 1
    attributes += given.map { (name: $0.key, value: $0.value) }
    switch name {
    case "table":
      table = given["data-table"]
      if let table { tables[table] = [] }
    case "tr":
      if let row = given["data-row"] { self.row = row }
      if let table, cell == nil { tables[table]?.append([]) }
    case "td":
      cell = ""
      if given["class"]?.contains("best") == true { best.append("\(row) \(given["data-metric"] ?? "")") }
    case "data":
      if let value = given["value"] { data.insert(value) }
    case "svg":
      if let plot = given["data-plot"] {
        plots.append(plot)
        plotLabels.append(given["aria-label"] ?? "")
      }
    default: break
    }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    text += string
    cell? += string
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    switch name {
    case "td":
      if let table, let cell, let last = tables[table]?.indices.last { tables[table]?[last].append(cell) }
      cell = nil
    case "table":
      // The row of the headings has no cells.
      if let table { tables[table]?.removeAll(where: \.isEmpty) }
      table = nil
    default: break
    }
  }
}
