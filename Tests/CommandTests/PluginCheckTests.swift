import Foundation
import Testing

/// `lethe plugin check`, by a plugin that breaks one rule at a time.
@Suite struct PluginCheckTests {
  /// A way to break a rule.
  struct Way: Sendable, CustomTestStringConvertible {
    /// The rule that must say so.
    let rule: String
    /// What the plugin's code is told to break.
    var breaks: String?
    /// Further arguments of the compiler.
    var compiler: [String] = []
    /// Arguments that are left out.
    var without: [String] = []
    /// What is replaced in the manifest.
    var manifest: (String, String)?
    /// Words that the finding must have.
    var words = ""
    /// 1 for a warning.
    var code: Int32 = 2
    var arguments: [String] = []
    /// The fixture that is broken.
    var fixture = "broken"

    var testDescription: String { "\(rule) \(breaks ?? compiler.first ?? manifest?.1 ?? without.first ?? "")" }
  }

  private static let always = [
    "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden",
    "-Wl,--version-script=VERSION", "-Wl,-z,nodelete", "-Wl,-z,defs",
  ]

  /// Compiles the plugin as it is told to be broken; gives its path.
  private func plugin(_ way: Way, in command: Command) throws -> String {
    let fixtures = checkout.appendingPathComponent("Tests/CommandTests/Fixtures")
    var text = try String(contentsOf: fixtures.appendingPathComponent("\(way.fixture).json"), encoding: .utf8)
    #if arch(arm64)
      text = text.replacing("PLATFORM", with: "linux-aarch64")
    #else
      text = text.replacing("PLATFORM", with: "linux-x86_64")
    #endif
    if let (old, new) = way.manifest {
      try #require(text.contains(old))
      text = text.replacing(old, with: new)
    }
    try command.write(text, to: "manifest.json")
    let sdk = checkout.appendingPathComponent("sdk").path
    let usual = Self.always.filter { !way.without.contains($0) }
      .map { $0.replacing("VERSION", with: sdk + "/plugin.version") }
    let told = way.breaks.map { ["-DBROKEN=\"\($0)\""] } ?? []
    try shell(
      ["cc"] + usual + ["-I", sdk + "/include", "-I", "."] + told
        + [fixtures.appendingPathComponent("\(way.fixture).c").path, "-o", "libbroken.so", "-lm"] + way.compiler,
      in: command.folder)
    return "./libbroken.so"
  }

  private struct Report: Decodable {
    struct Finding: Decodable {
      let rule, level, text, remedy, link: String
    }

    let result: String
    let plugin: String?
    let sha256: String?
    let findings: [Finding]
    let passed: [String]
    let skipped: [String: String]
  }

  private func check(_ file: String, _ arguments: [String] = [], in command: Command) throws -> (Answer, Report) {
    let answer = try command.run(["plugin", "check", file, "--json"] + arguments)
    try #require(!answer.out.isEmpty, "\(answer.code): \(answer.err)")
    return (answer, try JSONDecoder().decode(Report.self, from: Data(answer.out.utf8)))
  }

  @Test func `a plugin that keeps to the rules breaks none`() throws {
    let command = try Command()
    let (answer, report) = try check(try plugin(Way(rule: ""), in: command), in: command)
    #expect(answer.code == 0, "\(answer.out)")
    #expect(report.findings.allSatisfy { $0.level == "note" }, "\(answer.out)")
    #expect(report.plugin == "test.broken" && report.sha256?.count == 64)
    #expect(report.passed.count > 60)
  }

  @Test func `a plugin that needs no less than this host has is not tried in an older one`() throws {
    let command = try Command()
    let (answer, report) = try check(try plugin(Way(rule: ""), in: command), ["--only", "old-host"], in: command)
    #expect(answer.code == 0, "\(answer.out)")
    #expect(report.skipped == ["old-host": "min_minor is that of this host"])
  }

  /// What the code does.
  static let deeds: [Way] =
    [
      "terms", "weights", "scores", "direction", "stale-context", "stale-handle", "wrong-thread", "struct-tails",
      "unknown-set", "ignored-failure", "error-message", "error-message: utf-8", "error-capacity", "known-status",
      "state-repeats", "state-resumes", "state-resumes: silent", "state-refused", "state-short-reads", "determinism",
      "batch-of-one", "bf16", "non-contiguous", "gradients", "order-free", "lent-tensors", "lent-tensors: inputs",
      "kept-handles", "leaked-tensors", "left-threads", "output", "defaults", "many-instances", "instance-memory",
      "cancel", "cancel: word", "load-output", "load-threads", "entry-repeats",
    ].map(deed)
    + [
      ("capturable", "in step 8"), ("capturable: reads", "reads values"), ("capturable: makes", "of its own numbers"),
      ("capturable: reports", "reports something"), ("capturable: words", "draws words"),
      ("capturable: draws", "drew something else or nothing"),
      ("capturable: more draws", "drew something else or nothing"),
      ("capturable: fewer draws", "not drawn at random in a step"),
      ("capturable: asks", "asks an operator for a value"),
    ].map { breaks, words in Way(rule: "capturable", breaks: breaks, words: words) }
    + ["masked-entries", "state-version", "bounds", "load-time", "call-time"].map { deed($0, code: 1) }

  /// What a metric does.
  static let metrics: [Way] =
    [
      ("results: nothing", "reported no number"), ("results: name", "must look like"),
      ("results: no name", "must look like"),
      ("results: nan", "not a finite number"), ("results: direction", "its direction is 9"),
      ("results: set", "its set is 64"), ("results: two sets", "its set is 3"), ("results: flags", "its flags 8"),
      ("results: unit", "its unit"), ("results: protocol", "its protocol"), ("results: samples", "-1"),
      ("results: size", "is 8, set it to sizeof"), ("results: interval", "does not hold its value"),
      ("results: infinite", "'lower' is not a finite number"), ("results: twice", "reported before"),
      ("begin-again", "after a second begin"), ("batch-of-one", "not a finite number"), ("lent-tensors", "losses"),
      ("kept-handles", "more with each"), ("ignored-failure", "and the call went well"), ("stale-context", ""),
    ].map { breaks, words in
      Way(rule: String(breaks.prefix { $0 != ":" }), breaks: breaks, words: words, fixture: "broken-metric")
    } + [Way(rule: "batch-size", breaks: "batch-size", words: "in batches of", code: 1, fixture: "broken-metric")]

  /// What a procedure does.
  static let procedures: [Way] =
    [
      ("procedure", "not finite after run"), ("procedure: infinite", "not finite after run"), ("determinism", ""),
      ("ignored-failure", "and the call went well"), ("stale-context", ""), ("cancel", ""),
    ].map { breaks, words in
      Way(rule: String(breaks.prefix { $0 != ":" }), breaks: breaks, words: words, fixture: "broken-procedure")
    }

  @Test(arguments: [
    ("broken-metric", ["results", "begin-again", "batch-size", "lent-tensors"]),
    ("broken-procedure", ["procedure", "determinism", "cancel", "ignored-failure"]),
  ])
  func `a metric and a procedure that keep to the rules break none`(_ fixture: String, _ held: [String]) throws {
    let command = try Command()
    let (answer, report) = try check(try plugin(Way(rule: "", fixture: fixture), in: command), in: command)
    #expect(answer.code == 0, "\(answer.out)")
    #expect(Set(report.passed).isSuperset(of: held))
  }

  @Test func `many functions at load are a note`() throws {
    let command = try Command()
    let way = Way(rule: "constructors", compiler: ["-DCONSTRUCTORS"])
    let (answer, report) = try check(try plugin(way, in: command), ["--only", "constructors"], in: command)
    #expect(answer.code == 0, "\(answer.out)")
    #expect(
      report.findings.contains { $0.rule == "constructors" && $0.text.hasSuffix("functions run when it is loaded") })
  }

  @Test func `a plugin that needs a newer glibc than there is is told so`() throws {
    let command = try Command()
    // A library with a version as the C library of some day to come has it.
    try command.write("int from_tomorrow(void) { return 0; }\n", to: "tomorrow.c")
    try command.write("GLIBC_2.99 { global: from_tomorrow; local: *; };\n", to: "tomorrow.version")
    try shell(
      [
        "cc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libtomorrow.so", "-Wl,--version-script,tomorrow.version",
        "tomorrow.c",
        "-o", "libtomorrow.so",
      ], in: command.folder)
    let way = Way(rule: "glibc-floor", compiler: ["-DTOMORROW", "-L.", "-ltomorrow"])
    let (answer, report) = try check(try plugin(way, in: command), ["--only", "glibc-floor"], in: command)
    #expect(answer.code == 2, "\(answer.out)")
    #expect(
      report.findings.contains {
        $0.level == "failure" && $0.text.hasPrefix("it needs glibc 2.99, and this machine has 2.")
      },
      "\(answer.out)")
  }

  private static func deed(_ breaks: String) -> Way { deed(breaks, code: 2) }

  private static func deed(_ breaks: String, code: Int32) -> Way {
    Way(rule: String(breaks.prefix { $0 != ":" }), breaks: breaks, code: code)
  }

  /// What ends the process that runs the plugin, or does not let it end.
  static let ends: [Way] = [
    Way(rule: "not-finite", breaks: "not-finite", words: "signal 6"),
    Way(
      rule: "not-finite", breaks: "not-finite: hang", words: "nothing came back within 15 s",
      arguments: ["--timeout", "15"]),
    Way(rule: "empty-batch", breaks: "empty-batch", words: "in objective.terms"),
    Way(rule: "state-survives", breaks: "state-survives", words: "signal 11"),
    Way(rule: "life-cycle", breaks: "life-cycle", words: "signal 11"),
    Way(rule: "life-cycle", breaks: "life-cycle: exit", words: "ended with code 0"),
    Way(
      rule: "life-cycle", breaks: "life-cycle: hang", words: "within 10 s in objective.prepare",
      arguments: ["--timeout", "10"]),
    Way(rule: "life-cycle", breaks: "life-cycle: signal", words: "in objective.prepare"),
    Way(rule: "life-cycle", breaks: "life-cycle: recursion", words: "signal 11"),
    Way(rule: "loads", breaks: "loads: signal", words: "signal 11"),
    Way(rule: "entry-host-size", breaks: "entry-host-size", words: "signal 11"),
  ]

  /// What can be seen without running it, and what the table says.
  static let files: [Way] = [
    Way(rule: "manifest", manifest: ("\"schema\": 1", "\"schema\": 9"), words: "schema"),
    Way(rule: "manifest-keys", manifest: ("\"language\"", "\"langauge\""), words: "langauge", code: 1),
    Way(
      rule: "abi-generation", manifest: ("\"generation\": 1", "\"generation\": 0"),
      words: "build it against the headers"),
    Way(rule: "abi-minor", manifest: ("\"min_minor\": 0", "\"min_minor\": 99")),
    Way(rule: "required-services", manifest: ("lethe.core/1", "lethe.magic/1"), words: "lethe.magic/1"),
    Way(rule: "platform", manifest: ("linux-", "plan9-")),
    Way(
      rule: "swift-runtime",
      manifest: ("\"language\": \"c\"", "\"runtime\": {\"swift\": \"4.2.0\", \"linkage\": \"dynamic\"}")),
    Way(rule: "described", manifest: ("\"doc\": \"strength\"", "\"unit\": \"1\""), words: "eta", code: 1),
    Way(rule: "one-export", compiler: ["-DEXTRA_EXPORT"], without: ["-Wl,--version-script=VERSION"]),
    Way(
      rule: "unique-symbols", compiler: ["-DUNIQUE"], without: ["-Wl,--version-script=VERSION"], words: "broken_unique"),
    Way(
      rule: "undefined-symbols", compiler: ["-DUNDEFINED", "-Wl,--unresolved-symbols=ignore-all", "-Wl,-z,lazy"],
      without: ["-Wl,-z,defs"], words: "nobody_has_this"),
    Way(rule: "text-relocations", compiler: ["-DTEXT_RELOCATION", "-Wl,-z,notext"]),
    Way(rule: "executable-stack", compiler: ["-Wl,-z,execstack"]),
    Way(rule: "run-path", compiler: ["-Wl,-rpath,/opt/elsewhere"], words: "/opt/elsewhere"),
    Way(rule: "toolchain-run-path", compiler: ["-Wl,-rpath,/opt/swift/usr/lib/swift/linux"], code: 1),
    Way(rule: "no-delete", without: ["-Wl,-z,nodelete"], code: 1),
    Way(rule: "loads", compiler: ["-DID=\"test.else\""], words: "test.else"),
    Way(rule: "tunable", compiler: ["-DNO_RETUNE"], words: "retune"),
  ]

  @Test(arguments: deeds + ends + files + metrics + procedures)
  func `each way to break a rule is caught by the rule, and the command survives it`(_ way: Way) throws {
    let command = try Command()
    let file = try plugin(way, in: command)
    let (answer, report) = try check(file, ["--only", way.rule] + way.arguments, in: command)
    #expect(answer.code == way.code, "\(answer.out)\(answer.err)")
    let found = report.findings.filter { $0.rule == way.rule && $0.level == (way.code == 1 ? "warning" : "failure") }
    #expect(!found.isEmpty, "\(answer.out)")
    #expect(found.contains { way.words.isEmpty || $0.text.contains(way.words) }, "\(answer.out)")
    #expect(found.allSatisfy { !$0.remedy.isEmpty && $0.link == "docs/plugin-check.md#\(way.rule)" })
    #expect(!report.passed.contains(way.rule))
  }
}
