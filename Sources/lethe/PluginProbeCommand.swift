import ArgumentParser
import Contract
import Foundation
import Glibc

/// `lethe plugin-probe`, which `lethe plugin check` starts: provokes a plugin, and may be ended by it.
struct PluginProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin-probe", abstract: "Provoke a plugin for 'lethe plugin check', which starts this.",
    shouldDisplay: false)

  /// More resident memory ends the process: a plugin that eats it must not take the machine along.
  private static let mostMiB = 8192

  @Argument(help: "The plugin's file.")
  var file: String

  @Argument(help: "What to do, 'rule' or 'rule@strategy'.")
  var jobs: [String] = []

  func run() throws {
    guard let output = OutputWatch() else { throw CommandError.cannotWrite(path: "/tmp", reason: "no file for output") }
    let channel = output.channel
    Self.leaveNoCore()
    LastWords.watch(channel)
    Self.guardMemory(channel)
    func tell(_ message: ProbeMessage) { Self.write(message.line, to: channel) }
    let prober = Prober(file, output: output)
    for name in jobs {
      tell(ProbeMessage(begin: name))
      for outcome in prober.outcomes(of: CheckJob(name: name)) { tell(ProbeMessage(outcome: outcome)) }
    }
    tell(ProbeMessage(isDone: true))
  }

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
