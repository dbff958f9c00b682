import Foundation
import Testing

@testable import Runs

@Suite struct ExampleTests {
  static let names = [
    "cifar10-class", "cifar10-fast", "cifar10-random10", "cifar10-small", "glyphs-demo", "mnist-audit",
    "mnist-random10",
  ]
  static let methods = ["Fine-tune", "Gradient ascent", "Random label", "SalUn", "LoReUn", "SalUn+LoReUn"]

  static func config(_ name: String) throws -> RunConfig {
    try RunConfig(path: "examples/\(name).yaml", currentFolder: checkout.path)
  }

  static func plan(_ name: String, _ method: String?) throws -> RunPlan {
    var config = try config(name)
    config.variant = method
    return try RunPlan.resolve(config, catalog: Fixture.catalog, environment: Fixture.environment)
  }

  @Test func `every recipe of the examples is tested`() throws {
    let found = try FileManager.default.contentsOfDirectory(atPath: checkout.appendingPathComponent("examples").path)
    let tested = (ExampleTests.names + DiffusionExampleTests.names).sorted()
    #expect(found.filter { $0.hasSuffix(".yaml") }.sorted() == tested.map { "\($0).yaml" }.sorted())
  }

  @Test(arguments: ExampleTests.names)
  func `an example has all methods, each of its own, on models that they share`(_ name: String) throws {
    #expect(try ExampleTests.config(name).variants().map(\.name) == ExampleTests.methods)
    let plans = try ExampleTests.methods.map { try ExampleTests.plan(name, $0) }
    #expect(Set(plans.map { $0.canonicalJSON() }).count == plans.count)
    #expect(Set(plans.map { $0.baseKeyJSON() }).count == 1)
    #expect(Set(plans.map { $0.retrainedKeyJSON() }).count == 1)
    #expect(plans[0].name == name)
    for (plan, objective) in zip(
      plans, ["fine-tune", "gradient-ascent", "random-label", "random-label", "random-label", "random-label"])
    {
      #expect(plan.pipeline?.objective.id == objective)
    }
    #expect(plans.map { $0.pipeline?.mask != nil } == [false, false, false, true, false, true])
    #expect(plans.map { $0.pipeline?.reweighter != nil } == [false, false, false, false, true, true])
  }

  @Test(arguments: ExampleTests.names)
  func `an example begins by saying what it does, what to see and what it costs`(_ name: String) throws {
    let head = try ExampleTests.config(name).text.components(separatedBy: "\nname:")[0]
    for words in ["What it does:", "What you should see:", "What it costs:", "lethe compare examples/\(name).yaml"] {
      #expect(head.contains(words), "'\(words)' is missing")
    }
    #expect(head.split(separator: "\n").allSatisfy { $0.hasPrefix("#") })
  }

  @Test func `the papers' settings are the papers'`() throws {
    for name in ["cifar10-random10", "cifar10-class"] {
      guard case .train(let base) = try ExampleTests.plan(name, "SalUn").base else {
        Issue.record("the original model is trained")
        return
      }
      #expect(base.epochs == 182)
      #expect(base.batch == 256)
      #expect(base.optimizer.schedule == LearningRatePlan(name: .step, milestones: [91, 136], gamma: 0.1))
      #expect(base.optimizer.learningRate == 0.1)
      #expect(base.optimizer.weightDecay == 5e-4)
      let salun = try ExampleTests.plan(name, "SalUn").pipeline
      #expect(salun?.optimizer.learningRate == 0.013)
      #expect(salun?.epochs == 10)
      #expect(salun?.mask?.selection == .keep(0.5))
      let loreun = try ExampleTests.plan(name, "LoReUn").pipeline
      #expect(loreun?.optimizer.learningRate == 0.01)
      #expect(loreun?.epochs == (name == "cifar10-class" ? 10 : 20))
      guard case .part(let part) = loreun?.reweighter else {
        Issue.record("LoReUn is a plugin")
        return
      }
      #expect(part.parameters["eta_forget"] == .float(name == "cifar10-class" ? 0.2 : 0.1))
      #expect(part.parameters["eta_retain"] == .float(name == "cifar10-class" ? 0.1 : 0.25))
    }
  }
}
