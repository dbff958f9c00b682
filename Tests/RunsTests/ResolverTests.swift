import Testing

@testable import Runs

@Suite struct ResolverTests {
  @Test func `a retrained model is trained like the original where nothing else is said`() throws {
    let plan = try resolve(
      Fixture.minimal(
        "base: {epochs: 7, batch: 32, seed: 5, optimizer: {learning_rate: 0.3, schedule: {name: cosine, warmup: 2}}}\n"
          + "retrained: {batch: 16, optimizer: {schedule: {warmup: 1}}}\n"))
    guard case .train(let base) = plan.base, case .train(let retrained) = plan.retrained else {
      Issue.record("both are trained")
      return
    }
    #expect(retrained.epochs == 7)
    #expect(retrained.seed == 5)
    #expect(retrained.batch == 16)
    #expect(retrained.optimizer.learningRate == 0.3)
    #expect(retrained.optimizer.schedule == LearningRatePlan(name: .cosine, warmup: 1))
    #expect(base.batch == 32)
  }

  @Test func `another optimizer starts from its own defaults`() throws {
    let plan = try resolve(Fixture.minimal(), ["pipeline.optimizer.name=adamw", "base.optimizer={name: adam}"])
    #expect(plan.pipeline?.optimizer.learningRate == 0.001)
    #expect(plan.pipeline?.optimizer.weightDecay == 0.01)
    #expect(plan.pipeline?.optimizer.momentum == 0)
    guard case .train(let base) = plan.base else { return }
    #expect(base.optimizer.weightDecay == 0)
  }

  @Test func `a whole number serves where a plugin wants a float, and stays a float`() throws {
    let plan = try resolve(
      "forget: {random: 10}\npipeline: {objective: {plugin: random-label, alpha: 2}, reweighter: loreun}\n")
    #expect(plan.forget == .random(.count(10), seed: 1))
    #expect(
      plan.pipeline?.objective.parameters
        == Parameters([Parameter("alpha", .float(2)), Parameter("mode", .string("paper"))]))
    guard case .part(let reweighter) = plan.pipeline?.reweighter else {
      Issue.record("the reweighter is a part")
      return
    }
    #expect(reweighter.parameters.entries.map(\.key) == ["eta_forget", "eta_retain", "apply"])
    #expect(reweighter.pluginID == "org.lethe.loreun")
  }

  @Test(
    arguments: [
      ("random-label", nil, nil, DataSchedule.sequential), ("random-label", "joint", nil, .joint),
      ("fine-tune", nil, nil, .retainOnly), ("random-label", nil, "proximal", .sequential),
      ("random-label", nil, "balance", .paired), ("gradient-ascent", nil, nil, .forgetOnly),
    ] as [(String, String?, String?, DataSchedule)])
  func `the schedule serves objective and updater`(
    _ objective: String, _ schedule: String?, _ updater: String?, _ expected: DataSchedule
  ) throws {
    let plan = try resolve(
      Fixture.minimal(),
      [
        "pipeline.objective=\(objective)", "pipeline.schedule=\(schedule ?? "null")",
        "pipeline.updater=\(updater ?? "null")",
      ])
    #expect(plan.pipeline?.schedule == expected)
  }

  @Test func `a mask keeps half of the weights unless something else is said`() throws {
    #expect(try resolve(Fixture.minimal(), ["pipeline.mask=salun"]).pipeline?.mask?.selection == .keep(0.5))
    let plan = try resolve(Fixture.minimal(), ["pipeline.mask={plugin: salun, keep: 0.25, batch: 8, mode: reference}"])
    #expect(plan.pipeline?.mask?.selection == .keep(0.25))
    #expect(plan.pipeline?.mask?.batch == 8)
    #expect(plan.pipeline?.mask?.part.parameters["mode"] == .string("reference"))
    #expect(plan.pipeline?.mask?.freeze == .hard)
    let drifting = try resolve(Fixture.minimal(), ["pipeline.mask={plugin: salun, freeze: gradient}"])
    #expect(drifting.pipeline?.mask?.freeze == .gradient)
  }

  @Test func `what cannot be measured is not measured unless it is asked for`() throws {
    let plan = try resolve(Fixture.minimal("data: {validation: 0}\nretrained: none\n"))
    #expect(plan.evaluate.sets == [.forget, .retain, .test])
    #expect(
      plan.evaluate.metrics == [.ua, .ra, .ta, .loss, .miaSVC, .miaThreshold, .perClass, .weightsMoved, .rte])
    let test = try resolve(Fixture.minimal(), ["evaluate.sets=[test]"]).evaluate
    #expect(
      test.metrics == [
        .ta, .loss, .perClass, .agreement, .divergence, .weightDistance, .weightsMoved, .rte,
      ])
    #expect(test.table == [.ta, .loss, .rte])
  }

  @Test func `measuring weights from elsewhere needs neither pipeline nor plugins`() throws {
    let none = PartCatalog(parts: [])
    let plan = try resolve("forget: {class: 3}\n", catalog: none, purpose: .evaluate)
    #expect(plan.pipeline == nil)
    #expect(!plan.evaluate.metrics.contains(.rte))
    #expect(try resolve(Fixture.minimal(), catalog: none, purpose: .evaluate).pipeline == nil)
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
  }

  @Test func `null for a checkpoint means only when interrupted`() throws {
    #expect(try resolve(Fixture.minimal()).checkpoint.every == .epochs(1))
    #expect(try resolve(Fixture.minimal("checkpoint: {every: null}\n")).checkpoint.every == nil)
    #expect(try resolve(Fixture.minimal("checkpoint: {every: 5 steps}\n")).checkpoint.every == .steps(5))
  }

  @Test(
    arguments: [
      ("base: {weights: w.st}\nretrained: none\n", [], "/recipes/mine/w.st"),
      ("base: {weights: ../w.st}\nretrained: none\n", [], "/recipes/w.st"),
      ("base: {weights: ~/w.st}\nretrained: none\n", [], "/home/me/w.st"),
      ("base: {weights: \"${LETHE_DATA}x/w.st\"}\nretrained: none\n", [], "/datax/w.st"),
      ("retrained: none\n", ["base={weights: w.st}"], "/here/w.st"),
      ("retrained: none\n", ["base.weights=./a/../w.st"], "/here/w.st"),
    ] as [(String, [String], String)])
  func `paths start at the recipe's folder, on the command line at the current one`(
    _ recipe: String, _ overrides: [String], _ path: String
  ) throws {
    #expect(try resolve(Fixture.minimal(recipe), overrides).base == .weights(file: path))
  }

  @Test func `LETHE_DATA falls back to the data beside the checkout`() throws {
    let environment = ResolverEnvironment(
      variables: [:], currentFolder: "/here",
      exists: { ["/recipes/Package.swift", "/shared/data"].contains($0) })
    let recipe = Fixture.minimal("data: {source: idx, path: $LETHE_DATA/mnist}\n")
    #expect(try resolve(recipe, environment: environment).data.path == "/shared/data/mnist")
    let bare = ResolverEnvironment(variables: [:], currentFolder: "/here", exists: { _ in false })
    #expect(
      message(recipe, environment: bare)
        == "recipe.yaml:3: 'data.path' needs the environment variable LETHE_DATA, which is not set")
  }

  @Test func `results go to runs in the current folder unless the recipe says where`() throws {
    #expect(try resolve(Fixture.minimal()).output == "/here/runs")
    #expect(try resolve(Fixture.minimal("output: out\n")).output == "/recipes/mine/out")
    #expect(try resolve(Fixture.minimal("output: out\n"), ["output=mine"]).output == "/here/mine")
  }

  @Test func `plugin folders are known before the catalogue is`() throws {
    let config = Fixture.config(Fixture.minimal("plugins: [more, /abs]\n"))
    #expect(try config.pluginFolders(Fixture.environment) == ["/recipes/mine/more", "/abs"])
  }

  @Test func `a swap fits what the swaps before it left`() throws {
    let recipe = """
      forget: {random: 0.1}
      pipeline: {objective: random-label, updater: balance}
      swaps:
        - {at: epoch 2, updater: null, schedule: joint}
        - {at: epoch 4, reweighter: loreun}
      """
    let plan = try resolve(recipe)
    #expect(plan.pipeline?.schedule == .paired)
    #expect(plan.swaps.map(\.at) == [.epoch(2), .epoch(4)])
    #expect(plan.swaps[0].updater == .remove)
    #expect(
      message(recipe.replacing("updater: null, ", with: ""))
        == "recipe.yaml:4: the updater 'balance' needs forget, retain in one step, which the schedule 'joint' does not "
        + "give; use paired")
  }

  @Test(
    arguments: [
      ("metod", ["method", "mask"], "method"), ("learning-rate", ["learning_rate", "momentum"], "learning_rate"),
      ("epohcs", ["epochs", "batch"], "epochs"), ("lr", ["learning_rate", "eps"], nil), ("sal", ["salun"], "salun"),
      ("x", ["y"], nil), ("mia", ["ua", "mia-svc"], "mia-svc"), ("Seed", ["seed"], "seed"),
    ] as [(String, [String], String?)])
  func `the nearest word is the one meant, or none`(_ word: String, _ words: [String], _ expected: String?) {
    #expect(nearest(to: word, in: words) == expected)
  }

  @Test(arguments: [("", "", 0), ("abc", "", 3), ("abc", "acb", 1), ("kitten", "sitting", 3), ("a-b", "a_b", 0)])
  func `edit distance counts letters and swaps`(_ first: String, _ second: String, _ distance: Int) {
    #expect(editDistance(first, second) == distance)
    #expect(editDistance(second, first) == distance)
  }
}
