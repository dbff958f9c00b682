import Foundation
import Testing

@testable import Runs

/// The folder of these tests.
let testsFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

/// The checkout.
let checkout = testsFolder.deletingLastPathComponent().deletingLastPathComponent()

/// Compares text with `Golden/<name>`; `RECORD_GOLDEN=1` writes the file and fails.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  let file = testsFolder.appendingPathComponent("Golden/\(name)")
  if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
    try text.write(to: file, atomically: true, encoding: .utf8)
    Issue.record("recorded \(name); look at it before it is committed", sourceLocation: sourceLocation)
    return
  }
  let golden = try String(contentsOf: file, encoding: .utf8)
  #expect(text == golden, "differs from Golden/\(name)", sourceLocation: sourceLocation)
}

/// Strategies as the built-in plugins have them, and some with awkward manifests.
enum Fixture {
  static func part(
    _ id: String, _ role: PartRole, schedules: [DataSchedule] = [], parameters: [ParameterDescriptor] = [],
    tasks: [String] = ["classification"], sets: [String] = []
  ) -> PartDescriptor {
    PartDescriptor(
      id: id, pluginID: "org.lethe.\(id)", version: "0.1.0", file: "/plugins/lib\(id).so",
      sha256: String(repeating: "ab", count: 32), role: role, tasks: tasks, schedules: schedules,
      parameters: parameters, output: role == .reweighter ? .normalised : nil, sets: sets)
  }

  static let mode = ParameterDescriptor(
    key: "mode", type: .string, defaultValue: .string("paper"), choices: ["paper", "reference"])

  private static let both = ["classification", "diffusion"]

  static let catalog = PartCatalog(
    parts: [
      part("fine-tune", .objective, schedules: [.retainOnly], tasks: both),
      part("gradient-ascent", .objective, schedules: [.forgetOnly], tasks: both),
      part(
        "random-label", .objective, schedules: [.sequential, .joint, .paired],
        parameters: [ParameterDescriptor(key: "alpha", type: .float, defaultValue: .float(1), min: 0), mode]),
      part(
        "loreun", .reweighter,
        parameters: [
          ParameterDescriptor(key: "eta_forget", type: .float, defaultValue: .float(0.1), min: 0, isTunable: true),
          ParameterDescriptor(key: "eta_retain", type: .float, defaultValue: .float(0.25), min: 0, isTunable: true),
          ParameterDescriptor(
            key: "apply", type: .string, defaultValue: .string("both"), choices: ["forget", "retain", "both"]),
        ], tasks: both),
      part("salun", .mask, parameters: [mode], tasks: both),
      part("proximal", .updater, parameters: [mode]),
      part("balance", .updater, sets: ["forget", "retain"]),
      part("denoise", .objective, schedules: [.paired], tasks: ["diffusion"]),
      part(
        "siss", .objective, schedules: [.pairs, .paired],
        parameters: [
          ParameterDescriptor(key: "lambda", type: .float, defaultValue: .float(0.5), min: 0, max: 1),
          ParameterDescriptor(
            key: "variant", type: .string, defaultValue: .string("is"), choices: ["is", "no-is", "bernoulli"]), mode,
        ], tasks: ["diffusion"]),
      part(
        "erasediff", .objective, schedules: [.paired],
        parameters: [
          ParameterDescriptor(key: "variant", type: .string, defaultValue: .string("B"), choices: ["A", "B", "C", "D"])
        ], tasks: ["diffusion"]),
      part("salun-diffusion", .objective, schedules: [.paired], parameters: [mode], tasks: ["diffusion"]),
      part("selective-amnesia", .objective, schedules: [.paired], tasks: ["diffusion"]),
      part(
        "gradient-balance", .updater,
        parameters: [
          ParameterDescriptor(
            key: "mode", type: .string, defaultValue: .string("relative"), choices: ["relative", "absolute"]),
          ParameterDescriptor(key: "size", type: .float, defaultValue: .float(0.1), min: 0),
        ], tasks: both, sets: ["forget", "retain"]),
      part(
        "bilevel", .updater,
        parameters: [
          ParameterDescriptor(
            key: "mode", type: .string, defaultValue: .string("paper"), choices: ["paper", "fixed", "cosine"]),
          ParameterDescriptor(key: "size", type: .float, defaultValue: .float(0.1), min: 0),
        ], tasks: both, sets: ["forget", "retain"]),
      part(
        "typed", .objective,
        parameters: [
          ParameterDescriptor(key: "flag", type: .bool),
          ParameterDescriptor(key: "count", type: .int, min: 1, max: 9, isRequired: true),
          ParameterDescriptor(key: "rate", type: .float, max: 1),
          ParameterDescriptor(key: "word", type: .string),
        ]),
    ],
    folders: ["/plugins"], refusals: [])

  static let environment = ResolverEnvironment(
    variables: ["HOME": "/home/me", "LETHE_DATA": "/data", "EMPTY": ""], currentFolder: "/here",
    exists: { _ in false })

  /// A recipe's shortest form; `extra` is added to it.
  static func minimal(_ extra: String = "") -> String {
    "forget: {random: 0.1}\npipeline: {objective: fine-tune}\n" + extra
  }

  /// The shortest recipe of a diffusion model; `extra` is added to it.
  static func diffusion(_ extra: String = "") -> String {
    let model = extra.contains("model:") ? "" : "model: {name: unet}\n"
    return "forget: {random: 0.1}\npipeline: {objective: siss}\n" + model + extra
  }

  static func config(_ text: String, _ overrides: [String] = [], variant: String? = nil) -> RunConfig {
    RunConfig(
      file: "recipe.yaml", folder: "/recipes/mine", text: text, overrides: overrides, variant: variant)
  }
}

/// A recipe's plan.
func resolve(
  _ text: String, _ overrides: [String] = [], variant: String? = nil, catalog: PartCatalog = Fixture.catalog,
  environment: ResolverEnvironment = Fixture.environment, purpose: RunPurpose = .run
) throws -> RunPlan {
  try RunPlan.resolve(
    Fixture.config(text, overrides, variant: variant), catalog: catalog, environment: environment, purpose: purpose)
}

/// What a recipe's error says; fails when there is none.
func message(
  _ text: String, _ overrides: [String] = [], variant: String? = nil,
  environment: ResolverEnvironment = Fixture.environment, sourceLocation: SourceLocation = #_sourceLocation
) -> String {
  do {
    _ = try resolve(text, overrides, variant: variant, environment: environment)
    Issue.record("no error for: \(text) \(overrides)", sourceLocation: sourceLocation)
    return ""
  } catch {
    return "\(error)"
  }
}
