import Foundation
import Glibc

/// This program started once more, with pipes to all three of its standard streams and a process group of its own, so that
/// Ctrl-C reaches it only through its parent.
final class ChildProcess {
  /// How it ended.
  struct Ending {
    /// Its own exit code, or nil when a signal ended it.
    let code: Int32?
    /// The signal that ended it; 0 for none.
    let signal: Int32
    /// What it wrote to standard error, the last few thousand bytes.
    let text: String

    /// The exit code that this process should have for it: its own, or 70 where it did not end by itself.
    var exitCode: Int32 { code.flatMap { $0 == 0 ? nil : $0 } ?? 70 }

    /// What ended it.
    var account: String {
      guard signal != 0 else { return "the process was ended with code \(code ?? 0)" }
      return "the process was ended by signal \(signal) (\(CallRecorder.name(of: signal)))"
    }

    /// Its own words where it said what was wrong, else how it ended.
    var reason: String {
      let lines = text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
      if let line = lines.last(where: { $0.hasPrefix("error: ") }) { return String(line.dropFirst(7)) }
      let end = signal == 0 ? "it ended with exit code \(code ?? 0)" : "it was ended by signal \(signal)"
      return lines.last.map { "\(end); its last words: \($0)" } ?? end
    }
  }

  private let pid: pid_t
  private var input: Int32?
  private let output, errors: Int32
  private var unread: [UInt8] = []
  private var words: [UInt8] = []
  private var isOutputOpen = true

  /// MiB that it has in memory, where that is more than a plugin under test may take: it must not take the machine along.
  var tooMuchMemory: Int? {
    let memory = CallRecorder.resident(pid) >> 20
    return memory > 8192 ? memory : nil
  }

  /// How it ended; nil while it runs.
  var ending: Ending? {
    if let known = ended { return known }
    var status: Int32 = 0
    guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return note(status)
  }

  private var ended: Ending?

  /// Starts it; with a recorder, it writes down its callbacks there.
  init(_ arguments: [String], recorder: CallRecorder? = nil) throws {
    guard let input = Ends(), let output = Ends(), let errors = Ends() else {
      throw CommandError.cannotStart("lethe")
    }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    var files = [(STDIN_FILENO, input.read), (STDOUT_FILENO, output.write), (STDERR_FILENO, errors.write)]
    if let recorder { files.append(recorder.file) }
    let child = Spawn.start(
      program, arguments, environment: recorder?.environment ?? [:], files: files, isApart: true)
    for descriptor in [input.read, output.write, errors.write] { close(descriptor) }
    guard let child else {
      for descriptor in [input.write, output.read, errors.read] { close(descriptor) }
      throw CommandError.cannotStart(program)
    }
    pid = child
    self.input = input.write
    self.output = output.read
    self.errors = errors.read
    for descriptor in [output.read, errors.read] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    closeInput()
    close(output)
    close(errors)
  }

  /// Waits until one of them has something to say or has ended, or the time is over.
  static func wait(for processes: [ChildProcess], milliseconds: Int32) {
    var watched = processes.flatMap { process in
      (process.isOutputOpen ? [process.output] : []).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        + [pollfd(fd: process.errors, events: Int16(POLLIN), revents: 0)]
    }
    _ = unsafe poll(&watched, nfds_t(watched.count), milliseconds)
  }

  /// Writes to its standard input. One that is gone reads nothing; its end tells that.
  func write(_ text: String) {
    guard let input else { return }
    let bytes = Array(text.utf8)
    _ = unsafe Glibc.write(input, bytes, bytes.count)
  }

  /// Ends its standard input.
  func closeInput() {
    if let input { close(input) }
    input = nil
  }

  /// The whole lines that it wrote to standard output since the last call.
  func lines() -> [String] {
    drainErrors()
    isOutputOpen = ChildProcess.read(output, into: &unread)
    guard let end = unread.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
    let text = String(decoding: unread[..<end], as: UTF8.self)
    unread.removeSubrange(...end)
    return text.split(separator: "\n").map(String.init)
  }

  /// Sends a signal to it and what it started.
  func send(_ signal: Int32) {
    if ended == nil { kill(-pid, signal) }
  }

  /// Waits for its end.
  func waitUntilEnded() {
    var status: Int32 = 0
    while ended == nil {
      let waited = unsafe waitpid(pid, &status, 0)
      if waited == pid { _ = note(status) } else if errno != EINTR { return }
    }
  }

  private func note(_ status: Int32) -> Ending {
    drainErrors()
    let signal = status & 0x7F
    let ending = Ending(
      code: signal == 0 ? status >> 8 & 0xFF : nil, signal: signal, text: String(decoding: words, as: UTF8.self))
    ended = ending
    return ending
  }

  private func drainErrors() {
    _ = ChildProcess.read(errors, into: &words)
    if words.count > 8192 { words.removeFirst(words.count - 8192) }
  }

  /// Reads all there is; false when there will be no more.
  private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
    var piece = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      if count > 0 {
        bytes += piece[..<count]
      } else if count == 0 {
        return false
      } else if errno != EINTR {
        return true
      }
    }
  }
}

/// Both ends of a pipe, closed in programs that are started.
private struct Ends {
  let read, write: Int32

  init?() {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    read = ends[0]
    write = ends[1]
  }
}
