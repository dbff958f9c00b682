import Foundation
import Testing

@testable import PluginHost

/// Which plugins are found, in which order, and what is said where one is not.
struct CatalogTests {
  private static let loreun = Fixture.manifest
    .replacing("test.plugin", with: "test.other").replacing("test.objective", with: "other.objective")
    .replacing("test.reweighter", with: "loreun").replacing("test.mask", with: "other.mask")
    .replacing("test.updater", with: "other.updater")

  @Test func `plugins are found in the order of the folders, then by name`() throws {
    let (first, second) = (Fixture.newFolder("first"), Fixture.newFolder("second"))
    _ = try Fixture.library("b", manifest: Self.loreun, in: first)
    _ = try Fixture.library("a", in: second)
    let catalog = try PluginCatalog(.only([first, second]))
    #expect(catalog.plugins.map(\.name) == ["libb.so", "liba.so"])
    #expect(catalog.refusals == [])
    #expect(try catalog.find("loreun", role: .reweighter).plugin.manifest.id == "test.other")
  }

  @Test func `an unknown strategy is answered with what there is and where it was looked for`() throws {
    let folder = Fixture.newFolder("some")
    _ = try Fixture.library("a", manifest: Self.loreun, in: folder)
    let catalog = try PluginCatalog(.only([folder]))
    #expect(
      message { _ = try catalog.find("loruen", role: .reweighter) }
        == "no plugin has a strategy 'loruen'; did you mean 'loreun'?; there are 'loreun'; looked in '\(folder.path)'")
    #expect(
      message { _ = try catalog.find("loreun", role: .mask) }
        == "strategy 'loreun' has the role 'lethe.reweighter/1' and cannot be used as mask")
    let empty = Fixture.newFolder("empty")
    let none = try PluginCatalog(.only([empty]))
    #expect(
      message { _ = try none.find("loreun") }
        == "no plugin has a strategy 'loreun'; no plugins were found; looked in '\(empty.path)'")
  }

  @Test func `an id in two files is an error that names both`() throws {
    let folder = Fixture.newFolder("twins")
    let a = try Fixture.library("a", in: folder)
    let b = try Fixture.library("b", manifest: Fixture.manifest.replacing("test.plugin", with: "test.twin"), in: folder)
    let catalog = try PluginCatalog(.only([folder]))
    let error = PluginError.duplicate(id: "test.mask", first: a.path, second: b.path)
    #expect(throws: error) { try catalog.find("test.mask") }
    #expect(catalog.conflicts.contains(error))
    #expect(error.exitCode == 65)
  }

  @Test func `a plugin id in two files is an error, whatever their strategies`() throws {
    let folder = Fixture.newFolder("ids")
    let a = try Fixture.library("a", in: folder)
    let b = try Fixture.library(
      "b", manifest: Self.loreun.replacing("test.other", with: "test.plugin"), in: folder)
    let catalog = try PluginCatalog(.only([folder]))
    #expect(throws: PluginError.duplicate(id: "test.plugin", first: a.path, second: b.path)) {
      try catalog.find("loreun")
    }
  }

  @Test func `a link to a plugin is the plugin`() throws {
    let folder = Fixture.newFolder("links")
    let a = try Fixture.library("a", in: folder)
    try FileManager.default.createSymbolicLink(at: folder.appending(path: "libz.so"), withDestinationURL: a)
    let catalog = try PluginCatalog(.only([folder]))
    #expect(catalog.plugins.map(\.path) == [a.path])
    #expect(catalog.conflicts == [])
  }

  @Test func `what is no plugin is reported, but not beside the executable`() throws {
    let folder = Fixture.newFolder("mixed")
    _ = try Fixture.library("plain", source: "functions.c", manifest: nil, in: folder)
    try Data("text".utf8).write(to: folder.appending(path: "libtext.so"))
    try Data("text".utf8).write(to: folder.appending(path: "readme.txt"))
    _ = try Fixture.library("broken", manifest: "{}", in: folder)
    let asked = try PluginCatalog(.only([folder]))
    #expect(
      asked.refusals.map { "\($0.error)".replacing(folder.path, with: "FOLDER") } == [
        "the manifest of 'FOLDER/libbroken.so' is wrong: 'schema' is missing or empty",
        "'FOLDER/libplain.so' is not a plugin: it has no manifest note of owner 'lethe'",
        "'FOLDER/libtext.so' is not a shared library for this machine: it is shorter than an ELF header",
      ])
    let beside = try PluginCatalog(SearchPath(environment: { _ in nil }, executable: folder.path))
    #expect(beside.refusals.map { URL(filePath: $0.path).lastPathComponent } == ["libbroken.so"])
  }

  @Test func `a folder that was asked for must be there, a usual one need not`() throws {
    let missing = Fixture.folder.appending(path: "nowhere")
    let error = PluginError.notThere(path: missing.path)
    #expect(throws: error) { try PluginCatalog(.only([missing])) }
    #expect(error.exitCode == 66)
    let usual = SearchPath(environment: { $0 == "LETHE_PLUGIN_PATH" ? missing.path : nil }, executable: nil)
    #expect(try PluginCatalog(usual).plugins == [])
  }

  @Test func `the search path has one order and no current folder`() {
    let variables = [
      "LETHE_PLUGIN_PATH": "/usr/lib:relative::.:/usr/bin", "XDG_DATA_HOME": "/usr/share", "HOME": "/usr/home",
    ]
    let path = SearchPath(asked: ["/opt"], environment: { variables[$0] }, executable: "/usr/sbin")
    #expect(path.folders.map(\.path).filter { !$0.contains("lethe") } == ["/opt", "/usr/lib", "/usr/bin", "/usr/sbin"])
    #expect(path.folders.map(\.path).contains("/usr/share/lethe/plugins"))
    #expect(path.folders.first?.origin == .asked)
    #expect(path.folders.last?.origin == .executable)
    let home = SearchPath(environment: { $0 == "HOME" ? "/nowhere" : nil }, executable: nil)
    #expect(home.folders.map(\.path) == ["/nowhere/.local/share/lethe/plugins"])
  }

  @Test func `a file's hash is that of its bytes`() throws {
    let folder = Fixture.newFolder("hash")
    let library = try Fixture.library("a", in: folder)
    let file = try PluginFile(reading: library.path)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["sha256sum", library.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = try #require(try pipe.fileHandleForReading.readToEnd())
    #expect(try file.sha256() == String(decoding: output.prefix(64), as: UTF8.self))
  }
}
