import Engine
import Foundation
import Glibc

/// What a process that runs plugins and the one that watches it share: a page in which the first writes down the callback it is
/// in, so that the second can name the plugin when the first has died or must be ended.
final class CallRecorder {
  /// A callback: the plugin's id, its file's name, `objective.terms`, the step from 0 and the seconds since it began.
  typealias Entry = (plugin: String, file: String, call: String, step: Int?, seconds: Double)

  /// The variable that tells a child which of its open files the page is.
  private static let variable = "LETHE_RECORDER"
  /// The page's descriptor in the child.
  private static let descriptor: Int32 = 100

  private let page: Int32

  init() throws {
    guard let page = Front.makeRecorder() else { throw CommandError.cannotStart("lethe") }
    self.page = page
  }

  deinit { close(page) }

  /// What the child's environment needs.
  var environment: [String: String] { [Self.variable: String(Self.descriptor)] }
  /// Which of the child's descriptors is which of this process's.
  var file: (Int32, Int32) { (Self.descriptor, page) }

  /// The callback that the child is in; nil outside of callbacks.
  var entry: Entry? { Front.recorded(page) }
  /// " in objective.terms", the end of a sentence; nothing outside of callbacks.
  var call: String { entry.map { " in \($0.call)" } ?? "" }
  /// The folder of the run that the child carries out; nil before there is one.
  var folder: String? { Front.recordedFolder(page) }

  /// In a child that was started with a recorder: records its callbacks, dies of signals without a core dump, and gets
  /// `signal` when the process that watches it has ended. False in any other process.
  static func isWatched(endsBy signal: Int32) throws -> Bool {
    guard let text = ProcessInfo.processInfo.environment[variable] else { return false }
    _ = unsafe unsetenv(variable)
    guard let page = Int32(text), Front.record(into: page) else { throw CommandError.cannotStart("lethe") }
    close(page)
    var none = rlimit()
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    // Swift's own handler comes back from a signal that was raised, as if nothing had been.
    for number in [SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP] { Glibc.signal(number, SIG_DFL) }
    // Not in glibc's module for Swift.
    typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    guard let symbol = unsafe dlsym(nil, "prctl") else { return true }
    _ = unsafe unsafeBitCast(symbol, to: Control.self)(1, UInt(signal), 0, 0, 0)
    return true
  }

  /// Bytes of a process that are in memory; 0 for one that is gone.
  static func resident(_ process: pid_t) -> Int {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8) else { return 0 }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// `SIGSEGV`; the number of one that programs do not end by.
  static func name(of signal: Int32) -> String {
    let names = [
      SIGSEGV: "SIGSEGV", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGKILL: "SIGKILL",
      SIGTRAP: "SIGTRAP", SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGPIPE: "SIGPIPE",
    ]
    return names[signal] ?? "signal \(signal)"
  }
}
