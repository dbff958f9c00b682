import Foundation
import Testing

@testable import PluginHost

struct ManifestTests {
  @Test func `a manifest is read as it is written`() throws {
    let manifest = try Manifest.read(Fixture.manifest)
    #expect(manifest.id == "test.plugin")
    #expect(manifest.requires == ["lethe.core/1", "lethe.tensors/1", "lethe.ops/1"])
    #expect(manifest.strategies.map(\.knownRole) == [.objective, .reweighter, .mask, .updater])
    #expect(manifest.strategies[1].weights == .normalised)
    #expect(manifest.strategies[1].isOrderFree)
    #expect(manifest.strategies.map(\.isCapturable) == [false, true, false, false])
    #expect(manifest.strategies[2].answer == .scores)
    #expect(manifest.strategies[1].parameters[1].defaultValue == .float(0.5))
    #expect(manifest.unknownKeys == [])
  }

  @Test func `a manifest survives encoding`() throws {
    let manifest = try Manifest.read(Fixture.manifest)
    let data = try JSONEncoder().encode(manifest)
    #expect(try JSONDecoder().decode(Manifest.self, from: data) == manifest)
  }

  @Test func `what this host does not know is kept and told`() throws {
    let text = Fixture.manifest
      .replacing("\"license\"", with: "\"colour\": 1, \"license\"")
      .replacing("\"role\": \"lethe.mask/1\"", with: "\"role\": \"lethe.dream/1\", \"depth\": 2")
    let manifest = try Manifest.read(text)
    #expect(manifest.unknownKeys == ["colour", "strategies[2].depth"])
    #expect(manifest.strategies[2].knownRole == nil)
  }

  /// A change of the good manifest, and the message it gets.
  static let mistakes: [(String, String, String)] = [
    ("\"schema\": 1", "\"schema\": 2", "'schema' is 2, this version of Lethe reads 1"),
    ("\"schema\": 1", "\"schema\": 1.5", "'schema' is a number, a whole number would be right"),
    ("\"schema\": 1, ", "", "'schema' is missing or empty"),
    ("\"test.plugin\"", "\"Test Plugin\"", "'id' is 'Test Plugin', it must look like [a-z0-9][a-z0-9._-]*"),
    ("\"1.2.0\"", "\"\"", "'version' is missing or empty"),
    ("\"generation\": 1, ", "", "'abi.generation' is missing or empty"),
    ("\"min_minor\": 0", "\"min_minor\": -1", "'abi.min_minor' is -1, a whole number from 0 would be right"),
    ("\"bitwise\"", "\"mostly\"", "'determinism' is 'mostly', it can be 'bitwise', 'run-to-run', 'none'"),
    ("\"test.mask\"", "\"test.objective\"", "'strategies' has 'test.objective' twice"),
    ("\"output\": \"normalised\", ", "", "'strategies[1].output' is missing or empty"),
    (
      "\"output\": \"normalised\"", "\"output\": \"scores\"",
      "'strategies[1].output' is 'scores', it can be 'normalised', 'free', 'signed'"
    ),
    (
      "[\"sequential\", \"joint\"]", "[\"sequential\", \"jointly\"]",
      "'strategies[0].schedules[1]' is 'jointly', it can be 'sequential', 'paired', 'pairs', 'joint', 'forget-only', 'retain-only'"
    ),
    ("[\"sequential\", \"joint\"]", "[]", "'strategies[0].schedules' is missing or empty"),
    (
      "\"default\": 0.5", "\"default\": 50",
      "'strategies[1].params[1].default' does not fit: 50.0 is not between 0.0 and 10.0"
    ),
    (
      "\"default\": 0.5", "\"default\": \"much\"",
      "'strategies[1].params[1].default' is text, a number would be right"
    ),
    ("\"min\": 0,", "\"min\": 20,", "'strategies[1].params[1].min' is 20.0, which is above max 10.0"),
    ("\"key\": \"eta\"", "\"key\": \"mode\"", "'strategies[1].params' has 'mode' twice"),
    (
      "\"key\": \"eta\"", "\"key\": \"Eta\"",
      "'strategies[1].params[1].key' is 'Eta', it must look like [a-z][a-z0-9_]*"
    ),
    (
      "\"type\": \"float\"", "\"type\": \"real\"",
      "'strategies[1].params[1].type' is 'real', it can be 'bool', 'int', 'float', 'string'"
    ),
    (
      "\"tunable\": true", "\"required\": true",
      "'strategies[1].params[1].default' is given for a required parameter"
    ),
    (
      "\"tunable\": true", "\"scale\": \"log\"",
      "'strategies[1].params[1].scale' is 'log', which needs a number with a min above 0"
    ),
    ("\"tunable\": true", "\"choices\": [\"a\"]", "'strategies[1].params[1].choices' is only for text"),
    ("\"schema\": 1,", "\"schema\": 1", "line 1, column 15: a ',' or '}' should be here"),
    (
      "\"language\": \"c\"", "\"runtime\": {\"linkage\": \"dynamic\"}", "'runtime.swift' is missing or empty"
    ),
  ]

  @Test(arguments: mistakes)
  func `a mistake in a manifest is named`(_ mistake: (String, String, String)) throws {
    let text = Fixture.manifest.replacing(mistake.0, with: mistake.1, maxReplacements: 1)
    #expect(text != Fixture.manifest)
    #expect(message { _ = try Manifest.read(text) } == mistake.2)
  }

  /// JSON that is none, and why.
  static let broken: [(String, String)] = [
    ("", "line 1, column 1: it ends where a value should be"),
    ("{\"a\": 1,}", "line 1, column 9: a key in quotes should be here"),
    ("{\"a\": 1, \"a\": 2}", "line 1, column 13: the key 'a' is there twice"),
    ("[01]", "line 1, column 2: this is not a number"),
    ("[1.]", "line 1, column 4: a digit should be here"),
    ("[1e999]", "line 1, column 7: '1e999' is too large"),
    ("[\"\n\"]", "line 1, column 3: a control character in text must be escaped"),
    ("\"\\ud800x\"", "line 1, column 8: half of a surrogate pair is missing"),
    ("[true] x", "line 1, column 8: there is text behind the end"),
    (String(repeating: "[", count: 100), "line 1, column 66: it is nested deeper than 64 levels"),
    ("{\n  nul\n}", "line 2, column 3: a key in quotes should be here"),
  ]

  @Test(arguments: broken)
  func `text that is no JSON is refused where it stops being it`(_ broken: (String, String)) {
    #expect(
      message {
        do throws(JSONProblem) { _ = try JSONText.read(broken.0) } catch { throw ManifestProblem.notJSON(error) }
      } == broken.1)
  }

  @Test func `escapes and numbers of JSON are read`() throws {
    let value = try JSONText.read(#" [ "a\n\u00e4\ud83d\ude00\/", -12, 1.5e2, 9223372036854775808, true, null ] "#)
    #expect(
      value
        == .array([.string("a\nä😀/"), .int(-12), .float(150), .float(9_223_372_036_854_775_808), .bool(true), .null]))
  }

  @Test func `values get their defaults and are checked`() throws {
    let strategy = try Manifest.read(Fixture.manifest).strategies[1]
    #expect(try strategy.values([]) == [.string("good"), .float(0.5)])
    #expect(try strategy.values([("eta", .int(2))]) == [.string("good"), .float(2)])
    #expect(
      message { _ = try strategy.values([("eat", .int(2))]) }
        == "strategy 'test.reweighter' has no parameter 'eat'; did you mean 'eta'?")
    #expect(
      message { _ = try strategy.values([("eta", .float(11))]) }
        == "parameter 'eta' of 'test.reweighter': 11.0 is not between 0.0 and 10.0")
    #expect(
      message { _ = try strategy.values([("eta", .string("a"))]) }
        == "parameter 'eta' of 'test.reweighter': a number would be right")
  }

  @Test func `a strategy that does not say its tasks is for classification alone`() throws {
    let tasks = "\"tasks\": [\"classification\"]"
    let strategies = try Manifest.read(
      Fixture.manifest.replacing(tasks + ",\n     \"streams\"", with: "\"streams\"").replacing(
        tasks, with: "\"tasks\": [\"classification\", \"diffusion\"]")
    ).strategies
    #expect(strategies[0].tasks == ["classification"])
    #expect(strategies[1].tasks == ["classification", "diffusion"])
    #expect(
      message { _ = try Manifest.read(Fixture.manifest.replacing(tasks, with: "\"tasks\": [\"translation\"]")) }
        == "'strategies[0].tasks[0]' is 'translation', it can be 'classification', 'diffusion'")
  }

  /// A change of the good manifest that this host cannot serve, and why.
  static let unfit: [(String, String, AdmissionProblem)] = [
    ("\"generation\": 1", "\"generation\": 0", .generation(found: [0], wanted: 1)),
    ("\"min_minor\": 0", "\"min_minor\": 9", .minor(needed: 9, offered: HostFacts.minor)),
    ("lethe.tensors/1", "lethe.sound/1", .service("lethe.sound/1", known: HostFacts.services)),
    (HostFacts.platform, "linux-s390x", .platform(found: "linux-s390x", wanted: HostFacts.platform)),
    (
      "\"language\": \"c\"", "\"runtime\": {\"swift\": \"5.1\", \"linkage\": \"dynamic\"}",
      .swift(found: "5.1", wanted: HostFacts.swift)
    ),
  ]

  @Test(arguments: unfit)
  func `a plugin that this host cannot serve is refused before it is loaded`(
    _ change: (String, String, AdmissionProblem)
  ) throws {
    let manifest = try Manifest.read(Fixture.manifest.replacing(change.0, with: change.1, maxReplacements: 1))
    #expect(throws: change.2) { try HostFacts.admit(manifest, exports: ["lethe_plugin_abi1"]) }
  }

  @Test func `a Swift plugin with the host's own version is admitted`() throws {
    let runtime = "\"runtime\": {\"swift\": \"\(HostFacts.swift)\", \"linkage\": \"dynamic\"}"
    let manifest = try Manifest.read(Fixture.manifest.replacing("\"language\": \"c\"", with: runtime))
    try HostFacts.admit(manifest, exports: ["lethe_plugin_abi1"])
  }
}
