import Foundation
import Testing

@testable import PluginHost

/// Plugins whose table is not what their manifest or the headers say.
struct LoadTests {
  struct Mistake: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let macros: [String]
    let message: String
  }

  static let mistakes = [
    Mistake(
      testDescription: "no entry symbol", macros: ["NO_ENTRY"],
      message: "plugin 'test.plugin' ('FILE') cannot be used: it does not export 'lethe_plugin_abi1'"),
    Mistake(
      testDescription: "wrong generation", macros: ["OTHER_GENERATION"],
      message: "plugin 'test.plugin' ('FILE') cannot be used: it was built for generation 7 of the plugin ABI, this "
        + "version of Lethe has generation 1: upgrade Lethe"),
    Mistake(
      testDescription: "the generation before", macros: ["lethe_plugin_abi1=lethe_plugin_abi0"],
      message: "plugin 'test.plugin' ('FILE') cannot be used: it was built for generation 0 of the plugin ABI, this "
        + "version of Lethe has generation 1: its author has to build it against the headers that 'lethe sdk path' names"
    ),
    Mistake(
      testDescription: "entry fails", macros: ["ENTRY_STATUS=13"],
      message: "plugin 'test.plugin' 1.2.0 (NAME) failed in entry: status 13 (internal) without a message"),
    Mistake(
      testDescription: "entry gives an unknown status", macros: ["ENTRY_STATUS=99"],
      message: "plugin 'test.plugin' 1.2.0 (NAME) failed in entry: unknown status 99 without a message"),
    Mistake(
      testDescription: "no table", macros: ["NULL_TABLE"],
      message: "plugin 'test.plugin' 1.2.0 (NAME) failed in entry: it succeeded but gave no table"),
    Mistake(
      testDescription: "another id", macros: ["PLUGIN_ID=\"test.else\""],
      message: "DISAGREES: the id is 'test.else' in its table and 'test.plugin' in its manifest"),
    Mistake(
      testDescription: "another version", macros: ["PLUGIN_VERSION=\"1.3.0\""],
      message: "DISAGREES: the version is '1.3.0' in its table and '1.2.0' in its manifest"),
    Mistake(
      testDescription: "no version", macros: ["PLUGIN_VERSION=NULL"],
      message: "DISAGREES: the plugin's version has no text"),
    Mistake(
      testDescription: "a strategy too many", macros: ["UPDATER_ID=\"test.extra\""],
      message: "DISAGREES: its table has a strategy 'test.extra' that its manifest does not have"),
    Mistake(
      testDescription: "a strategy too few", macros: ["COUNT=3"],
      message: "DISAGREES: its manifest has a strategy 'test.updater' that its table does not have"),
    Mistake(
      testDescription: "a strategy twice",
      macros: ["MASK_ID=\"test.reweighter\"", "MASK_ROLE=LETHE_ROLE_REWEIGHTER", "MASK_TABLE=(&test_reweighter)"],
      message: "DISAGREES: its table has the strategy 'test.reweighter' twice"),
    Mistake(
      testDescription: "another role", macros: ["MASK_ROLE=LETHE_ROLE_UPDATER"],
      message: "DISAGREES: the role of 'test.mask' is 'lethe.updater/1' in its table and 'lethe.mask/1' in its manifest"
    ),
    Mistake(
      testDescription: "no strategies", macros: ["NO_STRATEGIES"],
      message: "DISAGREES: its entry function gives no table"),
    Mistake(
      testDescription: "no table of the role", macros: ["MASK_TABLE=NULL"],
      message: "DISAGREES: strategy 'test.mask' has no table for its role 'lethe.mask/1'"),
    Mistake(
      testDescription: "no callback of the role", macros: ["MASK_TABLE=(&(const lethe_mask){sizeof(lethe_mask)})"],
      message: "DISAGREES: strategy 'test.mask' has no 'begin'"),
    Mistake(
      testDescription: "a short table of the role", macros: ["MASK_TABLE=(&(const lethe_mask){16, 0, test_begin})"],
      message: "DISAGREES: the size of lethe_mask is 16, at least 32 would be right"),
    Mistake(
      testDescription: "no create", macros: ["CREATE=NULL"],
      message: "DISAGREES: strategy 'test.objective' has no 'create'"),
    Mistake(
      testDescription: "half a state", macros: ["LOAD_STATE=NULL"],
      message:
        "DISAGREES: strategy 'test.objective' has one of 'save_state' and 'load_state', both or neither would be "
        + "right"),
    Mistake(
      testDescription: "no size", macros: ["REWEIGHTER_SIZE=0"],
      message: "DISAGREES: the size of lethe_strategy is 0, at least 48 would be right"),
    Mistake(
      testDescription: "no stride", macros: ["STRIDE=8"],
      message: "DISAGREES: the stride of its strategies is 8, at least 48 would be right"),
  ]

  @Test(arguments: mistakes)
  func `a plugin that does not keep to its manifest is refused`(_ mistake: Mistake) throws {
    let library = try Fixture.library("bad", macros: mistake.macros)
    let disagrees = "plugin 'test.plugin' ('FILE') does not keep to its manifest"
    let wanted = mistake.message.replacing("DISAGREES", with: disagrees)
      .replacing("FILE", with: library.path).replacing("NAME", with: "libbad.so")
    do {
      _ = try LoadedPlugin(PluginFile(reading: library.path), trust: .tests)
      Issue.record("the plugin was loaded")
    } catch {
      #expect("\(error)" == wanted)
      #expect(error.exitCode == 70)
    }
  }

  @Test func `a table from an older header has no later callbacks`() throws {
    // Up to `destroy`, which came with the first version.
    let library = try Fixture.library("old", macros: ["REWEIGHTER_SIZE=48"])
    let plugin = try LoadedPlugin(PluginFile(reading: library.path), trust: .tests)
    #expect(plugin.strategies.map(\.hasState) == [true, false, true, true])
    let toy = try Toy()
    let reweighter = try ReweighterInstance(
      plugin.strategy("test.reweighter", role: .reweighter), session: toy.session,
      parameters: [.string("good"), .float(1)])
    try reweighter.prepare()
    #expect(try reweighter.saveState() == nil)
    #expect(
      message { try reweighter.retune([.string("good"), .float(2)]) }.hasSuffix(
        "it cannot change its parameters during a run"))
  }

  @Test func `a library with an unknown symbol is not loaded`() throws {
    let missing = try Fixture.library("missing", macros: ["EXTERN_TABLE"])
    #expect(
      message { _ = try LoadedPlugin(PluginFile(reading: missing.path), trust: .tests) }
        == "'\(missing.path)' cannot be loaded: \(missing.path): undefined symbol: nobody_has_this")
  }

  @Test func `a file that was built anew is loaded beside the old one, which stays`() throws {
    let folder = Fixture.newFolder("replaced")
    let library = try Fixture.library("x", in: folder)
    let file = try PluginFile(reading: library.path)
    let old = try LoadedPlugin(file, trust: .tests)
    _ = try LoadedPlugin(file, trust: .tests)
    try FileManager.default.removeItem(at: library)
    _ = try Fixture.library("x", macros: ["BUILD=\"again\""], in: folder)
    #expect(throws: PluginError.replaced(path: library.path)) { try LoadedPlugin(file, trust: .tests) }
    let toy = try Toy()
    var generations = [old]
    for _ in 0..<2 { generations.append(try LoadedPlugin(PluginFile(reading: library.path), trust: .tests)) }
    #expect(generations[1].sha256 == generations[2].sha256 && generations[1].sha256 != old.sha256)
    for plugin in generations {
      let reweighter = try ReweighterInstance(
        plugin.strategy("test.reweighter", role: .reweighter), session: toy.session,
        parameters: [.string("good"), .float(1)])
      try reweighter.prepare()
    }
    // The kernel gives it a page at a time.
    let bytes = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd() ?? Data()
    let maps = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    #expect(
      Set(maps.filter { $0.contains(folder.path) }.compactMap { $0.split(separator: " ").dropFirst(5).first }).count
        == 2)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix(".") }
    #expect(left.isEmpty)
  }

  @Test func `a strategy is handed out for its own role only`() throws {
    let plugin = try LoadedPlugin(Fixture.good.get(), trust: .tests)
    #expect(throws: PluginError.wrongRole(strategy: "test.mask", role: "lethe.mask/1", wanted: .updater)) {
      try plugin.strategy("test.mask", role: .updater)
    }
    #expect(throws: PluginError.self) { try plugin.strategy("test.nothing", role: .mask) }
    #expect(plugin.sha256.utf8.count == 64)
  }
}
