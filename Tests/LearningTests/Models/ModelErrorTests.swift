import Foundation
import Testing

@testable import Learning

@Suite struct ModelErrorTests {
  private static let all: [LearningError] = [
    .imagesTooSmall(model: "cnn", height: 8, width: 12, least: 16),
    .weightsMissing(path: "w.safetensors", names: ["fc.weight"]),
    .weightsMissing(path: "w.safetensors", names: ["a", "b", "c", "d", "e"]),
    .weightsUnexpected(path: "w.safetensors", names: ["normalize.mean", "normalize.std"]),
    .weightsShape(path: "w.safetensors", name: "fc.weight", found: [100, 512], expected: [10, 512]),
    .weightsType(path: "w.safetensors", name: "fc.weight", found: "int64", expected: "float32"),
    .weightsNotFinite(path: "w.safetensors", name: "conv1.weight"),
    .weightsNormalisation(
      path: "w.safetensors", found: "{\"mean\": [0.5], \"std\": [0.5]}", expected: "{\"mean\": [0.1], \"std\": [0.3]}"),
    .optimizerState(name: "momentum.3", reason: "is missing"),
    .modelConfig(path: "unet/config.json", key: "act_fn", value: "\"gelu\"", expected: "\"silu\" or \"swish\""),
    .notJSON(path: "unet/config.json", reason: "it ends too early at byte 7"),
    .sampler(setting: "steps", value: "2000", expected: "1 to 1000"),
    .diffusersFolder(path: "ddpm", reason: "is a file; expected a folder"),
    .weightsDisagree(
      path: "w.safetensors", config: "config.json", missing: ["a", "b", "c", "d"], unexpected: ["e"],
      unlike: ["'f' [1] for [2]"]),
  ]

  @Test func `every message about models is the recorded one`() throws {
    let golden = Beside.folder.appending(path: "Golden/model-errors.txt")
    let text = Self.all.map { "\($0.exitCode) \($0.description)\n" }.joined()
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try text.write(to: golden, atomically: true, encoding: .utf8)
      Issue.record("recorded; look at the difference and run again without RECORD_GOLDEN")
    }
    #expect(try String(contentsOf: golden, encoding: .utf8) == text)
  }
}
