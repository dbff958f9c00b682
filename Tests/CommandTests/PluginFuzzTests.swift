import Foundation
import Testing

/// `lethe plugin fuzz`.
@Suite struct PluginFuzzTests {
  private struct Report: Decodable {
    struct Finding: Decodable {
      let rule, strategy, text, life: String
      let times: Int
    }

    let lives: Int
    let findings: [Finding]
  }

  private func fuzz(_ arguments: [String], in command: Command) throws -> (Answer, Report) {
    let answer = try command.run(["plugin", "fuzz"] + arguments + ["--json"])
    try #require(!answer.out.isEmpty, "\(answer.code): \(answer.err)")
    return (answer, try JSONDecoder().decode(Report.self, from: Data(answer.out.utf8)))
  }

  @Test func `a plugin that keeps to the rules comes through hundreds of lives`() throws {
    let command = try Command()
    let (answer, report) = try fuzz([try TestPlugin.compile(in: command), "--lives", "400"], in: command)
    #expect(answer.code == 0, "\(answer.out)")
    #expect(report.lives == 400 && report.findings.isEmpty)
  }

  @Test func `a crash on a rare input is found, and its life is led again`() throws {
    let command = try Command()
    let file = try TestPlugin.compile("fuzz: thirteen", in: command)
    let (answer, report) = try fuzz([file, "--seed", "3", "--lives", "400"], in: command)
    #expect(answer.code == 2)
    let found = try #require(report.findings.first { $0.text.contains("signal 6") }, "\(answer.out)")
    #expect(found.strategy == "test.reweighter" && found.text.contains("in reweighter.weigh"), "\(found)")
    #expect(report.lives == 400, "it went on after the crash")
    let again = try command.run(["plugin", "fuzz", file, "--reproduce", found.life])
    #expect(again.code == 2 && again.out.contains("signal 6") && again.out.contains("reweighter.weigh"), "\(again.out)")
    // Deed by deed, with what it was given.
    #expect(again.err.contains("test.reweighter (") && again.err.contains("create\nprepare\n"), "\(again.err)")
    #expect(again.err.contains("13 to forget") || again.err.contains("13 to retain"), "\(again.err)")
    // The same seed gives the same lives.
    let (_, second) = try fuzz([file, "--seed", "3", "--lives", "400"], in: command)
    #expect(second.findings.map(\.life) == report.findings.map(\.life))
  }

  @Test func `what hangs, writes to what it was lent or says nothing is found as well`() throws {
    let command = try Command()
    for (breaks, rule, words) in [
      ("fuzz: hang", "life-cycle", "nothing came back within 5 s in reweighter.weigh"),
      ("lent-tensors", "lent-tensors", ""), ("error-message", "error-message", ""),
    ] {
      let file = try TestPlugin.compile(breaks, in: command)
      let lives = breaks == "fuzz: hang" ? "120" : "300"
      let (answer, report) = try fuzz([file, "--lives", lives, "--timeout", "5"], in: command)
      #expect(answer.code == 2)
      #expect(
        report.findings.contains { $0.rule == rule && (words.isEmpty || $0.text.contains(words)) },
        "\(breaks): \(answer.out)")
    }
  }

  @Test func `time ends a walk, and what cannot be loaded has the codes of every command`() throws {
    let command = try Command()
    let file = try TestPlugin.compile(in: command)
    let began = Date()
    let (answer, report) = try fuzz([file, "--minutes", "0.05"], in: command)
    #expect(answer.code == 0 && report.lives > 0)
    #expect(Date().timeIntervalSince(began) < 60)
    #expect(try command.run(["plugin", "fuzz", "libnone.so"]).code == 66)
    #expect(try command.run(["plugin", "fuzz", file, "--reproduce", "xyz"]).code == 64)
    #expect(try command.run(["plugin", "fuzz", file, "--in-process"]).code == 64)
    try command.setMode(0o666, of: file)
    let untrusted = try command.run(["plugin", "fuzz", file, "--lives", "1"])
    #expect(untrusted.code == 66 && untrusted.err.contains("not trusted"), "\(untrusted.err)")
  }
}
