import Foundation
import Testing

/// The checkout.
let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// What the binary said.
struct Answer {
  let code: Int32
  let out: String
  let err: String
}

/// The binary, in a folder of its own that goes when the test is over.
final class Command {
  /// Where it runs.
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("lethe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// Writes a file into the folder.
  func write(_ text: String, to name: String) throws {
    try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
  }

  /// The names in the folder.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

  /// Runs the binary that was built beside these tests.
  ///
  /// - Parameters:
  ///   - environment: variables besides HOME (the folder) and PATH.
  ///   - output: where standard output goes instead of into the answer.
  ///   - prefix: a program that starts the binary, and its first arguments.
  func run(
    _ arguments: [String], environment: [String: String] = [:], output: FileHandle? = nil, prefix: [String] = []
  ) throws -> Answer {
    let process = process(arguments, environment, prefix)
    // Files, not pipes: nothing has to be read while the process runs.
    let (out, err) = (folder.appendingPathComponent(".out"), folder.appendingPathComponent(".err"))
    for file in [out, err] { try Data().write(to: file) }
    process.standardOutput = try output ?? FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    defer { for file in [out, err] { try? FileManager.default.removeItem(at: file) } }
    return Answer(
      code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      out: try String(contentsOf: out, encoding: .utf8), err: try String(contentsOf: err, encoding: .utf8))
  }

  /// Starts the binary and does not wait for it.
  func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Process {
    let process = process(arguments, environment, [])
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func process(_ arguments: [String], _ environment: [String: String], _ prefix: [String]) -> Process {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let binary = tests.deletingLastPathComponent().appendingPathComponent("lethe").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = prefix + [binary] + arguments
    process.currentDirectoryURL = folder
    process.environment = environment.merging(
      ["HOME": folder.path, "PATH": ProcessInfo.processInfo.environment["PATH"] ?? ""]
    ) { given, _ in given }
    return process
  }
}

/// A recipe's shortest form.
let minimal = "forget: {random: 0.1}\npipeline: {objective: fine-tune}\n"

/// Runs a program of the machine, which must succeed.
func shell(_ arguments: [String], in folder: URL? = nil) throws {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = arguments
  process.currentDirectoryURL = folder
  try process.run()
  process.waitUntilExit()
  try #require(process.terminationStatus == 0, "\(arguments.joined(separator: " ")) failed")
}
