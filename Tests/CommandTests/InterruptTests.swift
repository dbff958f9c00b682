import Foundation
import Glibc
import Testing

@Suite struct InterruptTests {
  /// A run that would take minutes, stopped while the original model is trained.
  private func interrupted(_ signal: Int32, in command: Command) throws -> (code: Int32, err: String) {
    try command.write(minimal + "base: {epochs: 200}\n", to: "recipe.yaml")
    let (process, err) = (Process(), Pipe())
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("lethe")
    process.arguments = ["run", "recipe.yaml"]
    process.currentDirectoryURL = command.folder
    process.environment = ["HOME": command.folder.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = err
    try process.run()
    var text = ""
    var isSent = false
    while case let data = err.fileHandleForReading.availableData, !data.isEmpty {
      text += String(decoding: data, as: UTF8.self)
      // Training follows the split at once.
      guard !isSent, text.contains("samples:") else { continue }
      isSent = true
      kill(process.processIdentifier, signal)
    }
    process.waitUntilExit()
    #expect(isSent)
    return (process.terminationStatus, text)
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func `a signal saves the run and says how to go on`(_ signal: Int32, _ code: Int32) throws {
    let command = try Command()
    let answer = try interrupted(signal, in: command)
    #expect(answer.code == code)
    #expect(answer.err.contains("stopping and saving"))
    let last = try #require(answer.err.split(separator: "\n").last)
    let folder = try #require(last.split(separator: " ").last.map(String.init))
    #expect(last.contains("lethe run --resume \(folder)"))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files.contains("plan.yaml"))
    #expect(files.contains("events.jsonl"))
    #expect(!files.contains("unlearned.safetensors"))
    #expect(!files.contains("report.json"))
    let events = try String(contentsOfFile: folder + "/events.jsonl", encoding: .utf8)
    #expect(events.split(separator: "\n").last?.contains(#""type":"interrupted""#) == true)
  }
}
