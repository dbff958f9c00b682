import Foundation
import Testing

@testable import Runs

@Suite struct DiffusionExampleTests {
  static let names = [
    "celebahq256", "cifar10-airplane", "cifar10-ddpm", "glyphs-ddpm", "mnist-class", "mnist-tshirt",
    "mnist-tshirt-small",
  ]

  @Test(arguments: DiffusionExampleTests.names)
  func `every method of an example is a plan of its own on models that all share`(_ name: String) throws {
    let variants = try ExampleTests.config(name).variants()
    let plans = try variants.map {
      try RunPlan.resolve($0.config, catalog: Fixture.catalog, environment: Fixture.environment)
    }
    #expect(Set(plans.map { $0.canonicalJSON() }).count == plans.count)
    #expect(Set(plans.map { $0.baseKeyJSON() }).count == 1)
    #expect(Set(plans.map { $0.retrainedKeyJSON() }).count == 1)
    for plan in plans {
      #expect(plan.task == .diffusion)
      #expect(plan.name == name)
      #expect(plan.pipeline != nil)
      #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
    }
  }

  @Test(arguments: DiffusionExampleTests.names)
  func `an example begins by saying what it does, what to see and what it costs`(_ name: String) throws {
    let head = try ExampleTests.config(name).text.components(separatedBy: "\nname:")[0]
    for words in ["What it does:", "What you should see:", "What it costs:", "examples/\(name).yaml"] {
      #expect(head.contains(words), "'\(words)' is missing")
    }
    #expect(head.split(separator: "\n").allSatisfy { $0.hasPrefix("#") })
  }

  @Test func `the paper's T-shirt experiment has the paper's numbers`() throws {
    let plan = try ExampleTests.plan("mnist-tshirt", "SISS 0.5")
    guard case .train(let base) = plan.base else {
      Issue.record("the original model is trained")
      return
    }
    #expect(plan.data.add?.copies == 606)
    #expect(base.steps == 117_500)
    #expect(base.reduction == .mean)
    #expect(base.conditionDropout == nil)
    #expect(base.optimizer.average == AveragePlan(decay: 0.9999, inverseGamma: 1, power: 0.75))
    #expect(base.optimizer.betas == [0.95, 0.999])
    #expect(plan.pipeline?.schedule == .pairs)
    #expect(plan.pipeline?.steps == 300)
    #expect(plan.diffusion == DiffusionPlan(shape: .linear, timesteps: 1000, beta: [1e-4, 0.02], reduction: .sum))
    #expect(plan.evaluate.generation?.samples == 30_720)
  }

  @Test func `a folder of diffusers stands for network, noise and weights`() throws {
    let plan = try ExampleTests.plan("celebahq256", nil)
    #expect(plan.model == .unetFolder("/data/ddpm-celebahq-256"))
    #expect(plan.base == .weights(file: "/data/ddpm-celebahq-256"))
    #expect(plan.retrained == .none)
    #expect(plan.pipeline?.schedule == .paired)
  }

  /// What a plan says of the noise of a folder with this `scheduler_config.json`, at this place.
  private static func noise(
    _ config: String?, at place: String = "scheduler/", _ overrides: String...
  ) throws -> DiffusionPlan? {
    var environment = Fixture.environment
    let file = "/models/x/\(place)scheduler_config.json"
    environment.text = { $0 == file ? config : nil }
    let recipe = Fixture.diffusion("model: {name: unet, folder: /models/x}\nretrained: none\n")
    return try resolve(recipe, overrides, environment: environment).diffusion
  }

  @Test func `the plan of a folder of diffusers shows the folder's noise`() throws {
    let config = #"{"num_train_timesteps": 40, "beta_schedule": "scaled_linear", "beta_start": 0.001, "beta_end": 0.3}"#
    let expected = DiffusionPlan(shape: .scaledLinear, timesteps: 40, beta: [0.001, 0.3], reduction: .mean)
    for place in ["scheduler/", ""] {
      #expect(try Self.noise(config, at: place, "diffusion.reduction=mean") == expected)
    }
    // What diffusers means where a key is not there.
    #expect(
      try Self.noise("{}") == DiffusionPlan(shape: .linear, timesteps: 1000, beta: [1e-4, 0.02], reduction: .sum))
    #expect(try Self.noise(config, "evaluate.generation.sampler.steps=40") != nil)
    #expect(throws: RunError.self) { try Self.noise(config, "evaluate.generation.sampler.steps=41") }
  }

  @Test(arguments: [nil, "[]", #"{"num_train_timesteps": 0}"#, #"{"beta_schedule": "cosine"}"#, #"{"beta_end": 2}"#])
  func `a folder that is not there or says what a run will refuse is left to the run`(_ config: String?) throws {
    let usual = DiffusionPlan(shape: .linear, timesteps: 1000, beta: [1e-4, 0.02], reduction: .sum)
    #expect(try Self.noise(config) == usual)
  }

  @Test func `the key of the original model does not know what the pipeline sees in place of the retain set`() throws {
    let plain = try resolve(Fixture.diffusion())
    let replayed = try resolve(Fixture.diffusion("data: {retain: {replay: 100}}\n"))
    #expect(replayed.data.replay?.images == 100)
    #expect(plain.baseKeyJSON() != nil && plain.baseKeyJSON() == replayed.baseKeyJSON())
    #expect(plain.canonicalJSON() != replayed.canonicalJSON())
  }
}
