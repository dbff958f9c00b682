import Foundation
import Testing

/// `lethe plugin check` on plugins that are meant to be right.
@Suite struct ShippedPluginTests {
  private static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent()

  /// The methods that come with the command, by the names of their files.
  static let shipped: [String] = {
    let methods = try? FileManager.default.contentsOfDirectory(
      atPath: checkout.appendingPathComponent("Plugins").path)
    let all = (methods ?? []).filter { !$0.hasPrefix(".") && !$0.hasSuffix(".md") }.sorted().map { "lib\($0).so" }
    // A few seconds each: one in C and one in Swift guard a commit, `.ci/check-all` asks all of them.
    let isSlow = ProcessInfo.processInfo.environment["LETHE_SLOW"] == "1"
    return isSlow ? all : all.filter { ["libFineTune.so", "libLoReUn.so"].contains($0) }
  }()

  @Test(arguments: shipped)
  func `a plugin that comes with the command breaks no rule`(_ name: String) throws {
    let command = try Command()
    let answer = try command.run(["plugin", "check", Self.folder.appendingPathComponent(name).path])
    // What SwiftPM writes about its toolchain is a warning.
    #expect(answer.code == 0 || answer.code == 1, "\(answer.out)\(answer.err)")
    #expect(!answer.out.contains("\nfailure "), "\(answer.out)")
  }

  @Test(arguments: [("c", "reweighter"), ("cpp", "updater")])
  func `a plugin made from a template keeps to every rule`(_ language: String, _ role: String) throws {
    let command = try Command()
    let made = try command.run(["plugin", "new", "slow-fade", "--lang", language, "--role", role])
    #expect(made.code == 0, "\(made.err)")
    let sdk = checkout.appendingPathComponent("sdk").path
    try shell(
      ["env", "LETHE_SDK=\(sdk)", "make", "-s", "--no-print-directory", "-C", "slow-fade", "libslow-fade.so"],
      in: command.folder)
    let answer = try command.run(["plugin", "check", "slow-fade/libslow-fade.so"])
    #expect(answer.code == 0, "\(answer.out)\(answer.err)")
  }

  @Test func `the manual has every rule, with its sentence and what to do`() throws {
    struct Rule: Decodable {
      let id, text, remedy: String
    }
    let answer = try Command().run(["plugin", "check", "--rules", "--json"])
    let rules = try JSONDecoder().decode([Rule].self, from: Data(answer.out.utf8))
    let manual = try String(contentsOf: checkout.appendingPathComponent("docs/plugin-check.md"), encoding: .utf8)
    let sections = manual.components(separatedBy: "\n### ").dropFirst()
      .map { $0.components(separatedBy: "\n## ")[0] }
    #expect(Set(sections.map { $0.prefix { $0 != "\n" }.description }) == Set(rules.map(\.id)))
    #expect(Set(rules.map(\.id)).count == rules.count)
    for rule in rules {
      let section = try #require(sections.first { $0.hasPrefix(rule.id + "\n") }, "\(rule.id)")
      // In the manual a sentence begins with a capital letter.
      #expect(section.contains(rule.text.dropFirst()), "\(rule.id): \(rule.text)")
      #expect(section.contains(rule.remedy.dropFirst()), "\(rule.id): \(rule.remedy)")
    }
  }
}
