import Foundation
import Testing

@testable import Engine

/// A plain C function in a recipe against a plugin that computes the same.
@Suite(.serialized)
struct FunctionRunTests {
  @Test
  func `a run with a plain function equals the run with the same formula as a plugin, bit for bit`() throws {
    var toy = try ToyRun()
    defer { toy.clean() }
    let plugin = try build("Tests/EngineTests/Fixtures/cap", "libcap.so", in: toy.folder)
    let function = try build("examples/plugins/function", "cap.so", in: toy.folder)
    toy.pluginFolders = [plugin.deletingLastPathComponent().path]
    toy.overrides = ["pipeline.reweighter={plugin: org.example.cap, cap: 2.0}"]
    try toy.carryOut("plugin")
    toy.pluginFolders = []
    toy.overrides = [
      "pipeline.reweighter={library: '\(function.path)', symbol: cap_weight, "
        + "signature: 'double(double clean_loss, double cap, int64_t n, int32_t set)', args: {cap: 2.0}, normalise: none}"
    ]
    try toy.carryOut("function")
    toy.overrides = []
    try toy.carryOut("uniform")
    #expect(try toy.weights("plugin") == toy.weights("function"))
    #expect(try toy.weights("plugin") != toy.weights("uniform"))
  }

  /// Compiles a C file of the repository into a folder that only the user can write to.
  private func build(_ source: String, _ library: String, in folder: URL) throws -> URL {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = folder.appendingPathComponent("\(library.hasPrefix("lib") ? "plugin" : "function")/\(library)")
    let place = root.appendingPathComponent(source)
    try compile(place.appendingPathComponent("cap.c"), in: place, to: file)
    return file
  }
}
