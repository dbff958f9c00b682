import Foundation
import Testing

/// The C++ kit, by a plugin with a strategy of each role, as the user of the command meets it.
@Suite struct KitTests {
  /// Compiles the plugin into `plugins`.
  private func plugin(in command: Command) throws {
    let fixtures = checkout.appendingPathComponent("Tests/CommandTests/Fixtures")
    let text = try String(contentsOf: fixtures.appendingPathComponent("kit.json"), encoding: .utf8)
    #if arch(arm64)
      let platform = "linux-aarch64"
    #else
      let platform = "linux-x86_64"
    #endif
    try command.write(text.replacing("PLATFORM", with: platform), to: "kit.json")
    let folder = command.folder.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let sdk = checkout.appendingPathComponent("sdk").path
    // Either compiler will do; the toolchain of Swift brings the second.
    try shell(
      ["sh", "-c", #"$(command -v c++ || command -v clang++) "$@""#, "sh", "-std=c++17", "-shared", "-fPIC"]
        + ["-fvisibility=hidden", "-I", sdk + "/include", "-I", sdk + "/cpp/include", "-I", "."]
        + ["-Wl,--version-script=\(sdk)/plugin.version", "-Wl,-z,nodelete", "-Wl,-z,defs"]
        + [fixtures.appendingPathComponent("kit.cpp").path, "-o", folder.path + "/libkit.so"],
      in: command.folder)
  }

  private let always = ["plugins=[plugins]", "pipeline.objective=kit.objective", "pipeline.schedule=joint"]

  private func run(_ changes: [String], in command: Command) throws -> Answer {
    try command.small("run", always + changes)
  }

  @Test func `a strategy of each role computes what it should, and offers what its class has`() throws {
    let command = try Command()
    try plugin(in: command)
    let all = ["pipeline.reweighter=kit.reweighter", "pipeline.updater=kit.updater"]
    // Without a mask, the zeros that the updater writes stay until the next step.
    for mask in [[], ["pipeline.mask={plugin: kit.mask, keep: 0.5}"]] {
      let answer = try run(all + mask + ["checkpoint.every=7 steps"], in: command)
      #expect(answer.code == 0, "\(answer.err)")
      try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    }
  }

  static let calls: [(String, String, String)] = [
    ("objective: {plugin: kit.objective", "create", "objective.create: "),
    ("objective: {plugin: kit.objective", "prepare", "objective.prepare at step 0: "),
    ("objective: {plugin: kit.objective", "terms", "objective.terms at step 0: "),
    ("objective: {plugin: kit.objective", "save", "objective.save_state at step 12: "),
    ("objective: {plugin: kit.objective", "finish", "objective.finish at step 24: "),
    ("reweighter: {plugin: kit.reweighter", "weigh", "reweighter.weigh at step 0: "),
    ("mask: {plugin: kit.mask, keep: 0.5", "begin", "mask.begin: "),
    ("mask: {plugin: kit.mask, keep: 0.5", "accumulate", "mask.accumulate: "),
    ("mask: {plugin: kit.mask, keep: 0.5", "scores", "mask.finish: "),
    ("updater: {plugin: kit.updater", "combine", "updater.combine at step 0: "),
    ("updater: {plugin: kit.updater", "afterStep", "updater.after_step at step 0: "),
  ]

  @Test func `a metric sees what its manifest asks for, and its numbers stand in the report`() throws {
    let command = try Command()
    try plugin(in: command)
    let answer = try command.small(
      "run", ["plugins=[plugins]", "evaluate.plugins=[kit.metric]", "evaluate.metrics=[loss, ra]"])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(answer.out.contains("loss(test) [nats]"), "\(answer.out)")
    let csv = String(decoding: try command.runFile("metrics.csv"), as: UTF8.self).split(separator: "\n")
    func value(_ id: String, _ model: String) throws -> Double {
      let line = try #require(csv.first { $0.contains(",\(model),\(id),") }, "\(id) of \(model)")
      return try #require(Double(line.split(separator: ",", omittingEmptySubsequences: false)[7]))
    }
    for model in ["original", "retrained", "unlearned"] {
      for set in ["forget", "retain", "test"] {
        let ours = try value("kit.metric/loss-\(set)@mean-cross-entropy", model)
        #expect(abs(ours - (try value("loss-\(set)@mean-cross-entropy", model))) < 1e-5)
      }
    }
    #expect(csv.filter { $0.hasSuffix(",test.kit 1.0.0") }.count == 12)
    let json = String(decoding: try command.runFile("report.json"), as: UTF8.self)
    #expect(json.contains("\"plugin\" : \"test.kit 1.0.0\"") || json.contains("\"plugin\": \"test.kit 1.0.0\""))
    for file in ["report.md", "report.html"] {
      #expect(String(decoding: try command.runFile(file), as: UTF8.self).contains("by test.kit 1.0.0"), "\(file)")
    }
  }

  @Test(arguments: ["begin", "update", "results"])
  func `a metric that throws ends the run with its id and the call, 70`(_ place: String) throws {
    let command = try Command()
    try plugin(in: command)
    let answer = try command.small(
      "run", ["plugins=[plugins]", "evaluate.plugins=[{plugin: kit.metric, at: \(place), what: failure}]"])
    #expect(answer.code == 70, "\(answer.err)")
    let call = place == "results" ? "finish" : place
    #expect(
      answer.err.split(separator: "\n").last
        == "error: plugin 'test.kit' 1.0.0 (libkit.so) failed in metric.\(call): told to fail")
  }

  @Test func `weights from elsewhere are measured by a metric too`() throws {
    let command = try Command()
    try plugin(in: command)
    #expect(try command.small("run", ["plugins=[plugins]"]).code == 0)
    let weights = try #require(try command.runFiles().first { $0.hasSuffix("unlearned.safetensors") })
    let answer = try command.small(
      "evaluate", ["weights=runs/\(weights)", "evaluate.plugins=[kit.metric]", "--plugin-path", "plugins"])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(answer.out.contains("loss(forget) [nats]"), "\(answer.out)")
    let unknown = try command.small("evaluate", ["weights=runs/\(weights)", "evaluate.plugins=[kit.metrik]"])
    #expect(unknown.code == 65 || unknown.code == 66, "\(unknown.err)")
    #expect(unknown.err.contains("kit.metrik"))
  }

  static let exceptions = [
    ("failure", "told to fail"), ("runtime_error", "a runtime error"), ("bad_alloc", "there is no memory"),
    ("int", "an exception that says nothing; throw a lethe::Failure"),
  ]

  @Test func `no exception leaves the library, whatever it is and whoever throws it, 70`() throws {
    let command = try Command()
    try plugin(in: command)
    for (index, call) in Self.calls.enumerated() {
      let (what, sentence) = Self.exceptions[index % Self.exceptions.count]
      let colon = try #require(call.0.firstIndex(of: ":"))
      let part = "\(call.0[colon...].dropFirst(2)), at: \(call.1), what: \(what)}"
      let answer = try run(["pipeline.\(call.0[..<colon])=\(part)"], in: command)
      #expect(answer.code == 70, "\(answer.err)")
      #expect(
        answer.err.split(separator: "\n").last
          == "error: plugin 'test.kit' 1.0.0 (libkit.so) failed in \(call.2)\(sentence)")
    }
  }

  @Test func `a run on the kit that was killed goes on with the same bits`() throws {
    let command = try Command()
    try plugin(in: command)
    let changes = [
      "pipeline.epochs=20", "pipeline.reweighter=kit.reweighter", "pipeline.updater=kit.updater",
      "checkpoint.every=7 steps",
    ]
    #expect(try run(changes, in: command).code == 0)
    let whole = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let killed = try command.start(
      ["run", "small.yaml"] + always + changes,
      environment: ["LETHE_CACHE": Command.cache.path])
    var events = ""
    while killed.isRunning, !events.contains(#""type":"checkpointed""#) {
      usleep(2000)
      events = (try? command.runFile("events.jsonl")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    let folder = try #require(FileManager.default.contentsOfDirectory(atPath: command.folder.path + "/runs").first)
    let answer = try command.run(
      ["run", "--resume", "runs/" + folder], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(try command.runFile("unlearned.safetensors") == whole)
  }
}
