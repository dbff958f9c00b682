import Foundation
import Testing

/// Event files for TensorBoard, as a run leaves them.
@Suite struct TensorBoardFileTests {
  private static let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"] ?? ""

  /// Whether LETHE_PYTHON names a Python with tensorboard.
  private static let hasTensorBoard: Bool =
    !python.isEmpty && (try? shell([python, "-c", "import tensorboard"])) != nil

  private func eventFiles(_ command: Command) throws -> [String] {
    try command.runFiles().map { URL(fileURLWithPath: $0).lastPathComponent }
      .filter { $0.hasPrefix("events.out.tfevents.") }
  }

  /// What `check_tensorboard.py` says of a run that has weights, a mask and measurements on its way.
  private func check(_ command: Command) throws -> String {
    let runs = command.folder.path + "/runs"
    let run = try #require(FileManager.default.contentsOfDirectory(atPath: runs).first)
    let script = checkout.appendingPathComponent("scripts/reference/check_tensorboard.py").path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [Self.python, script, "\(runs)/\(run)"]
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
    return said
  }

  private static let changes = [
    "pipeline.epochs=6", "pipeline.mask={plugin: salun, keep: 0.5}", "pipeline.reweighter=loreun",
    "evaluate.every=1 epoch", "checkpoint.every=1 epoch",
  ]

  @Test(.enabled(if: hasTensorBoard, "LETHE_PYTHON names no Python with tensorboard"))
  func `TensorBoard's own reader finds every number of the run`() throws {
    let command = try Command()
    let answer = try command.small("run", Self.changes)
    #expect(answer.code == 0, "\(answer.err)")
    #expect(try check(command).contains("2 histograms in 1 files hold"))
  }

  @Test(.enabled(if: hasTensorBoard, "LETHE_PYTHON names no Python with tensorboard"))
  func `TensorBoard's own reader sees a run that was killed and went on as one`() throws {
    let command = try Command()
    let killed = try killedRun(command)
    let answer = try command.run(["run", "--resume", killed], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(try check(command).contains("2 histograms in 2 files hold"))
  }

  @Test func `a run that goes on writes a file of its own, named to be read after the first`() throws {
    let command = try Command()
    let killed = try killedRun(command)
    let first = try eventFiles(command)
    #expect(first.count == 1)
    let before = try command.runFile(try #require(first.first))
    _ = try command.run(["run", "--resume", killed], environment: ["LETHE_CACHE": Command.cache.path])
    let both = try eventFiles(command)
    #expect(both.count == 2 && both.first == first.first)
    #expect(try command.runFile(try #require(first.first)) == before)
  }

  @Test func `without TensorBoard there is no file, and the result has the same bits`() throws {
    let command = try Command()
    #expect(try command.small().code == 0)
    #expect(try eventFiles(command).count == 1)
    let weights = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    #expect(try command.small("run", ["--no-tensorboard"]).code == 0)
    #expect(try eventFiles(command) == [])
    #expect(try command.runFile("unlearned.safetensors") == weights)
  }

  /// A run that was killed after its second checkpoint; gives its folder.
  private func killedRun(_ command: Command) throws -> String {
    try command.write(smallRecipe, to: "small.yaml")
    let process = try command.start(
      ["run", "small.yaml"] + Self.changes + ["pipeline.epochs=40"], environment: ["LETHE_CACHE": Command.cache.path])
    var events = ""
    while process.isRunning, events.ranges(of: #""type":"checkpointed""#).count < 2 {
      usleep(2000)
      events = (try? command.runFile("events.jsonl")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
    return "runs/"
      + (try #require(FileManager.default.contentsOfDirectory(atPath: command.folder.path + "/runs").first))
  }
}
