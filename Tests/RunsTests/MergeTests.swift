import Testing

@testable import Runs

@Suite struct MergeTests {
  static let recipe = """
    name: compared
    forget: {random: 0.1}
    pipeline:
      objective: {plugin: random-label, alpha: 2.0}
      mask: {plugin: salun, keep: 0.25}
      epochs: 5
      optimizer: {learning_rate: 0.02, clip: 1.0}
    methods:
      Plain: {mask: null}
      Fine: {objective: fine-tune, mask: null, epochs: 3, optimizer: {learning_rate: 0.5}}
      Denser: {mask: {keep: 0.75}, reweighter: loreun}
      Louder: {objective: {plugin: random-label, mode: reference}}
      Same: null
    """

  @Test func `methods replace keys of the pipeline, deep`() throws {
    func pipeline(_ variant: String) throws -> PipelinePlan? {
      try resolve(MergeTests.recipe, variant: variant).pipeline
    }
    let plain = try pipeline("Plain")
    #expect(plain?.mask == nil)
    #expect(plain?.objective.parameters["alpha"] == .float(2))
    let fine = try pipeline("Fine")
    #expect(fine?.objective.id == "fine-tune")
    #expect(fine?.epochs == 3)
    #expect(fine?.optimizer.learningRate == 0.5)
    #expect(fine?.optimizer.clip == 1)
    #expect(try pipeline("Denser")?.mask?.selection == .keep(0.75))
    let louder = try pipeline("Louder")
    #expect(louder?.objective.parameters["alpha"] == .float(2))
    #expect(louder?.objective.parameters["mode"] == .string("reference"))
    #expect(try pipeline("Same") == resolve(MergeTests.recipe).pipeline)
  }

  @Test func `overrides of the pipeline are meant for every method`() throws {
    let plan = try resolve(MergeTests.recipe, ["pipeline.epochs=9"], variant: "Fine")
    #expect(plan.pipeline?.epochs == 9)
    #expect(plan.variant == "Fine")
    #expect(try resolve(MergeTests.recipe, ["methods.Fine.epochs=8"], variant: "Fine").pipeline?.epochs == 8)
  }

  @Test func `variants are the methods in order, or the recipe itself`() throws {
    let config = Fixture.config(MergeTests.recipe)
    #expect(try config.variants().map(\.name) == ["Plain", "Fine", "Denser", "Louder", "Same"])
    #expect(try config.variants(named: ["Louder", "Fine"]).map(\.config.variant) == ["Louder", "Fine"])
    #expect(try Fixture.config(Fixture.minimal()).variants().map(\.name) == ["recipe"])
    #expect(try Fixture.config(Fixture.minimal("name: mine\n")).variants().map(\.name) == ["mine"])
    #expect { try config.variants(named: ["fine"]) } throws: {
      "\($0)" == "no method 'fine' (did you mean 'Fine'?); the recipe has Plain, Fine, Denser, Louder, Same"
    }
  }

  @Test func `a mistake in any method is found`() {
    #expect(
      message(MergeTests.recipe.replacing("epochs: 3", with: "epoch: 3"))
        == "recipe.yaml:10: unknown key 'epoch' under 'methods.Fine'; did you mean 'epochs'?")
  }

  @Test(
    arguments: [
      ("seed=3", "seed", Tree.int(3)), ("name=\"1\"", "name", .string("1")), ("name=a b", "name", .string("a b")),
      ("forget.random=0.5", "forget", .map([TreeEntry("random", .float(0.5))])), ("forget=", "forget", .null),
      ("plugins.0=x", "plugins", .list([.string("x"), .string("b")])),
      (
        "pipeline.mask.keep=0.1", "pipeline",
        .map([TreeEntry("mask", .map([TreeEntry("plugin", .string("salun")), TreeEntry("keep", .float(0.1))]))])
      ),
      (
        "base.optimizer.betas=[0.1, 0.2]", "base",
        .map([TreeEntry("optimizer", .map([TreeEntry("betas", .list([.float(0.1), .float(0.2)]))]))])
      ),
    ])
  func `overrides are YAML at a path`(_ override: String, _ key: String, _ value: Tree) throws {
    let recipe = "seed: 1\nforget: {random: 0.1}\nplugins: [a, b]\npipeline: {mask: salun}\n"
    #expect(try Fixture.config(recipe, [override]).root()[key]?.tree == value)
  }

  @Test(
    arguments: [
      ("seed", "'seed': there is no '='; an override is KEY.PATH=VALUE"),
      ("a..b=1", "'a..b=1': a key is empty; an override is KEY.PATH=VALUE"),
      ("=1", "'=1': a key is empty; an override is KEY.PATH=VALUE"),
      ("plugins.7=x", "'plugins.7=x': '7' is no item of a list of 2; an override is KEY.PATH=VALUE"),
      ("seed.x=1", "'seed.x=1': 'x' would be under 1, which is no map; an override is KEY.PATH=VALUE"),
      ("name=[", "'name=[': not YAML: did not find expected node content"),
      ("sead=1", "'sead=1': unknown key 'sead'; did you mean 'seed'?"),
      ("seed=x", "'seed=x': 'seed' must be a whole number, not 'x'"),
    ])
  func `a wrong override is named as it was given`(_ override: String, _ expected: String) {
    #expect(message("seed: 1\nplugins: [a, b]\n", [override]) == expected)
  }

  @Test func `sweeps make every combination, and seeds share a row`() throws {
    let swept = try RunConfig.sweep(
      Fixture.config(MergeTests.recipe).variants(named: ["Plain", "Fine"]),
      over: ["pipeline.optimizer.learning_rate=0.1,0.2", "seed=1,2,3"])
    #expect(swept.count == 12)
    #expect(
      swept.prefix(4).map(\.name) == [
        "Plain learning_rate=0.1", "Plain learning_rate=0.1", "Plain learning_rate=0.1", "Plain learning_rate=0.2",
      ])
    #expect(swept[1].config.overrides == ["pipeline.optimizer.learning_rate=0.1", "seed=2"])
    let plan = try RunPlan.resolve(swept[11].config, catalog: Fixture.catalog, environment: Fixture.environment)
    #expect(plan.seed == 3)
    #expect(plan.pipeline?.optimizer.learningRate == 0.2)
  }

  @Test func `a sweep's values are YAML`() throws {
    let swept = try RunConfig.sweep(
      Fixture.config(Fixture.minimal()).variants(), over: ["pipeline.mask={plugin: salun, keep: 0.3},null"])
    #expect(swept.map(\.name) == ["recipe mask={plugin: salun, keep: 0.3}", "recipe mask=null"])
    #expect(try swept.map { try $0.config.root()["pipeline"]?["mask"]?.isNull } == [false, true])
  }

  @Test(
    arguments: [
      ("seed", "--sweep 'seed': there is no '='; a sweep is KEY.PATH=A,B,C"),
      ("seed=", "--sweep 'seed=': there is no value; a sweep is KEY.PATH=A,B,C"),
      ("seed=[", "--sweep 'seed=[': the values cannot be read; a sweep is KEY.PATH=A,B,C"),
    ])
  func `a wrong sweep is named as it was given`(_ sweep: String, _ expected: String) throws {
    #expect { try RunConfig.sweep([], over: [sweep]) } throws: { "\($0)" == expected }
  }
}
