import Foundation
import Testing

@testable import Runs

/// Recipes that are written on top of others.
@Suite struct FromTests {
  /// A folder of files that goes when the test is over.
  final class Files {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-from-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      for (name, text) in files {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func config(_ path: String, _ overrides: [String] = []) throws -> RunConfig {
      try RunConfig(path: path, overrides: overrides, currentFolder: folder.path)
    }

    func plan(_ path: String, _ overrides: [String] = [], method: String? = nil) throws -> RunPlan {
      var config = try config(path, overrides)
      config.variant = method
      return try RunPlan.resolve(config, catalog: Fixture.catalog, environment: Fixture.environment)
    }

    func message(_ path: String, _ overrides: [String] = []) -> String {
      do {
        _ = try plan(path, overrides)
        return "no error"
      } catch {
        return "\(error)"
      }
    }
  }

  static let table = [
    "common.yaml": "data: {source: idx, path: mnist}\npipeline: {epochs: 7, optimizer: {learning_rate: 0.5}}\n",
    "table.yaml": """
    from: common.yaml
    name: table
    forget: {random: 0.1, seed: 4}
    methods:
      Fine: {objective: fine-tune}
      Masked: {objective: random-label, mask: {plugin: salun, keep: 0.25}}
    """,
    "rows/masked.yaml": "from: ../table.yaml\nmethod: Masked\n",
    "rows/class.yaml":
      "from: masked.yaml\nforget: {class: 3}\nplugins: [here]\nmethods: {Masked: {mask: {keep: 0.5}}}\n",
  ]

  @Test func `keys of the upper recipe hold, those of the lower ones fill in`() throws {
    let files = try Files(FromTests.table)
    let row = try files.plan("rows/masked.yaml")
    #expect(row.name == "table" && row.variant == "Masked")
    #expect(row.pipeline?.mask?.selection == .keep(0.25))
    #expect(row.pipeline?.epochs == 7 && row.pipeline?.optimizer.learningRate == 0.5)
    // The row is the table's method to the last bit.
    #expect(try row.canonicalJSON() == files.plan("table.yaml", method: "Masked").canonicalJSON())
    let upper = try files.plan("rows/class.yaml", ["pipeline.epochs=2"])
    #expect(upper.forget == .aClass(.index(3), count: nil, seed: 4))
    #expect(upper.pipeline?.mask?.selection == .keep(0.5) && upper.pipeline?.mask?.part.id == "salun")
    #expect(upper.pipeline?.epochs == 2)
  }

  @Test func `a path starts at the folder of the recipe that has it`() throws {
    let files = try Files(FromTests.table)
    let plan = try files.plan("rows/class.yaml")
    #expect(plan.data.path == files.folder.path + "/mnist")
    #expect(plan.pluginFolders == [files.folder.path + "/rows/here"])
  }

  @Test func `a comparison of a recipe with a method has that row, and --method wins`() throws {
    let files = try Files(FromTests.table)
    #expect(try files.config("rows/masked.yaml").variants().map(\.name) == ["Masked"])
    #expect(try files.config("rows/masked.yaml").variants(named: ["Fine"]).map(\.name) == ["Fine"])
    #expect(try files.config("table.yaml").variants().map(\.name) == ["Fine", "Masked"])
    #expect(try files.plan("rows/masked.yaml", method: "Fine").pipeline?.objective.id == "fine-tune")
  }

  @Test func `a pipeline of none takes nothing from the lower recipe`() throws {
    let files = try Files(
      FromTests.table.merging(["none.yaml": "from: table.yaml\npipeline: none\nmethods: null\n"]) { $1 })
    let plan = try files.plan("none.yaml")
    #expect(plan.pipeline == nil && plan.procedure == nil && plan.variant == nil)
    #expect(try files.config("none.yaml").variants().map(\.name) == ["table"])
    #expect(
      files.message("none.yaml", ["swaps=[{at: epoch 1, mask: null}]"])
        == "'swaps=[{at: epoch 1, mask: null}]': 'swaps' does not go with 'pipeline: none'; nothing is done in steps")
    #expect(
      files.message("none.yaml", ["forget=[{random: 0.1}, {random: 0.1}]"])
        == "'forget=[{random: 0.1}, {random: 0.1}]': 'forget' does not go with 'pipeline: none'; "
        + "nothing is forgotten, so there is no request after the first")
  }

  @Test(
    arguments: [
      ("from: absent.yaml", "a.yaml:1: 'from: absent.yaml': there is no such file"),
      ("\nfrom: a.yaml", "a.yaml:2: 'from' does not go with 'a.yaml'; that recipe is written on top of this one"),
      ("from: b.yaml", "b.yaml:2: 'from' does not go with 'a.yaml'; that recipe is written on top of this one"),
      ("from: [b.yaml]", "a.yaml:1: 'from' must be a recipe's path, not a list"),
      ("from: c.yaml", "c.yaml:1: unknown key 'sead'; did you mean 'seed'?"),
      ("from: d.yaml\nmethod: 3", "a.yaml:2: 'method' must be a name under 'methods', not 3"),
      ("from: d.yaml\nmethod: B", "no method 'B'; the recipe has A"),
    ])
  func `a mistake in any of the recipes is told with its place`(_ text: String, _ expected: String) throws {
    let files = try Files([
      "a.yaml": text + "\n", "b.yaml": "# b\nfrom: a.yaml\n", "c.yaml": "sead: 1\n",
      "d.yaml": Fixture.minimal("methods: {A: null}\n"),
    ])
    #expect(files.message("a.yaml") == expected)
  }

  @Test func `nobody follows a from of the command line`() {
    #expect(
      message(Fixture.minimal(), ["from=x.yaml"])
        == "'from=x.yaml': 'from' does not go with the command line; write it into a recipe")
    #expect(
      message("from: x.yaml\n")
        == "recipe.yaml:1: 'from' does not go with a recipe that is no file; write the keys themselves")
  }

  @Test(
    arguments: [
      ("a.yaml", "b.yaml", "b.yaml"), ("x/a.yaml", "../b.yaml", "b.yaml"), ("../a.yaml", "../b.yaml", "../../b.yaml"),
      ("/x/y/a.yaml", "./../b.yaml", "/x/b.yaml"), ("x/a.yaml", "/b.yaml", "/b.yaml"),
    ])
  func `a file is called as its reader would call it`(_ file: String, _ path: String, _ expected: String) {
    #expect(Paths.beside(file, path) == expected)
  }
}
