import Foundation
import Testing

@testable import Runs

/// Plain C functions and metrics of plugins in a plan.
@Suite struct FunctionPlanTests {
  private static let catalog: PartCatalog = {
    var catalog = Fixture.catalog
    var judged = Fixture.part("judge", .metric, sets: ["forget"])
    judged.models = ["retrained"]
    catalog.parts += [
      judged,
      Fixture.part("ece", .metric, parameters: [ParameterDescriptor(key: "bins", type: .int, defaultValue: .int(15))]),
      Fixture.part("drawn", .metric, tasks: ["diffusion"]),
    ]
    return catalog
  }()

  private func plan(_ extra: String, purpose: RunPurpose = .run) throws -> RunPlan {
    try resolve(Fixture.minimal(extra), catalog: Self.catalog, purpose: purpose)
  }

  private func message(_ extra: String) -> String {
    do { _ = try plan(extra) } catch { return "\(error)" }
    return "(no error)"
  }

  private let function =
    "{library: ./libmine.so, symbol: mean_loss, signature: 'double(int64_t n, const double *loss)', direction: lower, "
    + "unit: nats, sets: [test], args: {a: 1, b: 0.5}, test: {loss: [1, 3], expect: 2, tolerance: 0.1}}"

  @Test func `metrics of plugins and functions are in the plan, with defaults, and come back from its text`() throws {
    let plan = try plan("evaluate: {plugins: [ece, {plugin: ece, bins: 10}, \(function)]}\n")
    let plugins = try #require(plan.evaluate.plugins)
    guard case .part(let first) = plugins[0], case .part(let second) = plugins[1],
      case .function(let third) = plugins[2]
    else { return #expect(Bool(false), "\(plugins)") }
    #expect(first.parameters["bins"] == .int(15) && second.parameters["bins"] == .int(10))
    #expect(third.name == "mean_loss" && third.library == "/recipes/mine/libmine.so" && third.sets == [.test])
    #expect(third.arguments == Parameters([Parameter("a", .int(1)), Parameter("b", .float(0.5))]))
    #expect(
      third.test
        == FunctionTestPlan(inputs: [FunctionTestPlan.Column("loss", [1, 3])], expected: [2], tolerance: 0.1))
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
    #expect(try self.plan("evaluate: {plugins: [ece]}\n", purpose: .evaluate).evaluate.plugins?.count == 1)
    #expect(try self.plan("").evaluate.plugins == nil)
    #expect(try !self.plan("").yaml().contains("plugins: null"))
  }

  @Test func `a transform and the test of a reweighter are in the plan, and come back from its text`() throws {
    let transform =
      "{library: ./libmine.so, symbol: soft, derivative: slope, signature: 'double(double loss)', "
      + "test: {loss: [0, 1.5], expect: [0, 1]}}"
    let reweighter =
      "{library: ./libmine.so, symbol: w, signature: 'double(double loss, double reference)', "
      + "test: {loss: 1, reference: 2, expect: [0.5]}}"
    let plan = try resolve(
      Fixture.minimal(), ["pipeline.transform=\(transform)", "pipeline.reweighter=\(reweighter)"])
    let found = try #require(plan.pipeline?.transform)
    #expect(found.derivative == "slope" && found.apply == .both && found.test.expected == [0, 1])
    #expect(found.test.tolerance == 1e-5)
    guard case .function(let weights) = plan.pipeline?.reweighter else { return #expect(Bool(false)) }
    #expect(weights.test?.inputs.map(\.name) == ["loss", "reference"])
    #expect(try RunPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
  }

  static let refused: [(String, String)] = [
    ("evaluate: {plugins: [nobody]}\n", "nobody"),
    ("evaluate: {plugins: [fine-tune]}\n", "'fine-tune'"),
    ("evaluate: {plugins: [{plugin: ece, bims: 3}]}\n", "did you mean 'bins'"),
    ("evaluate: {plugins: [ece, ece]}\n", "has 'ece' twice"),
    ("evaluate: {plugins: ece}\n", "a list of metrics of plugins"),
    ("evaluate: {plugins: [drawn]}\n", "diffusion"),
    ("retrained: none\nevaluate: {plugins: [judge]}\n", "the metric 'judge' needs a retrained model"),
    (
      "evaluate: {plugins: [judge], sets: [retain, test], metrics: [loss]}\n", "the metric 'judge' needs the forget set"
    ),
    ("evaluate: {plugins: [{symbol: x}]}\n", "library"),
    (
      "evaluate: {plugins: [{library: ./x.so, symbol: MeanLoss, signature: 'double(double loss)'}]}\n",
      "the symbol 'MeanLoss' does not look like [a-z][a-z0-9_-]*"
    ),
    (
      "evaluate: {plugins: [{library: ./x.so, symbol: m, name: A b, signature: 'double(double loss)'}]}\n",
      "[a-z][a-z0-9_-]*, at most 64 letters"
    ),
    (
      "evaluate: {plugins: [{library: ./x.so, symbol: m, signature: 'double(double loss)', direction: up}]}\n",
      "higher, lower, retrained, neutral"
    ),
    (
      "evaluate: {sets: [test], metrics: [loss], plugins: [{library: ./x.so, symbol: m, sets: [forget], "
        + "signature: 'double(double loss)'}]}\n", "the metric 'm' needs the forget set"
    ),
    (
      "evaluate: {plugins: [{library: ./x.so, symbol: m, signature: 'double(double loss)', test: {loss: 1}}]}\n",
      "test.expect"
    ),
    (
      "evaluate: {plugins: [{library: ./x.so, symbol: m, signature: 'double(double loss)', "
        + "test: {loss: [1, x], expect: 1}}]}\n", "a number"
    ),
  ]

  @Test(arguments: refused)
  func `what cannot be measured is refused where it is written`(_ extra: String, _ sentence: String) {
    let text = message(extra)
    #expect(text.hasPrefix("recipe.yaml:"), "\(text)")
    #expect(text.contains(sentence), "\(text)")
  }

  static let transforms: [(String, String)] = [
    ("{library: ./x.so, symbol: f, derivative: d, signature: 'double(double loss)'}", "pipeline.transform.test"),
    ("{symbol: f}", "pipeline.transform.library"),
    ("{library: ./x.so, symbol: f, signature: s, apply: test, test: {expect: 1}}", "forget, retain, both"),
    ("{library: ./x.so, symbol: f, signature: s, test: {loss: [1], expect: []}}", "an empty list"),
    ("{library: ./x.so, symbol: f, signature: s, test: {loss: [1], expect: [1], tolerance: -1}}", "at least 0"),
    ("{library: ./x.so, symbol: f, signature: s, normalise: none}", "normalise"),
    ("id-of-a-plugin", "a map of keys"),
  ]

  @Test(arguments: transforms)
  func `a transform that says too little is refused`(_ transform: String, _ sentence: String) {
    do {
      _ = try resolve(Fixture.minimal(), ["pipeline.transform=\(transform)"])
      Issue.record("it was taken")
    } catch {
      #expect("\(error)".contains(sentence), "\(error)")
    }
  }
}
