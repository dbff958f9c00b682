import Foundation
import Testing

/// Plugins and plain functions that misbehave, as the user of the command meets them.
@Suite struct BadPluginTests {
  /// The fixture of the plugin host's tests, compiled once; nil macros leave it as it should be.
  private func plugin(_ macros: [String] = [], manifest: (String) -> String = { $0 }, in command: Command) throws {
    let fixtures = checkout.appendingPathComponent("Tests/PluginHostTests/Fixtures")
    let text = try String(contentsOf: fixtures.appendingPathComponent("plugin.json"), encoding: .utf8)
    #if arch(arm64)
      let platform = "linux-aarch64"
    #else
      let platform = "linux-x86_64"
    #endif
    try command.write(manifest(text.replacing("PLATFORM", with: platform)), to: "manifest.json")
    let folder = command.folder.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let sdk = checkout.appendingPathComponent("sdk/include").path
    try shell(
      ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-I", sdk, "-I", "."] + macros.map { "-D\($0)" }
        + [fixtures.appendingPathComponent("plugin.c").path, "-o", folder.path + "/libtest.so", "-lm"],
      in: command.folder)
  }

  private func run(_ changes: [String], in command: Command) throws -> Answer {
    try command.small("run", changes + ["plugins=[plugins]"])
  }

  static let misdeeds: [(String, String)] = [
    ("reweighter: {plugin: test.reweighter, mode: too short}", "failed in reweighter.weigh at step 0: weights of term"),
    ("reweighter: {plugin: test.reweighter, mode: not finite}", "an entry is not finite"),
    ("reweighter: {plugin: test.reweighter, mode: wrong sum}", "the sum is"),
    ("reweighter: {plugin: test.reweighter, mode: wild}", "its weights are a tensor handle that is not valid"),
    ("reweighter: {plugin: test.reweighter, mode: unknown status}", "unknown status 4711 without a message"),
    ("reweighter: {plugin: test.reweighter, mode: create fails}", "failed in reweighter.create"),
    ("objective: {plugin: test.objective, mode: no terms}", "failed in objective.terms at step 0: it added no term"),
    ("objective: {plugin: test.objective, mode: bad losses}", "'losses': the shape is"),
    ("objective: {plugin: test.objective, mode: no gradient}", "is not part of the graph"),
    ("mask: {plugin: test.mask, keep: 0.5, mode: wrong shape}", "failed in mask.finish: scores of"),
    ("mask: {plugin: test.mask, keep: 0.5, mode: negative}", "failed in mask.finish: scores of"),
    ("mask: {plugin: test.mask, keep: 0.5, mode: no scores}", "failed in mask.finish: scores of"),
    ("updater: {plugin: test.updater, mode: no direction}", "failed in updater.combine at step 0"),
  ]

  @Test(arguments: misdeeds)
  func `a call that goes wrong is an error with the plugin's id and the call, 70`(_ part: String, _ text: String) throws
  {
    let command = try Command()
    try plugin(["CLASSES=10"], in: command)
    let colon = try #require(part.firstIndex(of: ":"))
    let key = String(part[..<colon])
    let schedule = key == "updater" ? ["pipeline.schedule=joint"] : []
    let answer = try run(["pipeline.\(key)=\(part[colon...].dropFirst(2))"] + schedule, in: command)
    #expect(answer.code == 70, "\(answer.err)")
    let last = answer.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.hasPrefix("error: plugin 'test.plugin' 1.2.0 (libtest.so) ") && last.contains(text), "\(answer.err)")
    #expect(try command.unfinishedFiles() == [])
  }

  static let refusals: [([String], Int32, String)] = [
    (["NO_ENTRY"], 65, "it does not export 'lethe_plugin_abi1'"),
    (["OTHER_GENERATION"], 65, "it was built for generation 7"),
    (
      ["lethe_plugin_abi1=lethe_plugin_abi0"], 65,
      "it was built for generation 0 of the plugin ABI, this version of Lethe has generation 1: its author has to build it"
    ),
    (["NULL_TABLE"], 70, "it succeeded but gave no table"),
    (["ENTRY_STATUS=99"], 70, "unknown status 99"),
    (["PLUGIN_ID=\"test.else\""], 70, "test.else"),
    (["MASK_TABLE=NULL"], 70, "test.mask"),
  ]

  @Test(arguments: refusals)
  func `a table that is wrong is refused before anything is computed`(
    _ macros: [String], _ code: Int32, _ text: String
  ) throws {
    let command = try Command()
    try plugin(macros, in: command)
    let answer = try run(["pipeline.reweighter=test.reweighter"], in: command)
    #expect(answer.code == code, "\(answer.err)")
    #expect(answer.err.split(separator: "\n").last?.contains(text) == true, "\(answer.err)")
    #expect(try command.unfinishedFiles() == [])
  }

  @Test func `files that are no plugins are told where one is missed`() throws {
    let command = try Command()
    let folder = command.folder.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    try command.write("not a library\n", to: "plugins/libtext.so")
    try command.write("int nothing;\n", to: "nothing.c")
    try shell(["cc", "-shared", "-fPIC", "nothing.c", "-o", "plugins/libnothing.so"], in: command.folder)
    let answer = try run(["pipeline.reweighter=test.reweighter"], in: command)
    #expect(answer.code == 65)
    #expect(answer.err.contains("no plugin 'test.reweighter'"))
    #expect(answer.err.contains("libtext.so") && answer.err.contains("libnothing.so"), "\(answer.err)")
    let list = try command.run(["plugin", "list", "--plugin-path", "plugins"])
    #expect(list.code == 0)
    #expect((list.out + list.err).contains("libtext.so"))
  }

  @Test func `a note that is no manifest is refused`() throws {
    let command = try Command()
    try plugin(manifest: { $0.replacing("\"schema\": 1", with: "\"schema\": 99") }, in: command)
    let answer = try run(["pipeline.reweighter=test.reweighter"], in: command)
    #expect(answer.code == 65)
    #expect(answer.err.contains("libtest.so") && answer.err.contains("schema"), "\(answer.err)")
  }

  @Test func `a plugin whose file is gone is unknown, with the ones that there are`() throws {
    let command = try Command()
    let bin = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    // The command with the plugins beside it, without one of them.
    for name in ["lethe", "libCTorch.so", "libRandomLabel.so", "libSalUn.so"] {
      try FileManager.default.copyItem(
        at: bin.appendingPathComponent(name), to: command.folder.appendingPathComponent(name))
    }
    try command.write(smallRecipe, to: "small.yaml")
    try shell(
      ["sh", "-c", "HOME=$PWD ./lethe plan small.yaml pipeline.reweighter=loreun 2> said; test $? = 65"],
      in: command.folder)
    let said = try String(contentsOf: command.folder.appendingPathComponent("said"), encoding: .utf8)
    #expect(said.contains("'pipeline.reweighter': no plugin 'loreun'"), "\(said)")
    #expect(said.contains("there are random-label, salun; searched: ") && said.contains(command.folder.path))
  }

  static let functions: [(String, String, Int32, String)] = [
    ("no.so", "cap_weight", 66, "no.so"),
    ("small.yaml", "cap_weight", 70, "the library cannot be loaded"),
    ("cap.so", "cup_weight", 65, "cup_weight"),
  ]

  @Test(arguments: functions)
  func `a library or symbol that is not there`(_ library: String, _ symbol: String, _ code: Int32, _ text: String)
    throws
  {
    let command = try Command()
    let source = checkout.appendingPathComponent("examples/plugins/function/cap.c").path
    try shell(["cc", "-O2", "-fPIC", "-shared", source, "-lm", "-o", "cap.so"], in: command.folder)
    let answer = try command.small(
      "run",
      [
        "pipeline.reweighter={library: ./\(library), symbol: \(symbol), "
          + "signature: 'double(double clean_loss, double cap, int64_t n, int32_t set)', args: {cap: 2.0}}"
      ])
    #expect(answer.code == code, "\(answer.err)")
    #expect(answer.err.split(separator: "\n").last?.contains(text) == true, "\(answer.err)")
    #expect(try command.unfinishedFiles() == [])
  }

  static let signatures: [(String, String)] = [
    ("double(double lss)", "lss"), ("double double loss", "signature"), ("string(double loss)", "string"),
    ("double(double loss, double cap", "signature"), ("double(double loss, double kap)", "kap"),
  ]

  @Test(arguments: signatures)
  func `a signature that cannot be called`(_ signature: String, _ text: String) throws {
    let command = try Command()
    let source = checkout.appendingPathComponent("examples/plugins/function/cap.c").path
    try shell(["cc", "-O2", "-fPIC", "-shared", source, "-lm", "-o", "cap.so"], in: command.folder)
    let answer = try command.small(
      "run",
      ["pipeline.reweighter={library: ./cap.so, symbol: cap_weight, signature: '\(signature)', args: {cap: 2.0}}"])
    #expect(answer.code == 65, "\(answer.err)")
    #expect(answer.err.split(separator: "\n").last?.contains(text) == true, "\(answer.err)")
    #expect(try command.unfinishedFiles() == [])
  }
}
