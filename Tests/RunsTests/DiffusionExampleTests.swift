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
}
