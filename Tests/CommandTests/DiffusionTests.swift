import Foundation
import Testing

/// Diffusion models by the command: every recipe of the examples, cut down to a few steps of a tiny network on glyphs.
@Suite struct DiffusionTests {
  /// A method of a recipe.
  struct Row: CustomTestStringConvertible, Sendable {
    let recipe: String
    let method: String?
    var testDescription: String { "\(recipe) \(method ?? "")" }
  }

  static let rows: [Row] =
    ["Naive deletion", "SISS 0", "SISS 0.5", "No-IS", "SISS 1", "NegGrad", "EraseDiff"]
    .flatMap { [Row(recipe: "mnist-tshirt-small", method: $0), Row(recipe: "mnist-tshirt", method: $0)] }
    + ["Naive deletion", "Relabel", "SalUn", "SalUn+LoReUn", "EraseDiff", "SalUn under EraseDiff"]
    .map { Row(recipe: "mnist-class", method: $0) }
    + ["Naive deletion", "SalUn", "EraseDiff", "Selective Amnesia"].map { Row(recipe: "cifar10-airplane", method: $0) }
    + ["Naive deletion", "SISS", "SISS+LoReUn", "EraseDiff"].map { Row(recipe: "glyphs-ddpm", method: $0) }

  /// Data, training and sampling that take seconds.
  static let smallScale = [
    "data={source: glyphs, train: 120, test: 20, validation: 0}", "base.steps=3", "base.batch=8", "pipeline.steps=3",
    "pipeline.batch=4", "evaluate.metrics=[denoising, target-rate, inception-score]", "evaluate.table=null",
    "threads=1",
    "evaluate.generation={samples: 12, batch: 12, sampler: {steps: 2, guidance: null}, grid: 4, classifier: {epochs: 1}}",
  ]

  private static func network(_ recipe: String) -> [String] {
    switch recipe {
    case "cifar10-airplane":
      [
        "forget.class=0", "model={name: conditional-unet, width: 32, multipliers: [1, 1], layers: 1, attention: [14]}",
        "base.optimizer.ema=0.9",
      ]
    case "mnist-class":
      ["model={name: unet, widths: [8, 8], layers: 1, middle_attention: false, groups: 4, conditional: true}"]
    case "mnist-tshirt":
      ["forget={random: 5}", "model={name: unet, widths: [8, 8], layers: 1, attention: [1], groups: 4}"]
    case "mnist-tshirt-small":
      ["forget={random: 5}", "model={name: unet, widths: [8, 8], layers: 1, middle_attention: false, groups: 4}"]
    default:
      ["forget={random: 5}", "model={name: unet, widths: [8, 8], layers: 1, middle_attention: false, groups: 4}"]
    }
  }

  @Test(arguments: rows)
  func `a method runs, and its losses are finite and not the original's`(_ row: Row) throws {
    let command = try Command()
    var changes = DiffusionTests.smallScale + DiffusionTests.network(row.recipe)
    if row.method == "Selective Amnesia" {
      changes += ["pipeline.objective={plugin: selective-amnesia, fisher_samples: 2, fisher_timesteps: 2}"]
    }
    let recipe = checkout.appendingPathComponent("examples/\(row.recipe).yaml").path
    let answer = try command.run(
      ["run", recipe, "--quiet"] + (row.method.map { ["--method", $0] } ?? []) + changes,
      environment: ["LETHE_CACHE": Command.cache.path, "LETHE_DATA": "/nowhere"])
    try #require(answer.code == 0, "\(answer.err)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: command.runFile("report.json")) as? [String: Any])
    #expect(report["steps"] as? Int == 3)
    let models = try #require(report["models"] as? [[String: Any]])
    func losses(_ model: String) throws -> [Double] {
      let found = try #require(models.first { $0["model"] as? String == model })
      let metrics = try #require(found["metrics"] as? [[String: Any]])
      return metrics.filter { ($0["id"] as? String)?.hasPrefix("denoising-loss") == true }
        .compactMap { $0["value"] as? Double }
    }
    let (before, after) = (try losses("original"), try losses("unlearned"))
    #expect(before.count == 3 && after.count == 3)
    let isFinite = after.allSatisfy { $0.isFinite }
    #expect(isFinite)
    #expect(before != after)
  }
}
