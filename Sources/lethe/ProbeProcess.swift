import Contract
import Foundation
import Glibc

/// This process as one that a plugin may end: it tells its parent what it does, and what it was doing when a signal came.
struct ProbeProcess {
  /// More resident memory ends the process: a plugin that eats it must not take the machine along.
  private static let mostMiB = 8192

  /// What notices that the plugin writes.
  let output: OutputWatch
  private let channel: Int32

  /// From here on standard output belongs to the parent, and the process ends with it.
  init() throws {
    guard let output = OutputWatch() else { throw CommandError.cannotWrite(path: "/tmp", reason: "no file for output") }
    self.output = output
    channel = output.channel
    Self.leaveNoCore()
    LastWords.watch(channel)
    Self.guardMemory(channel)
  }

  /// Sends a message to the parent.
  func tell(_ message: ProbeMessage) { Self.write(message.line, to: channel) }

  private static func write(_ text: String, to channel: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(channel, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }

  private static func leaveNoCore() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
  }

  /// Ends the process with its parent, whose end of standard input closes, and when it takes too much memory.
  private static func guardMemory(_ channel: Int32) {
    Thread.detachNewThread {
      while true {
        var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&input, 1, 250) > 0 { _exit(70) }
        let resident = ProcessMemory.residentMiB
        if resident > mostMiB {
          write(ProbeMessage(memory: resident).line, to: channel)
          _exit(70)
        }
      }
    }
  }
}

/// Says which call was under way when a signal ends the process.
private enum LastWords {
  // Set before the handler is.
  nonisolated(unsafe) static var channel: Int32 = -1
  static let before = StaticString("{\"call\":\"")
  static let after = StaticString("\"}\n")

  static func watch(_ channel: Int32) {
    unsafe LastWords.channel = channel
    // Made now, since a handler must not make it.
    unsafe PresentCall.text[63] = 0
    for number in [SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL] { signal(number, speakAndDie) }
  }
}

private func speakAndDie(_ number: Int32) {
  var length = 0
  while length < 63, unsafe PresentCall.text[length] != 0 { length += 1 }
  let (before, after) = (LastWords.before, LastWords.after)
  unsafe write(LastWords.channel, before.utf8Start, before.utf8CodeUnitCount)
  unsafe write(LastWords.channel, PresentCall.text, length)
  unsafe write(LastWords.channel, after.utf8Start, after.utf8CodeUnitCount)
  signal(number, SIG_DFL)
  raise(number)
}

/// How much memory this process has.
private enum ProcessMemory {
  /// Resident, in MiB.
  static var residentMiB: Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(getpagesize()) >> 20
  }
}
