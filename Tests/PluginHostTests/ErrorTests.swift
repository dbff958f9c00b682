import Foundation
import Testing

@testable import PluginHost

struct ErrorTests {
  private static let call = PluginCall(
    plugin: "org.example.ssd", version: "1.2.0", file: "libssd.so", call: "objective.terms", step: 17)

  private static let errors: [PluginError] =
    [
      .notThere(path: "/plugins"), .unreadable(path: "/plugins", reason: "Permission denied"),
      .replaced(path: "/plugins/libssd.so"),
      .notLoadable(path: "/plugins/libssd.so", reason: "undefined symbol: lethe"),
      .duplicate(id: "ssd", first: "/a/libssd.so", second: "/b/libssd.so"),
      .unknown(id: "lorenu", nearest: ["loreun"], known: ["loreun", "salun"], searched: ["/a", "/b"]),
      .unknown(id: "x", nearest: [], known: [], searched: ["/a"]),
      .wrongRole(strategy: "salun", role: "lethe.mask/1", wanted: .objective),
    ]
    + [.tooShort, .notElf, .notLittleEndian64, .notShared, .otherMachine, .notAFile].map {
      .notALibrary(path: "/plugins/libssd.so", $0)
    }
    + [.missing, .several(2), .truncated, .unterminated, .empty, .zeroInside, .notUTF8, .tooLarge(300_000)].map {
      .note(path: "/plugins/libssd.so", $0)
    }
    + [
      .generation(found: [0], wanted: 1), .generation(found: [2, 3], wanted: 1), .minor(needed: 4, offered: 1),
      .service("lethe.dream/1", known: ["lethe.core/1"]), .platform(found: "linux-riscv", wanted: "linux-x86_64"),
      .swift(found: "6.2", wanted: "6.3.1"), .noEntry(symbol: "lethe_plugin_abi1"),
    ].map { .unfit(plugin: "org.example.ssd", path: "/plugins/libssd.so", $0) }
    + [.owner(name: "eve"), .worldWritable, .groupWritable(group: "staff")].map {
      .untrusted(path: "/plugins/libssd.so", component: "/it's/mine", $0)
    }
    + [
      .unlisted(path: "/plugins/libssd.so", sha256: "9f86d081", list: "/home/eve/.config/lethe/plugins.lock"),
      .ownLibraries(path: "/plugins/libssd.so", ["/plugins/libhelper.so"]),
      .lock(path: "/home/eve/.config/lethe/plugins.lock", reason: "'format' is missing or empty"),
    ]
    + [
      .notJSON(line: 3, column: 7, reason: "a ',' or '}' should be here"), .missing(key: "abi.generation"),
      .badDefault(key: "strategies[0].params[1].default", problem: .notFinite),
    ].map { .manifest(path: "/plugins/libssd.so", $0) }
    + [
      .missing, .badSize(of: "lethe_mask", found: 3, least: 32), .badStride(found: 1, least: 48),
      .noText(of: "a strategy's id"), .differs(what: "the id", table: "a", manifest: "b"),
      .notInManifest(strategy: "a"), .notInTable(strategy: "a"), .twice(strategy: "a"),
      .noRoleTable(strategy: "a", role: "lethe.mask/1"), .noCallback(strategy: "a", callback: "create"),
      .halfState(strategy: "a"),
    ].map { .table(plugin: "org.example.ssd", path: "/plugins/libssd.so", $0) }
    + [
      .unknown(nearest: "eta", known: ["eta"]), .unknown(nearest: nil, known: ["eta", "mode"]),
      .unknown(nearest: nil, known: []), .missing, .wrongType(wanted: "a number"), .notFinite,
      .outOfRange(found: "3", minimum: 0, maximum: 1), .outOfRange(found: "3", minimum: 4, maximum: nil),
      .outOfRange(found: "3", minimum: nil, maximum: 2),
      .notOneOf(found: "papre", choices: ["paper", "reference"], nearest: "paper"), .notTunable,
    ].map { .parameter(strategy: "loreun", key: "eat", $0) }
    + [
      .said("forget set is empty"), .silent(status: 9), .unknownStatus(99, message: ""),
      .unknownStatus(99, message: "why not"), .notCancelled, .noTable, .lifeCycle(.failed), .lifeCycle(.created),
      .state("its state is larger than 4294967296 bytes"), .noTerms(wanted: ["forget", "retain"]),
      .walk(flags: 8, batch: 0), .noDirection,
      .direction(parameter: "fc.weight", .missing), .scores(parameter: "fc.weight", .notBinary),
    ].map { .call(call, $0) }
    + [
      .badName, .twice, .badSet(7), .badCoefficient, .neither, .both, .setOfPenalty, .penaltyWithSamples,
      .noGraph("losses"), .tensor("losses", .shape(found: [3, 2], wanted: "[n] with n above 0")),
    ].map { .call(call, .term("forget", $0)) }
    + [
      .missing, .shape(found: [3], wanted: "[4]"), .dtype(found: "int64", wanted: "float32"),
      .device(found: "cpu", wanted: "cuda:0"), .notFinite, .negative, .sum(2), .promise(.normalised),
    ].map { .call(call, .weights(term: "forget", $0)) }
    + [
      .noLibrary, .notLoadable(reason: "file too short"), .noSymbol, .notAFunction,
      .signature(text: "int(double loss)", column: 1, reason: "'int' is not a type of fixed width"),
      .argument(name: "gamma", .unknown(known: ["loss", "n"])), .argument(name: "n", .needed),
      .unusedValue(key: "eta", arguments: ["loss"]), .badWeights(term: "forget", .negative),
    ].map { .function(library: "/plugins/libmine.so", symbol: "w", $0) }

  @Test func `messages are those of the golden file`() throws {
    let text = Self.errors.map { "\($0.exitCode) \($0)\n" }.joined()
    let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/plugin-errors.txt")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try Data(text.utf8).write(to: golden)
      Issue.record("plugin-errors.txt was written; look at it before committing")
    }
    #expect(try String(contentsOf: golden, encoding: .utf8) == text)
  }
}
