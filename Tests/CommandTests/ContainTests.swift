import Foundation
import Testing

/// `--contain`: whatever a plugin does to its process, the command says which plugin and which call it was, and the run goes on
/// from its last checkpoint.
@Suite struct ContainTests {
  /// Compiles the fixture so that one of its callbacks ends the process, or never ends.
  private func plugin(_ call: String, _ doom: String, after times: Int = 1, in command: Command) throws {
    let fixtures = checkout.appendingPathComponent("Tests/PluginHostTests/Fixtures")
    let text = try String(contentsOf: fixtures.appendingPathComponent("plugin.json"), encoding: .utf8)
    #if arch(arm64)
      let platform = "linux-aarch64"
    #else
      let platform = "linux-x86_64"
    #endif
    try command.write(text.replacing("PLATFORM", with: platform), to: "manifest.json")
    let folder = command.folder.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    try shell(
      [
        "cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-I",
        checkout.appendingPathComponent("sdk/include").path,
        "-I", ".", "-DCLASSES=10", "-DDOOMED=\"\(call)\"", "-DDOOM=\(doom)", "-DDOOM_AFTER=\(times)",
        fixtures.appendingPathComponent("plugin.c").path, "-o", folder.path + "/libtest.so", "-lm",
      ], in: command.folder)
  }

  private func run(_ changes: [String], seconds: Int = 100, in command: Command) throws -> Answer {
    try command.small(
      "run",
      changes + [
        "plugins=[plugins]", "checkpoint.every=1 steps", "--contain", "--contain-seconds", "\(seconds)",
        "--contain-memory", "2.5",
      ])
  }

  private static let objective = "pipeline.objective=test.objective"
  private static let reweighter = "pipeline.reweighter=test.reweighter"
  private static let mask = "pipeline.mask={plugin: test.mask, keep: 0.5}"
  private static let updater = "pipeline.updater=test.updater"

  /// Every callback, and how the message names it.
  static let calls: [(String, [String], String)] = [
    ("create", [reweighter], "reweighter.create"), ("prepare", [reweighter], "reweighter.prepare"),
    ("finish", [reweighter], "reweighter.finish"), ("terms", [objective], "objective.terms at step 0"),
    ("weigh", [reweighter], "reweighter.weigh at step 0"), ("begin", [mask], "mask.begin"),
    ("accumulate", [mask], "mask.accumulate"), ("scores", [mask], "mask.finish"),
    ("combine", [updater, "pipeline.schedule=joint"], "updater.combine at step 0"),
    ("after", [updater, "pipeline.schedule=joint"], "updater.after_step at step 0"),
  ]

  @Test(arguments: calls)
  func `a crash names the plugin and the call`(_ call: String, _ parts: [String], _ named: String) throws {
    let command = try Command()
    try plugin(call, "SEGFAULT", in: command)
    let answer = try run(parts, in: command)
    #expect(answer.code == 70, "\(answer.err)")
    let last = answer.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.hasPrefix("error: plugin 'test.plugin' (libtest.so) in \(named)"), "\(last)")
    #expect(last.contains("ended the process by SIGSEGV"))
  }

  static let deeds = ["ABORT": "SIGABRT", "HANG": "took longer than", "DEVOUR": "of memory", "EXIT": "exit code 0"]

  @Test(arguments: ["terms", "weigh", "scores", "combine"], deeds.keys.sorted())
  func `however a call ends the run, it is said`(_ call: String, _ deed: String) throws {
    let command = try Command()
    try plugin(call, deed, in: command)
    let known = try #require(ContainTests.calls.first { $0.0 == call })
    let answer = try run(known.1, seconds: deed == "HANG" ? 3 : 100, in: command)
    #expect(answer.code == 70, "\(answer.err)")
    let last = answer.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.contains("in \(known.2)") && last.contains(ContainTests.deeds[deed] ?? "?"), "\(last)")
  }

  @Test
  func `a run whose reweighter crashed goes on without it from the last checkpoint`() throws {
    let command = try Command()
    try plugin("weigh", "SEGFAULT", after: 8, in: command)
    let crashed = try run([ContainTests.reweighter], in: command)
    let last = crashed.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(crashed.code == 70 && last.contains("--contain, or without it: --without reweighter"), "\(crashed.err)")
    let words = last.split(separator: " ").map(String.init)
    let folder = try #require(words.firstIndex(of: "--resume").map { words[$0 + 1] })
    let step = try #require(words.firstIndex(of: "step").flatMap { Int(words[$0 + 1]) })
    #expect(step > 0)
    let resumed = try command.run(
      ["run", "--resume", folder, "--contain", "--without", "reweighter"],
      environment: ["LETHE_CACHE": Command.cache.path])
    #expect(resumed.code == 0, "\(resumed.err)")
    #expect(resumed.err.contains("going on after step \(step)"), "\(resumed.err)")
    let events = try String(
      contentsOf: command.folder.appendingPathComponent("\(folder)/events.jsonl"), encoding: .utf8)
    #expect(events.contains("\"--without reweighter\""))
    let replayed = try command.run(["replay", folder], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(replayed.code == 0 && replayed.out.contains("the same bit for bit"), "\(replayed.err)")
  }

  @Test
  func `a run that nothing happens to is the same inside and outside`() throws {
    let command = try Command()
    try plugin("nothing", "SEGFAULT", in: command)
    let inside = try run([ContainTests.reweighter], in: command)
    #expect(inside.code == 0, "\(inside.err)")
    let weights = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let outside = try command.small(
      "run", [ContainTests.reweighter, "plugins=[plugins]", "checkpoint.every=1 steps"])
    #expect(outside.code == 0, "\(outside.err)")
    #expect(try weights == command.runFile("unlearned.safetensors"))
    #expect(inside.out.split(separator: "\n").count == outside.out.split(separator: "\n").count)
  }

  @Test
  func `an error of the run itself keeps its words and its exit code`() throws {
    let command = try Command()
    let answer = try command.small("run", ["pipeline.optimizer.learning_rate=1e30", "--contain"])
    #expect(answer.code == 75, "\(answer.err)")
    #expect(try command.small("run", ["pipeline.objective=nothing", "--contain"]).code == 65)
    #expect(try command.small("run", ["--contain-seconds", "3"]).code == 64)
    #expect(try command.run(["run", "x.yaml", "--without", "updater"]).code == 64)
  }
}
