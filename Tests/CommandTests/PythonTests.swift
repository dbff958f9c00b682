import Foundation
import Testing

/// Plugins in Python, as the user of the command meets them.
@Suite struct PythonTests {
  private static let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"] ?? "python3"

  /// Whether that Python runs this without an error.
  private static func runs(_ code: String) -> Bool { (try? shell([python, "-c", code])) != nil }

  private static let hasNumPy = runs(
    "import numpy, sysconfig as s, sys; sys.exit('.so' not in (s.get_config_var('INSTSONAME') or ''))")
  private static let why: Comment = "neither LETHE_PYTHON nor python3 is a Python with NumPy and a shared library"

  /// Whether it has the torch whose libraries Lethe uses, told by the files alone.
  private static let hasTorch = runs(
    """
    import importlib.util as u, os, sys
    place = os.path.join(list(u.find_spec('torch').submodule_search_locations)[0], 'version.py')
    sys.exit(open(place).read() != open('\(checkout.path)/.deps/libtorch/version.py').read())
    """)

  private let always = ["pipeline.objective.plugin=mine.py", "pipeline.schedule=retain-only"]

  private func command(_ fixture: String = "mine.py") throws -> Command {
    let command = try Command()
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: command.folder.path)
    let file = checkout.appendingPathComponent("Tests/CommandTests/Fixtures/" + fixture)
    try command.write(String(contentsOf: file, encoding: .utf8), to: fixture)
    return command
  }

  private func run(_ changes: [String], in command: Command, environment: [String: String] = [:]) throws -> Answer {
    try command.small(
      "run", changes, environment: ["LETHE_PYTHON": Self.python].merging(environment) { _, given in given })
  }

  /// The weights of a run, out of the way of the next.
  private func weights(_ changes: [String], in command: Command, as name: String) throws {
    let answer = try run(changes, in: command)
    try #require(answer.code == 0, "\(answer.err)")
    let weights = command.folder.appendingPathComponent("weights")
    try FileManager.default.createDirectory(at: weights, withIntermediateDirectories: true)
    try command.runFile("unlearned.safetensors").write(to: weights.appendingPathComponent("run-\(name).safetensors"))
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
  }

  /// Whether the weights that were set aside are the same but for roundings.
  private func areSame(in command: Command) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      Self.python, checkout.path + "/examples/out-of-tree/same.py", command.folder.path + "/weights", "2e-5",
    ]
    try process.run()
    process.waitUntilExit()
    try #require([0, 1].contains(process.terminationStatus))
    return process.terminationStatus == 0
  }

  @Test(.enabled(if: hasNumPy, why))
  func `parts in Python that do what the host does by itself give the host's weights`() throws {
    let command = try command()
    try weights(["pipeline.objective=fine-tune"], in: command, as: "host")
    try weights(always, in: command, as: "objective")
    try weights(always + ["pipeline.reweighter=mine.py"], in: command, as: "reweighter")
    try weights(always + ["pipeline.updater=mine.py"], in: command, as: "updater")
    try weights(always + ["pipeline.mask={plugin: mine.py, keep: 1}"], in: command, as: "mask")
    #expect(try areSame(in: command))
  }

  @Test(.enabled(if: hasNumPy, why)) func `the factor of a term reaches the step`() throws {
    let command = try command()
    try weights(always, in: command, as: "plain")
    try weights(always + ["pipeline.objective.slope=0.1"], in: command, as: "sloping")
    #expect(try !areSame(in: command))
  }

  @Test(.enabled(if: hasNumPy && hasTorch, "there is no torch whose libraries are those of .deps/libtorch"))
  func `autograd gives the gradient that the host would have taken`() throws {
    let command = try command("autograd.py")
    try weights(["pipeline.objective=fine-tune"], in: command, as: "host")
    try weights(["pipeline.objective=autograd.py"], in: command, as: "autograd")
    #expect(try areSame(in: command))
  }

  @Test func `what is listed and shown does not run`() throws {
    let command = try command()
    let list = try command.run(["plugin", "list", "--plugin-path", "."])
    #expect(list.out.contains("mine.updater"), "\(list.err)")
    #expect(try command.run(["plugin", "show", "mine.objective", "--plugin-path", "mine.py"]).code == 0)
    #expect(try command.small("plan", always).code == 0)
    #expect(try !command.names().contains("ran"))
  }

  static let calls: [(String, String, String, String)] = [
    ("objective: {plugin: mine.py", "init", "failure", "objective.create: told to fail (mine.py:40)"),
    ("objective: {plugin: mine.py", "prepare", "", "objective.prepare at step 0: RuntimeError: a runtime error"),
    ("objective: {plugin: mine.py", "terms", "key", "objective.terms at step 0: KeyError: 'there' (mine.py:44)"),
    ("objective: {plugin: mine.py", "save", "exit", "objective.save_state at step 7: SystemExit: 3 (mine.py:42)"),
    ("objective: {plugin: mine.py", "finish", "failure", "objective.finish at step 22: told to fail"),
    ("objective: {plugin: mine.py", "shape", "", "the losses of 'retain' have the shape [3]; ["),
    ("objective: {plugin: mine.py", "gradient", "", "a term of NumPy arrays needs 'gradient'"),
    ("objective: {plugin: mine.py", "write", "", "ValueError: assignment destination is read-only (mine.py:"),
    ("reweighter: {plugin: mine.py", "weights", "failure", "reweighter.weigh at step 0: told to fail"),
    ("mask: {plugin: mine.py, keep: 0.5", "begin", "failure", "mask.begin: told to fail"),
    ("mask: {plugin: mine.py, keep: 0.5", "accumulate", "failure", "mask.accumulate: told to fail"),
    ("mask: {plugin: mine.py, keep: 0.5", "scores", "failure", "mask.finish: told to fail"),
    ("mask: {plugin: mine.py, keep: 0.5", "count", "", "mask.finish: there are scores of "),
    ("updater: {plugin: mine.py", "combine", "failure", "updater.combine at step 0: told to fail"),
    ("updater: {plugin: mine.py", "afterStep", "failure", "updater.after_step at step 0: told to fail"),
  ]

  @Test(.enabled(if: hasNumPy, why))
  func `what is raised ends the run with a sentence that names the line, 70`() throws {
    let command = try command()
    for (part, at, what, sentence) in Self.calls {
      let colon = try #require(part.firstIndex(of: ":"))
      let value = "\(part[colon...].dropFirst(2)), at: \(at), what: \(what.isEmpty ? "other" : what)}"
      let answer = try run(
        always + ["pipeline.\(part[..<colon])=\(value)", "checkpoint.every=7 steps"], in: command)
      #expect(answer.code == 70, "\(at): \(answer.err)")
      let last = answer.err.split(separator: "\n").last ?? ""
      #expect(last.hasPrefix("error: plugin 'test.mine' 1.0.0 (mine.py) failed in "))
      #expect(last.contains(sentence), "\(last)")
    }
  }

  static let wrong: [(String, String, String)] = [
    ("def terms(self, batch):", "def terms(self, batch:", "SyntaxError: "),
    ("import numpy", "import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    (
      "@lethe.strategy(\"mine.mask\")", "",
      "the manifest has the strategy 'mine.mask', and no class is marked "
        + "@lethe.strategy(\"mine.mask\")"
    ),
    ("(Raising, lethe.Mask)", "(Raising, lethe.Updater)", "class Mask is no lethe.Mask"),
    ("    def load(self, data):", "    def load_it(self, data):", "class Objective has one of 'save' and 'load'"),
    ("\"lethe.updater/1\"", "\"lethe.procedure/1\"", "'lethe.procedure/1', which Python cannot have"),
    (
      "class Objective(Raising, lethe.Objective):", "class Objective(Raising, lethe.Objective):\n    arrays = \"list\"",
      "'arrays' is 'list'"
    ),
  ]

  @Test(.enabled(if: hasNumPy, why)) func `a file that cannot be a plugin is told why, 70`() throws {
    for (there, instead, sentence) in Self.wrong {
      let command = try command()
      let file = command.folder.appendingPathComponent("mine.py")
      let text = try String(contentsOf: file, encoding: .utf8)
      try #require(text.contains(there))
      try command.write(text.replacing(there, with: instead), to: "mine.py")
      let answer = try run(["pipeline.objective=mine.objective", "plugins=[.]"], in: command)
      #expect(answer.code == 70, "\(answer.err)")
      #expect(answer.err.contains(sentence), "\(answer.err)")
    }
  }

  @Test func `a Python that is not there is said so, 70`() throws {
    let command = try command()
    let answer = try run(always, in: command, environment: ["LETHE_PYTHON": "/nowhere/python3"])
    #expect(answer.code == 70)
    #expect(
      answer.err.contains(
        "there is no working Python '/nowhere/python3', which runs this file; LETHE_PYTHON names one, 3.9 or later"))
  }

  @Test func `a file that says nothing of Lethe is told what it lacks where it is named`() throws {
    let command = try command()
    try command.write("x = 1\n", to: "plain.py")
    let answer = try command.small("plan", ["pipeline.objective=plain.py"])
    #expect(answer.code == 65)
    #expect(answer.err.contains("there is no line '# /// lethe' among the comments at its top"), "\(answer.err)")
    // Where it only lies about, nothing is said.
    #expect(try !command.run(["plugin", "list", "--plugin-path", "."]).err.contains("plain.py"))
  }

  @Test(.enabled(if: hasNumPy, why)) func `what is printed is a line of the record, not of the output`() throws {
    let command = try command()
    let answer = try run(always + ["--json"], in: command)
    #expect(answer.code == 0, "\(answer.err)")
    // Every line is an event.
    #expect(answer.out.split(separator: "\n").filter { !$0.hasPrefix("{") } == [])
    #expect(answer.out.contains(#""level":"info","message":"prepared (objective.prepare, step 0)""#))
  }

  @Test(.enabled(if: hasNumPy, why)) func `a run in Python that was killed goes on with the same bits`() throws {
    let command = try command()
    let changes = always + ["pipeline.objective.slope=0.01", "pipeline.epochs=20", "checkpoint.every=7 steps"]
    #expect(try run(changes, in: command).code == 0)
    let whole = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let environment = ["LETHE_CACHE": Command.cache.path, "LETHE_PYTHON": Self.python]
    let killed = try command.start(["run", "small.yaml"] + changes, environment: environment)
    var events = ""
    while killed.isRunning, !events.contains(#""type":"checkpointed""#) {
      usleep(2000)
      events = (try? command.runFile("events.jsonl")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    let folder = try #require(FileManager.default.contentsOfDirectory(atPath: command.folder.path + "/runs").first)
    let answer = try command.run(["run", "--resume", "runs/" + folder], environment: environment)
    #expect(answer.code == 0, "\(answer.err)")
    #expect(try command.runFile("unlearned.safetensors") == whole)
  }
}
