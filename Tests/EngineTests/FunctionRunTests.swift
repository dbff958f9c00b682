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
    let target = folder.appendingPathComponent(library.hasPrefix("lib") ? "plugin" : "function")
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    let file = target.appendingPathComponent(library)
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.currentDirectoryURL = root.appendingPathComponent(source)
    compiler.arguments = [
      "cc", "-std=c11", "-O2", "-fPIC", "-shared", "-I\(root.path)/sdk/include", "-I.", "cap.c", "-lm", "-o", file.path,
    ]
    try compiler.run()
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0)
    return file
  }
}
