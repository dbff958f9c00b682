import Foundation
import Synchronization
import Testing

@testable import PluginHost

/// Plugins and libraries made from C by the test, in a folder of this process that is removed at its end.
enum Fixture {
  static let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
  private static let headers = sources.appending(path: "../../../sdk/include").standardizedFileURL

  static let folder: URL = {
    let folder = URL.temporaryDirectory.appending(path: "lethe-plugins-\(getpid())").resolvingSymlinksInPath()
    atexit {
      try? FileManager.default.removeItem(at: Fixture.folder)
    }
    make(folder)
    return folder
  }()

  /// The manifest of plugin.c.
  static let manifest: String = {
    let text = try? String(contentsOf: sources.appending(path: "plugin.json"), encoding: .utf8)
    return (text ?? "").replacing("PLATFORM", with: HostFacts.platform)
  }()

  /// The plugin of the fixtures, as it should be.
  static let good = Result { try PluginFile(reading: library("good").path) }

  /// A fresh folder that nobody else can write to.
  static func newFolder(_ name: String) -> URL {
    let made = folder.appending(path: "\(name)-\(UUID().uuidString.prefix(8))")
    make(made)
    return made
  }

  private static func make(_ folder: URL) {
    try? FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  /// Compiles a shared library with the C compiler of the machine.
  ///
  /// - Parameters:
  ///   - macros: what is defined, "COUNT=0".
  ///   - manifest: text of the note; nil leaves the macro of the fixture without effect.
  ///   - linker: further arguments, behind the source.
  static func library(
    _ name: String, source: String = "plugin.c", macros: [String] = [], manifest: String? = Fixture.manifest,
    in folder: URL? = nil, linker: [String] = []
  ) throws -> URL {
    let folder = folder ?? newFolder(name)
    let library = folder.appending(path: "lib\(name).so")
    let build = newFolder("\(name)-build")
    var arguments = ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-o", library.path]
    arguments += ["-I", headers.path, "-I", build.path] + macros.map { "-D\($0)" }
    if let manifest {
      try Data(manifest.utf8).write(to: build.appending(path: "manifest.json"))
    } else {
      arguments += ["-DLETHE_MANIFEST_H", "-DLETHE_MANIFEST_FILE(path)=_Static_assert(1,path)"]
    }
    try run(arguments + [sources.appending(path: source).path, "-lm"] + linker, in: build)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library.path)
    return library
  }

  struct CompilerFailed: Error {
    let output: String
  }

  private static func run(_ arguments: [String], in folder: URL) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CompilerFailed(output: String(decoding: output, as: UTF8.self)) }
  }
}

extension TrustPolicy {
  /// Trusts everything that the test's user made.
  static let tests = TrustPolicy(SearchPath(environment: { _ in nil }, executable: nil))
}

extension SearchPath {
  /// Those folders alone.
  static func only(_ folders: [URL]) -> SearchPath {
    SearchPath(asked: folders.map(\.path), environment: { _ in nil }, executable: nil)
  }
}

/// The text of the error that `body` throws.
func message(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return "(no error)"
}

/// Lets one test at a time do something.
final class Turn: Sendable {
  private let lock = Mutex(())

  func take(_ body: () throws -> Void) rethrows { try lock.withLock { _ in try body() } }
}
