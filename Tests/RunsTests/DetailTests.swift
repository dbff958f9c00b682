import Foundation
import Testing

@testable import Runs

/// Numbers that the tables of the head leave out, and those of classes.
@Suite struct DetailTests {
  private static func metric(
    _ id: String, _ value: Double, _ direction: MetricDirection = .higher, unit: String = "%", capped: Bool = false,
    detail: Bool = true
  ) -> MetricValue {
    MetricValue(
      id: id, name: id.uppercased(), value: value, unit: unit, direction: direction, isCapped: capped, isDetail: detail)
  }

  private static func classes(_ model: MeasuredModel, _ accuracy: Double) -> RunEvent.What {
    .classes(
      ClassNumbers(
        model: model, set: .test,
        classes: [
          ClassNumbers.Row(name: "cat", samples: 4, accuracy: accuracy, loss: 0.5),
          ClassNumbers.Row(name: "dog", samples: 0, accuracy: nil, loss: nil),
        ], seed: 3, setHash: "ab"))
  }

  static func report(
    relearn: Double = 40, capped: Bool = false, retrained: Double = 60, isYardstickCapped: Bool = false
  ) throws -> RunReport {
    let events: [RunEvent.What] = [
      .runStarted(EventTests.start),
      .evaluated(.original, [metric("ua@x", 0, .retrained, detail: false)]),
      .evaluated(
        .retrained,
        [
          metric("ua@x", 5, .retrained, detail: false), metric("agreement@x", 100),
          metric("relearn@x", retrained, .retrained, unit: "steps", capped: isYardstickCapped),
        ]),
      .evaluated(
        .unlearned,
        [
          metric("ua@x", 4, .retrained, detail: false), metric("agreement@x", 91.5),
          metric("relearn@x", relearn, .retrained, unit: "steps", capped: capped),
          metric("moved@x", 50, .neutral),
        ]),
      classes(.original, 100), classes(.retrained, 75), classes(.unlearned, 50),
    ]
    return try RunReport(folding: events.map { RunEvent(seconds: 0, $0) })
  }

  @Test func `the terminal's table has no details, and the files have them all`() throws {
    let report = try Self.report()
    #expect(report.table.heading == ["model", "UA@X [%]"])
    let markdown = report.markdown()
    #expect(
      markdown.contains(
        """
        ## More numbers

        | number | original | retrained | unlearned |
        | --- | ---: | ---: | ---: |
        | AGREEMENT@X [%] | – | 100.00 | 91.50 |
        | RELEARN@X [steps] | – | 60 | 40 (20) |
        | MOVED@X [%] | – | – | 50.00 |
        """))
    // Their protocols stand with the others'.
    #expect(markdown.contains("| AGREEMENT@X [%] | `agreement@x` |"))
    let html = report.html()
    for value in ["91.5", "40.0", "20.0", "50.0"] { #expect(html.contains("<data value=\"\(value)\">")) }
  }

  @Test func `a number that is only known to be so large is shown as that, and so is its distance`() throws {
    let given = try Self.report(relearn: 500, capped: true)
    #expect(given.markdown().contains("| RELEARN@X [steps] | – | 60 | ≥ 500 (≥ 440) |"))
    #expect(given.html().contains("≥ 500"))
    // From a bound nothing is so and so far.
    let both = try Self.report(relearn: 40, retrained: 500, isYardstickCapped: true)
    #expect(both.markdown().contains("| RELEARN@X [steps] | – | ≥ 500 | 40 |"))
    let comparison = ComparisonReport(
      name: "toy",
      entries: [ComparisonReport.Entry(label: "A", report: given), .init(label: "B", report: try Self.report())])
    #expect(comparison.markdown().contains("| RELEARN@X [steps] | – | 60 | ≥ 500 (≥ 440) | 40 (20) |"))
    #expect(comparison.table.heading == ["method", "UA@X [%]"])
    #expect(!comparison.plain().contains("RELEARN") && !comparison.latex().contains("RELEARN"))
    #expect(comparison.best(in: "relearn@x") == ["B"])
    #expect(comparison.best(in: "moved@x").isEmpty)
    #expect(comparison.html().contains("id=\"details\""))
  }

  @Test func `classes have a table for each set, with a dash where there are no samples`() throws {
    let report = try Self.report()
    #expect(
      report.markdown().contains(
        """
        | class | samples | original: acc [%] | retrained: acc [%] | unlearned: acc [%] | original: loss [nats] | \
        retrained: loss [nats] | unlearned: loss [nats] |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
        | cat | 4 | 100.00 | 75.00 | 50.00 | 0.5000 | 0.5000 | 0.5000 |
        | dog | 0 | – | – | – | – | – | – |
        """))
    #expect(report.html().contains("data-classes=\"test\""))
    #expect(try RunReport(json: Data(report.json().utf8), file: "report.json").classes == report.classes)
    let lines = report.csv().split(separator: "\n")
    #expect(
      lines.contains(
        "toy,SalUn,3,unlearned,class-accuracy@acc,\"acc(test, class)\",test,50.0,%,4,retrained,acc,3,ab,12ab,cat,,,"))
    #expect(!lines.contains { $0.contains("dog") })
  }

  @Test func `a report of a version without classes is still read`() throws {
    let report = try Self.report()
    var object = try #require(JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
    object["classes"] = nil
    #expect(try RunReport(json: JSONSerialization.data(withJSONObject: object), file: "report.json").classes.isEmpty)
  }

  // MARK: Plans

  @Test func `costly metrics are measured only when asked for, and tables stay as they are`() throws {
    let plan = try resolve(Fixture.minimal()).evaluate
    #expect(!plan.metrics.contains { $0.isCostly })
    #expect(plan.metrics.contains(.agreement) && plan.metrics.contains(.perClass) && plan.relearn == nil)
    #expect(plan.table == [.ua, .ra, .ta, .loss, .miaSVC, .miaThreshold, .tow, .averageGap, .rte])
    let asked = try resolve(Fixture.minimal("evaluate: {metrics: [ua, relearn, mia-svc-entropy]}\n")).evaluate
    #expect(asked.metrics == [.ua, .relearn, .miaEntropy])
    #expect(asked.table == nil && asked.relearn == RelearnPlan())
    let chosen = try resolve(Fixture.minimal("evaluate: {table: [rte, weight-distance]}\n")).evaluate
    #expect(chosen.table == [.rte, .weightDistance])
  }

  @Test func `what needs a retrained model is left out where there is none`() throws {
    let plan = try resolve(Fixture.minimal("retrained: none\n")).evaluate
    #expect(!plan.metrics.contains { $0.needsRetrained })
    #expect(plan.metrics.contains(.weightsMoved) && plan.metrics.contains(.perClass))
  }

  @Test func `the recipe's way to relearn is in the protocol's id`() throws {
    let recipe = "evaluate: {metrics: [relearn], relearn: {cap: 30, margin: 2.5, learning_rate: 0.1, batch: 16}}\n"
    let relearn = try #require(try resolve(Fixture.minimal(recipe)).evaluate.relearn)
    #expect(
      relearn.protocolID
        == "relearn@steps-to-acc(forget)=original-2.5,sgd,momentum=0.9,lr=0.1,batch=16,cap=30,checked=1..20+10%")
    var steps = [0]
    while let last = steps.last, last < relearn.cap { steps.append(relearn.nextCheck(after: last)) }
    #expect(steps == Array(0...20) + [22, 24, 26, 28, 30])
  }
}
