import Foundation
import Testing

@testable import Runs

/// The recipes of the papers' tables, and published numbers beside ours.
@Suite struct PaperTableTests {
  struct Table: CustomTestStringConvertible, Sendable {
    /// The comparison and the folder of its rows.
    let path: String
    let methods: [String]
    /// Published numbers, where there is a file of them.
    var paper: String?
    var testDescription: String { path }
  }

  private static let salun = [
    "Fine-tune", "Random label", "Gradient ascent", "Influence", "Boundary expand", "Boundary shrink", "l1-sparse",
    "SalUn", "SalUn-soft",
  ]
  private static let loreun = [
    "RL", "RL+w_f", "RL+w_r", "RL+both", "SalUn", "SalUn+w_f", "SalUn+w_r", "SalUn+both",
  ]

  static let tables = [
    Table(path: "salun-table1/random10", methods: salun, paper: "salun-table1/paper-random10"),
    Table(path: "salun-table1/random50", methods: salun, paper: "salun-table1/paper-random50"),
    Table(path: "loreun-table1/random", methods: loreun, paper: "loreun-table1/paper-random"),
    Table(path: "loreun-table1/classwise", methods: loreun),
  ]

  /// The fixture's strategies and the other ones that the tables have.
  private static let catalog: PartCatalog = {
    func number(_ key: String) -> ParameterDescriptor {
      ParameterDescriptor(key: key, type: .float, defaultValue: .float(1), min: 0)
    }
    var parts = Fixture.catalog.parts.filter { $0.id != "proximal" }
    parts.append(Fixture.part("proximal", .updater, parameters: [number("ratio"), Fixture.mode]))
    parts.append(Fixture.part("l1-sparse", .objective, schedules: [.retainOnly], parameters: [number("alpha")]))
    parts.append(Fixture.part("boundary-expand", .objective, schedules: [.forgetOnly], parameters: [Fixture.mode]))
    parts.append(Fixture.part("boundary-shrink", .objective, schedules: [.forgetOnly], parameters: [number("bound")]))
    parts.append(Fixture.part("influence", .procedure, parameters: [number("alpha"), Fixture.mode]))
    return PartCatalog(parts: parts, folders: ["/plugins"], refusals: [])
  }()

  private func config(_ name: String) throws -> RunConfig {
    try RunConfig(path: "examples/\(name).yaml", currentFolder: checkout.path)
  }

  private func plan(_ name: String, _ method: String? = nil, _ overrides: [String] = []) throws -> RunPlan {
    var config = try config(name)
    config.variant = method
    config.overrides = overrides
    return try RunPlan.resolve(config, catalog: PaperTableTests.catalog, environment: Fixture.environment)
  }

  @Test(arguments: tables)
  func `a table's recipe has the paper's rows, and each row is a recipe of its own`(_ table: Table) throws {
    #expect(try config(table.path).variants().map(\.name) == table.methods)
    let folder = checkout.appendingPathComponent("examples/\(table.path)").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).map { $0.replacing(".yaml", with: "") }
    let plans = try names.map { try plan("\(table.path)/\($0)") }
    #expect(Set(plans.compactMap(\.variant)) == Set(table.methods) && plans.count == table.methods.count + 1)
    for plan in plans where plan.variant != nil {
      #expect(try plan.canonicalJSON() == self.plan(table.path, plan.variant).canonicalJSON())
    }
    // What is left is the retrained model's row.
    let retrain = try #require(plans.first { $0.variant == nil })
    #expect(retrain.pipeline == nil && retrain.procedure == nil)
    #expect(Set(plans.map { $0.baseKeyJSON() }).count == 1)
    #expect(Set(plans.map { $0.retrainedKeyJSON() }).count == 1)
    #expect(Set(plans.map { $0.canonicalJSON() }).count == plans.count)
    for name in names {
      let head = try config("\(table.path)/\(name)").text
      #expect(head.contains("lethe run examples/\(table.path)/\(name).yaml"), "\(name)")
    }
  }

  @Test func `the settings are the papers'`() throws {
    for table in PaperTableTests.tables {
      guard case .train(let base) = try plan(table.path, table.methods[0]).base else { throw Wrong() }
      #expect(base.epochs == 182 && base.batch == 256 && base.optimizer.learningRate == 0.1)
      #expect(base.optimizer.momentum == 0.9 && base.optimizer.weightDecay == 5e-4)
      #expect(base.optimizer.schedule == LearningRatePlan(name: .step, milestones: [91, 136], gamma: 0.1))
    }
    for (method, epochs, rate) in [
      ("Fine-tune", 10, 0.01), ("Random label", 10, 0.013), ("Gradient ascent", 5, 7e-4), ("Boundary expand", 10, 1e-5),
      ("Boundary shrink", 10, 1e-5), ("l1-sparse", 10, 0.01), ("SalUn", 10, 0.013), ("SalUn-soft", 10, 0.013),
    ] {
      for scenario in ["random10", "random50"] {
        let pipeline = try plan("salun-table1/\(scenario)", method).pipeline
        #expect(pipeline?.epochs == epochs && pipeline?.optimizer.learningRate == rate, "\(method)")
        #expect(
          pipeline?.batch == 256 && pipeline?.optimizer.weightDecay == 5e-4 && pipeline?.optimizer.momentum == 0.9)
      }
    }
    #expect(try plan("salun-table1/random50", "SalUn").forget == .random(.fraction(0.5), seed: 1))
    for method in ["RL", "SalUn"] {
      for (suffix, apply) in [("+w_f", "forget"), ("+w_r", "retain"), ("+both", "both")] {
        for (path, epochs, etas) in [("random", 20, (0.1, 0.25)), ("classwise", 10, (0.2, 0.1))] {
          let pipeline = try plan("loreun-table1/\(path)", method + suffix).pipeline
          guard case .part(let part) = pipeline?.reweighter else { throw Wrong() }
          #expect(pipeline?.epochs == epochs && pipeline?.optimizer.learningRate == 0.01)
          #expect(part.parameters["eta_forget"] == .float(etas.0) && part.parameters["eta_retain"] == .float(etas.1))
          #expect(part.parameters["apply"] == .string(apply))
          #expect((pipeline?.mask != nil) == (method == "SalUn"))
        }
      }
    }
  }

  struct Wrong: Error {}

  @Test func `the small table has the models of cifar10-small`() throws {
    let small = try plan("salun-table1/small", "SalUn")
    let other = try plan("cifar10-small", "SalUn", ["precision=fp32"])
    #expect(small.baseKeyJSON() == other.baseKeyJSON())
    #expect(small.retrainedKeyJSON() == other.retrainedKeyJSON())
    #expect(try config("salun-table1/small").variants().map(\.name) == PaperTableTests.salun)
  }

  // MARK: Published numbers

  @Test(arguments: tables.filter { $0.paper != nil })
  func `published rows are rows of the table, and their averages follow from their columns`(_ table: Table) throws {
    let path = "examples/\(try #require(table.paper)).yaml"
    let published = try PublishedTable(path: path, currentFolder: checkout.path)
    #expect(published.rows.map(\.label) == ["retrained"] + table.methods)
    #expect(
      published.note?.contains("CIFAR-10 (JPEG)") == true && published.note?.contains("not the paper's data") == true)
    let aim = try #require(published["retrained"])
    for row in published.rows {
      func gaps(_ metrics: [String]) -> [Double]? {
        let found = metrics.compactMap { metric in row[metric].flatMap { value in aim[metric].map { abs(value - $0) } }
        }
        return found.count == metrics.count ? found : nil
      }
      if let average = row["average-gap"], let gaps = gaps(["ua", "ra", "ta", "mia-svc"]) {
        #expect(abs(gaps.reduce(0, +) / 4 - average) <= 0.006, "\(row.label)")
      }
      if let tow = row["tow"], let gaps = gaps(["fa", "ra", "ta"]) {
        #expect(abs(gaps.reduce(1) { $0 * (1 - $1 / 100) } - tow) <= 1e-4, "\(row.label)")
      }
    }
  }

  static let published = """
    source: A paper
    setting: other data
    note: Not the same data.
    rows:
      retrained: {ua: 6}
      SalUn: {ua: 4.5, rte: 2, mia-svc: 9}
      Third: {ua: 1}
    """

  @Test func `ours, the published number and the difference stand below each other`() throws {
    let entries = try ["SalUn", "Mine"].map {
      ComparisonReport.Entry(label: $0, report: try RunReport(folding: ReportTests.events()))
    }
    var comparison = ComparisonReport(name: "toy", entries: entries)
    #expect(comparison.publishedPlain == "" && comparison.publishedLaTeX == "" && comparison.publishedMarkup.isEmpty)
    comparison.published = try PublishedTable(text: PaperTableTests.published, file: "paper.yaml")
    comparison.setting = "glyphs"
    try expectGolden(
      comparison.publishedPlain + comparison.publishedMarkdown + comparison.publishedLaTeX, "published.txt")
    #expect(comparison.html().contains("SalUn, published"))
    #expect(comparison.markdown().contains("## Against the published numbers\n"))
    #expect(comparison.json().contains("\"published\": {"))
  }

  @Test(
    arguments: [
      ("source: a\n", "paper.yaml:1: 'setting' is missing; it says what they were measured on"),
      ("setting: a\n", "paper.yaml:1: 'source' is missing; it says who published the numbers, and where"),
      (
        "source: a\nsetting: b\n",
        "paper.yaml:1: 'rows' is missing; it has a map of numbers for each row of the comparison"
      ),
      ("source: a\nsetting: b\nrows: {A: 3}\n", "paper.yaml:3: 'rows.A' must be a map of keys, not 3"),
      (
        "source: a\nsetting: b\nrows: {A: {ua: .nan}}\n",
        "paper.yaml:3: 'rows.A.ua' is .nan; it must be a finite number"
      ),
      ("source: a\nrow: {}\n", "paper.yaml:2: unknown key 'row'; did you mean 'rows'?"),
      ("- a\n", "paper.yaml:1: 'table' must be a map of keys, not a list"),
      ("", "paper.yaml:1: 'source' is missing; it says who published the numbers, and where"),
    ])
  func `a file that is no table is refused with its place`(_ text: String, _ expected: String) {
    #expect { try PublishedTable(text: text, file: "paper.yaml") } throws: { "\($0)" == expected }
  }
}
