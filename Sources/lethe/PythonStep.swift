import Foundation
import Runs

/// The plain PyTorch side of a benchmark: a Python that takes one step whenever it is told to.
final class PythonStep {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  /// Starts a script of `scripts/bench` in the checkout that this program was built in, and waits until it is ready.
  init(python: String, script name: String = "resnet_step.py", mode: String, device: String) throws {
    let script = try BenchScript.find(name)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, script.path, mode, "--serve", "--device", device]
    process.standardInput = input
    process.standardOutput = output
    do { try process.run() } catch { throw CommandError.python(error.localizedDescription) }
    let answer = try readLine()
    guard answer == "ready" else { throw CommandError.python("it said '\(answer)', not 'ready'") }
  }

  /// One step; its seconds, as Python measured them.
  func step() throws -> Double {
    do { try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8)) } catch {
      throw CommandError.python("it ended early")
    }
    let answer = try readLine()
    guard let seconds = Double(answer) else { throw CommandError.python("it said '\(answer)', no number of seconds") }
    return seconds
  }

  /// Ends it.
  func end() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private func readLine() throws -> String {
    var line: [UInt8] = []
    while true {
      guard let byte = try output.fileHandleForReading.read(upToCount: 1)?.first else {
        throw CommandError.python("it ended early")
      }
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
  }
}
