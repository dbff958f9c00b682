import Foundation
import Testing

@testable import Runs

/// What pages show of diffusion models.
@Suite struct DiffusionPageTests {
  /// Two methods, one of them with three seeds, on a model that draws images.
  static func comparison(quality: String = "inception-score@judge") throws -> ComparisonReport {
    func entry(_ label: String, _ seed: UInt64, _ nll: Double, _ score: Double) throws -> ComparisonReport.Entry {
      func metrics(_ nll: Double, _ score: Double) -> [MetricValue] {
        [
          EventTests.metric("nll-forget@ode", nll, .higher, unit: "bits/dim"),
          EventTests.metric(quality, score, quality.hasPrefix("fid") ? .lower : .higher, unit: ""),
        ]
      }
      var start = EventTests.start
      start.seed = seed
      let events: [RunEvent.What] = [
        .runStarted(start), .evaluated(.original, metrics(1.5, 8)), .evaluated(.retrained, metrics(4, 7.5)),
        .evaluated(.unlearned, metrics(nll, score)),
      ]
      return .init(label: label, report: try RunReport(folding: events.map { RunEvent(seconds: 0, $0) }))
    }
    return ComparisonReport(
      name: "toy",
      entries: [
        try entry("A", 1, 3, 7), try entry("A", 2, 4, 7.5), try entry("A", 3, 5, 8), try entry("B", 1, 60, 2),
      ])
  }

  @Test(arguments: ["inception-score@judge", "fid@judge"])
  func `quality is drawn against strength, a point a row, with its spread over seeds`(_ quality: String) throws {
    let comparison = try DiffusionPageTests.comparison(quality: quality)
    let page = try PageReader(comparison.html())
    #expect(page.plots == ["strength"])
    #expect(
      page.tables["strength"] == [
        ["original", "1.5", "–", "8.0", "–", "1"], ["retrained", "4.0", "–", "7.5", "–", "1"],
        ["A", "4.0", "1.0", "7.5", "0.5", "3"], ["B", "60.0", "–", "2.0", "–", "1"],
      ])
    let better = quality.hasPrefix("fid") ? "lower is better" : "higher is better"
    #expect(page.plotLabels[0].contains("[bits/dim]") && page.plotLabels[0].contains(better))
    let marks = page.attributes.filter { $0.name == "data-series" }.map(\.value)
    #expect(Set(marks) == ["original", "retrained", "A", "B"] && marks.count == 4)
    // Bars both ways, of the one row with several seeds: a line and its two ends each.
    #expect(page.attributes.count { $0.name == "class" && $0.value.hasPrefix("error") } == 6)
  }

  @Test func `the Inception Score comes before the FID, and numbers of other protocols are not drawn with it`() throws {
    var comparison = try DiffusionPageTests.comparison()
    let other = try DiffusionPageTests.comparison(quality: "inception-score@other judge")
    comparison.entries += other.entries.suffix(1).map { ComparisonReport.Entry(label: "C", report: $0.report) }
    let page = try PageReader(comparison.html())
    #expect(page.tables["strength"]?.compactMap(\.first).contains("C") == false)
    #expect(page.tables["strength"]?.count == 4)
  }

  @Test func `the plot of strength alone is a drawing with its own style, in light and dark`() throws {
    let svg = try #require(DiffusionPageTests.comparison().strengthSVG())
    let page = try PageReader(svg)
    #expect(page.plots == ["strength"] && page.elements["style"] == 1 && page.elements["table"] == nil)
    #expect(svg.contains("prefers-color-scheme:dark"))
    #expect(page.attributes.filter { $0.name == "data-series" }.count == 4)
    for name in ["original", "retrained", "A", "B"] { #expect(page.text.contains(name)) }
    #expect(try PageTests.comparison().strengthSVG() == nil)
    // Names without room beside their points are in the drawing too.
    var crowded = try DiffusionPageTests.comparison()
    let long = "a method with a long name"
    crowded.entries += crowded.entries.suffix(1).map { .init(label: long, report: $0.report) }
    #expect(try PageReader(#require(crowded.strengthSVG())).text.contains("5 \(long)"))
  }

  @Test func `a comparison shows the images of its rows, in itself`() throws {
    let pictures = ["original", "A <b>"].map { Picture(title: $0, base64: "iVBORw0KGgo=") }
    let page = try PageReader(DiffusionPageTests.comparison().html(pictures: pictures))
    #expect(page.attributes.filter { $0.name == "data-picture" }.map(\.value) == ["original", "A <b>"])
    let sources = page.attributes.filter { $0.name == "src" }.map(\.value)
    #expect(sources == ["data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw0KGgo="])
    #expect(page.text.contains("began with the same noise"))
  }

  @Test func `losses over timesteps are drawn with the curve that a plugin put through them`() throws {
    let points = [0, 100, 200].map { ReferenceCurve.Point(timestep: $0, loss: 10 / Double($0 + 10)) }
    let fit = ReferenceCurve.Fit(a: 1, b: 8, c: 0.125, floor: 0.25)
    var events: [RunEvent.What] = [.runStarted(EventTests.start)]
    // What a run says again when it goes on counts once.
    for _ in 0..<2 {
      events.append(
        .referenceCurve(ReferenceCurve(set: .forget, plugin: "x", timesteps: 400, points: points, fit: fit)))
    }
    events.append(.referenceCurve(ReferenceCurve(set: .retain, plugin: "x", timesteps: 400, points: points, fit: nil)))
    let report = try RunReport(folding: events.map { RunEvent(seconds: 0, $0) })
    #expect(report.referenceCurves.count == 2)
    #expect(try RunReport(json: Data(report.json().utf8), file: "report.json") == report)
    let page = try PageReader(report.html())
    #expect(page.plots == ["curve-forget", "curve-retain"])
    let fitted = [1.125, exp(-2) + 0.125, 0.25]
    #expect(
      page.tables["curve-forget"]
        == zip(points, fitted).map { ["\($0.timestep)", "\($0.loss)", "\($1)"] })
    #expect(page.tables["curve-retain"]?.map(\.last) == ["–", "–", "–"])
    #expect(page.text.contains(" · exp(−8 t/400) + 0.125, at least 0.25"))
  }
}
