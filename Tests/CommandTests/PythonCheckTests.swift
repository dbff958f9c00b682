import Foundation
import Testing

/// `lethe plugin check` and `lethe plugin fuzz` of a plugin in Python.
@Suite struct PythonCheckTests {
  private static let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"] ?? "python3"
  private static let hasNumPy =
    (try? shell([
      python, "-c",
      "import numpy, sysconfig as s, sys; sys.exit('.so' not in (s.get_config_var('INSTSONAME') or ''))",
    ])) != nil
  private static let why: Comment = "neither LETHE_PYTHON nor python3 is a Python with NumPy and a shared library"

  private struct Report: Decodable {
    struct Finding: Decodable {
      let rule, level, text: String
    }

    let findings: [Finding]
    let passed: [String]
    let skipped: [String: String]
  }

  /// The plugin with one text replaced by another one.
  private func plugin(_ change: (String, String)? = nil) throws -> Command {
    let command = try Command()
    var text = try String(
      contentsOf: checkout.appendingPathComponent("Tests/CommandTests/Fixtures/checked.py"), encoding: .utf8)
    if let (there, instead) = change {
      try #require(text.contains(there))
      text = text.replacing(there, with: instead)
    }
    try command.write(text, to: "checked.py")
    return command
  }

  private func check(_ arguments: [String] = [], in command: Command) throws -> (Int32, Report) {
    let answer = try command.run(
      ["plugin", "check", "checked.py", "--json"] + arguments, environment: ["LETHE_PYTHON": Self.python])
    try #require(!answer.out.isEmpty, "\(answer.code): \(answer.err)")
    return (answer.code, try JSONDecoder().decode(Report.self, from: Data(answer.out.utf8)))
  }

  @Test(.enabled(if: hasNumPy, why)) func `a Python plugin that keeps to the rules breaks none of those about it`()
    throws
  {
    let (code, report) = try check(in: try plugin())
    #expect(code == 0, "\(report.findings)")
    for rule in ["manifest", "trust", "loads", "terms", "weights", "scores", "direction", "state-refused"] {
      #expect(report.passed.contains(rule), "\(rule): \(report.skipped[rule] ?? "")")
    }
    for rule in ["elf-library", "one-export", "entry-repeats", "no-delete"] {
      #expect(report.skipped[rule] != nil && !report.passed.contains(rule))
    }
  }

  static let ways: [(String, (String, String))] = [
    ("manifest", ("\"schema\": 1", "\"schema\": 9")),
    ("loads", ("@lethe.strategy(\"checked.mask\")", "@lethe.strategy(\"checked.other\")")),
    ("weights", ("return weights / weights.sum()", "return 2 * weights / weights.sum()")),
    ("terms", ("lethe.Term(\"retain\", losses,", "lethe.Term(\"retain\", losses[1:],")),
    ("state-repeats", ("return self.calls.to_bytes(8", "self.calls += 1; return self.calls.to_bytes(8")),
    ("determinism", ("self.scale, gradient)]", "self.scale * __import__('random').random(), gradient)]")),
    (
      "bounds",
      ("        self.eta = eta\n\n    def retune", "        assert eta < 5\n        self.eta = eta\n\n    def retune")
    ),
  ]

  @Test(.enabled(if: hasNumPy, why), arguments: ways.indices)
  func `each way to break a rule in Python is caught by the rule`(_ index: Int) throws {
    let (rule, change) = Self.ways[index]
    let (code, report) = try check(["--only", rule], in: try plugin(change))
    #expect(code == (rule == "bounds" ? 1 : 2), "\(report)")
    #expect(report.findings.contains { $0.rule == rule && $0.level != "note" }, "\(report)")
    #expect(!report.passed.contains(rule))
  }

  @Test(.enabled(if: hasNumPy, why)) func `a Python plugin that exits ends a process of the check, not the check`()
    throws
  {
    let change = (
      "        scaled = -self.eta * term.losses", "        import os; os._exit(0)\n        scaled = 0 * term.losses"
    )
    let (code, report) = try check(["--only", "weights", "--only", "scores"], in: try plugin(change))
    #expect(code == 2)
    #expect(report.findings.contains { $0.rule == "weights" && $0.text.contains("ended with code 0") }, "\(report)")
    #expect(report.passed.contains("scores"))
  }

  @Test(.enabled(if: hasNumPy, why)) func `its lives are led as those of a library are`() throws {
    let sum = "        return weights / weights.sum()"
    let command = try plugin((sum, "        import os\n        if len(weights) == 11: os._exit(0)\n" + sum))
    let answer = try command.run(
      ["plugin", "fuzz", "checked.py", "--lives", "150", "--json"], environment: ["LETHE_PYTHON": Self.python])
    #expect(answer.code == 2 && answer.out.contains("ended with code 0 in reweighter"), "\(answer.out)\(answer.err)")
  }

  @Test(.enabled(if: hasNumPy, why)) func `modules in the current folder are not those that Python is asked with`()
    throws
  {
    let command = try plugin()
    for name in ["json", "os", "sysconfig", "ctypes", "numpy", "lethe"] {
      try command.write("open('ran-\(name)', 'w')\nraise SystemExit(9)\n", to: "\(name).py")
    }
    let (code, report) = try check(["--only", "loads", "--only", "weights"], in: command)
    #expect(code == 0, "\(report)")
    #expect(try command.names().allSatisfy { !$0.hasPrefix("ran-") })
  }
}
