import Foundation
import Glibc
import Testing

/// `lethe run --live`, on a terminal that the test reads.
@Suite struct LiveTests {
  private static let enter = "\u{1B}[?1049h"
  private static let leave = "\u{1B}[?1049l"

  /// What the binary writes on a terminal of 80 columns and 24 rows, and what it writes to standard output.
  ///
  /// - Parameter react: told all that was written so far, after each piece.
  private func onTerminal(
    _ arguments: [String], in command: Command, react: (String, Process) -> Void = { _, _ in }
  ) throws -> (code: Int32, terminal: String, out: String) {
    var (main, other): (Int32, Int32) = (-1, -1)
    var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    try #require(openpty(&main, &other, nil, nil, &size) == 0)
    let process = Process()
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("lethe")
    process.arguments = arguments
    process.currentDirectoryURL = command.folder
    process.environment = ["HOME": command.folder.path, "LETHE_CACHE": Command.cache.path]
    let out = command.folder.appendingPathComponent(".terminal-out")
    try Data().write(to: out)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: out)
    let terminal = FileHandle(fileDescriptor: other, closeOnDealloc: false)
    process.standardError = terminal
    try process.run()
    close(other)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    // Reading fails once no process holds the other end.
    while case let count = read(main, &buffer, buffer.count), count > 0 {
      bytes += buffer[..<count]
      react(String(decoding: bytes, as: UTF8.self), process)
    }
    close(main)
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: bytes, as: UTF8.self), try String(contentsOf: out, encoding: .utf8)
    )
  }

  /// What is written after the terminal was given back.
  private func afterwards(_ terminal: String) -> String {
    terminal.ranges(of: Self.leave).last.map { String(terminal[$0.upperBound...]) } ?? ""
  }

  @Test func `the dashboard takes the terminal, gives it back, and leaves messages and the result`() throws {
    let command = try Command()
    try command.write(smallRecipe, to: "small.yaml")
    let (code, terminal, out) = try onTerminal(
      ["run", "small.yaml", "--live", "pipeline.epochs=60", "evaluate.every=1 epoch"], in: command)
    #expect(code == 0)
    #expect(terminal.ranges(of: Self.enter).count == 1 && terminal.ranges(of: Self.leave).count == 1)
    // The cursor is hidden while the dashboard is there, and not after it.
    #expect(terminal.contains("\u{1B}[?25l") && terminal.contains("\u{1B}[?25h" + Self.leave))
    for text in ["unlearn", "forget loss", "learning rate"] { #expect(terminal.contains(text)) }
    let end = afterwards(terminal)
    #expect(!end.contains("\u{1B}"))
    #expect(end.contains("run: runs/") && end.contains("samples: ") && end.contains("report: runs/"))
    #expect(out.contains("unlearned") && !out.contains("\u{1B}"))
  }

  @Test func `Ctrl-C gives the terminal back and says how to go on`() throws {
    let command = try Command()
    try command.write(minimal + "base: {epochs: 200}\n", to: "recipe.yaml")
    var isSent = false
    let (code, terminal, _) = try onTerminal(["run", "recipe.yaml", "--live"], in: command) { text, process in
      guard !isSent, text.contains("base "), text.contains("samples:") else { return }
      isSent = true
      kill(process.processIdentifier, SIGINT)
    }
    #expect(code == 130)
    #expect(terminal.contains("\u{1B}[?25h" + Self.leave))
    let end = afterwards(terminal)
    #expect(end.contains("stopping and saving") && end.contains("lethe run --resume"), "\(end)")
  }

  @Test func `a process that dies gives the terminal back`() throws {
    let command = try Command()
    try command.write(minimal + "base: {epochs: 200}\n", to: "recipe.yaml")
    var isSent = false
    let (code, terminal, _) = try onTerminal(["run", "recipe.yaml", "--live"], in: command) { text, process in
      guard !isSent, text.contains("samples:") else { return }
      isSent = true
      kill(process.processIdentifier, SIGABRT)
    }
    #expect(code == SIGABRT)
    #expect(terminal.contains("\u{1B}[?25h" + Self.leave))
  }

  @Test func `where there is no terminal the dashboard is not drawn`() throws {
    let command = try Command()
    let answer = try command.small("run", ["--live"])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(!answer.err.contains("\u{1B}") && answer.err.contains("samples: "))
  }

  @Test func `a dashboard that nobody is to see is refused`() throws {
    let command = try Command()
    let answer = try command.small("run", ["--live", "--quiet"])
    #expect(answer.code == 64 && answer.err.contains("--live shows everything and --quiet nothing"))
    #expect(try command.run(["run", "--help"]).out.contains("--live"))
  }
}
