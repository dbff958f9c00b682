import Foundation
import Testing

@testable import Runs

@Suite struct DataExampleTests {
  private static let names = [
    "cifar10-random50", "cifar10-reference-split", "cifar100-random10", "svhn-random10", "tiny-imagenet-class",
  ]

  private static func plan(_ name: String, _ method: String? = nil) throws -> RunPlan {
    var config = try RunConfig(path: "examples/data/\(name).yaml", currentFolder: checkout.path)
    config.variant = method
    return try RunPlan.resolve(config, catalog: Fixture.catalog, environment: Fixture.environment)
  }

  @Test func `every recipe for a source is tested, and its methods are two`() throws {
    let folder = checkout.appendingPathComponent("examples/data").path
    let found = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(found.sorted() == Self.names.map { "\($0).yaml" })
    for name in Self.names {
      let plans = try ["Random label", "SalUn"].map { try Self.plan(name, $0) }
      #expect(plans.map { $0.pipeline?.mask != nil } == [false, true])
      #expect(plans[0].name == name && plans[0].baseKeyJSON() == plans[1].baseKeyJSON())
    }
  }

  @Test func `the sources are normalised with the papers' constants`() throws {
    for (name, format, mean, std) in [
      ("cifar10-random50", DataFormat.cifar, [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
      ("cifar100-random10", .cifar, [0.5071, 0.4866, 0.4409], [0.2673, 0.2564, 0.2762]),
      ("svhn-random10", .npz, [0.4377, 0.4438, 0.4728], [0.1201, 0.1231, 0.1052]),
      ("tiny-imagenet-class", .tinyImageNet, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ] {
      let data = try Self.plan(name).data
      #expect(data.source == format && data.normalise == NormalisePlan(mean: mean, std: std), "\(name)")
    }
    #expect(try Self.plan("svhn-random10").data.augment == AugmentPlan(crop: 0, flip: false))
    #expect(try Self.plan("cifar100-random10").model == .vgg16(.threeLinear, width: 64))
    #expect(try Self.plan("cifar10-random50").forget == .random(.fraction(0.5), seed: 1))
  }

  @Test func `the reference split gives each set its file, and the retrained model none`() throws {
    let plan = try Self.plan("cifar10-reference-split")
    #expect(plan.data.permutationSeed == nil)
    guard case .samples(let held) = plan.data.validation, case .indices(let forget) = plan.forget,
      case .train(let base) = plan.base, case .train(let retrained) = plan.retrained
    else {
      Issue.record("validation, forget set and training are given by files")
      return
    }
    let names = [held, forget, base.samples ?? ""].map { URL(fileURLWithPath: $0).lastPathComponent }
    #expect(names == ["validation.npy", "forget.npy", "base.npy"])
    #expect(retrained.samples == nil && retrained.epochs == base.epochs)
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
  }

  @Test func `samples of the original model are no key of the retrained one`() {
    #expect(throws: RunError.self) { try resolve(Fixture.minimal("retrained: {samples: a.txt}\n")) }
    #expect(throws: RunError.self) {
      try resolve(Fixture.minimal("base: {weights: a.st, samples: a.txt}\nretrained: none\n"))
    }
  }

  @Test(arguments: ["vgg16_bn", "vgg16_bn_lth"])
  func `VGG-16 has a width and no channels`(_ name: String) throws {
    let plan = try resolve(Fixture.minimal("model: {name: \(name), width: 4}\n"))
    #expect(plan.model.name == name)
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml").model == plan.model)
    #expect(throws: RunError.self) { try resolve(Fixture.minimal("model: {name: \(name), channels: [4]}\n")) }
  }
}
