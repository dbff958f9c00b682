import Foundation
import Testing

@testable import Runs

@Suite struct PlanTests {
  static let full = """
    name: everything
    seed: 7
    device: cuda:1
    precision: bf16
    channels_last: false
    cuda_graphs: true
    threads: 3
    data:
      source: images
      path: $LETHE_DATA/cifar.tar
      train: 1000
      test: 500
      permutation_seed: null
      validation: 50
      split_seed: 3
      augment: {crop: 4, flip: true}
      normalise: {mean: [0.5, 0.4, 0.3], std: [1, 0.2, 0.2]}
    forget: {class: "3", count: 20, seed: 9}
    model: {name: resnet18, width: 16}
    base:
      seed: 4
      epochs: 2
      batch: 64
      label_smoothing: 0.1
      optimizer: {name: adamw, learning_rate: 0.002, betas: [0.8, 0.99], eps: 1e-7, clip: 1,
                  schedule: {name: one-cycle, warmup: 0.5}, accumulate: 2}
    retrained: {epochs: 3, optimizer: {name: sgd, schedule: {name: step, milestones: [1, 2], gamma: 0.5}}}
    pipeline:
      objective: {plugin: random-label, alpha: 2}
      reweighter: {library: ../lib/libw.so, symbol: w, signature: "double(double loss, double eta)",
                   args: {eta: 0.1, order: 2}, normalise: none}
      mask: {plugin: salun, threshold: 0.25, batch: 32, freeze: gradient}
      updater: proximal
      schedule: paired
      epochs: 4
    swaps:
      - {at: "epoch 1", mask: null, reweighter: {plugin: loreun, apply: forget}}
      - {at: "step 3", updater: null}
      - {at: "epoch 2", objective: gradient-ascent, schedule: forget-only}
    evaluate: {every: 20 steps, sets: [forget, retain, test, validation], metrics: [ua, tow], batch: 99}
    checkpoint: {every: 2 epochs}
    plugins: [./more, ~/plugins]
    output: /out
    """

  @Test(arguments: [PlanTests.full, Fixture.minimal()])
  func `plan.yaml is read back as the same plan`(_ recipe: String) throws {
    let plan = try resolve(recipe)
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml").canonicalJSON() == plan.canonicalJSON())
  }

  @Test func `the plan of a recipe with every key`() throws {
    try expectGolden(resolve(PlanTests.full).yaml(), "full-plan.yaml")
  }

  @Test func `the plan of the shortest recipe`() throws {
    try expectGolden(resolve(Fixture.minimal()).yaml(), "minimal-plan.yaml")
  }

  @Test func `a plan that cannot be carried out is refused by its file's name`() throws {
    let text = try resolve(Fixture.minimal()).yaml()
    #expect {
      try RunPlan(yaml: text.replacing("seed: 1\n", with: "seed: one\n"), file: "plan.yaml")
    } throws: {
      "\($0)" == "plan.yaml: not a plan that can be carried out: 'seed': found one"
    }
    #expect {
      try RunPlan(yaml: text.replacing("format: 1\n", with: "format: 2\n"), file: "plan.yaml")
    } throws: {
      "\($0)" == "plan.yaml: not a plan that can be carried out: it has format 2; this lethe reads 1"
    }
    #expect(throws: RunError.self) { try RunPlan(yaml: "", file: "plan.yaml") }
    #expect(throws: RunError.self) { try RunPlan(yaml: String(text.prefix(200)), file: "plan.yaml") }
  }

  @Test func `where results go and plugins lie does not change the canonical JSON`() throws {
    let plan = try resolve(Fixture.minimal())
    var moved = plan
    moved.output = "/elsewhere"
    moved.pluginFolders = ["/more"]
    moved.pipeline?.objective.file = "/other/libfine-tune.so"
    #expect(moved.canonicalJSON() == plan.canonicalJSON())
    moved.pipeline?.objective.sha256 = String(repeating: "cd", count: 32)
    #expect(moved.canonicalJSON() != plan.canonicalJSON())
  }

  @Test(
    arguments: [
      ("seed=2", true, true), ("pipeline.epochs=3", true, true), ("forget.seed=2", true, false),
      ("retrained.epochs=3", true, false), ("base.epochs=3", false, false), ("base.seed=2", false, false),
      ("data.validation=0.2", false, false), ("model.channels=[8,8]", false, false), ("precision=bf16", false, false),
      ("device=cuda", false, false), ("evaluate.batch=7", true, true), ("output=x", true, true),
    ])
  func `base and retrained models are shared exactly when nothing that makes them differs`(
    _ override: String, _ sharesBase: Bool, _ sharesRetrained: Bool
  ) throws {
    let plan = try resolve(Fixture.minimal())
    let other = try resolve(Fixture.minimal(), [override])
    #expect((plan.baseKeyJSON() == other.baseKeyJSON()) == sharesBase)
    #expect((plan.retrainedKeyJSON() == other.retrainedKeyJSON()) == sharesRetrained)
  }

  @Test func `a plan without graphs has its old hash, and graphs make models of their own`() throws {
    let plan = try resolve(Fixture.minimal("device: cuda\n"))
    let without = try resolve(Fixture.minimal("device: cuda\ncuda_graphs: false\n"))
    #expect(without.canonicalJSON() == plan.canonicalJSON() && !plan.canonicalJSON().contains("graphs"))
    let with = try resolve(Fixture.minimal("device: cuda\ncuda_graphs: true\n"))
    #expect(with.recordsSteps && with.canonicalJSON() != plan.canonicalJSON())
    #expect(with.baseKeyJSON() != plan.baseKeyJSON() && with.retrainedKeyJSON() != plan.retrainedKeyJSON())
  }

  @Test func `weights from a file have no key to share by`() throws {
    let plan = try resolve(Fixture.minimal("base: {weights: a.safetensors}\nretrained: none\n"))
    #expect(plan.base == .weights(file: "/recipes/mine/a.safetensors"))
    #expect(plan.baseKeyJSON() == nil)
    #expect(plan.retrainedKeyJSON() == nil)
  }

  @Test func `canonical JSON of the shortest recipe`() throws {
    try expectGolden(resolve(Fixture.minimal()).canonicalJSON() + "\n", "minimal-plan.json")
  }
}
