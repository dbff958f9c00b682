import Foundation
import Glibc
import Runs

/// Starts a program and waits for its end, without Foundation's `Process`, which looks for the end twenty times a second.
enum Spawn {
  /// Seconds from the program's start to its end; its output goes nowhere.
  static func seconds(_ program: String, _ arguments: [String]) throws -> Double {
    var attributes = posix_spawnattr_t()
    var actions = unsafe posix_spawn_file_actions_t()
    var none = sigset_t()
    unsafe posix_spawnattr_init(&attributes)
    unsafe posix_spawn_file_actions_init(&actions)
    defer {
      unsafe posix_spawnattr_destroy(&attributes)
      unsafe posix_spawn_file_actions_destroy(&actions)
    }
    // This process has Ctrl-C blocked for its waiting thread; the child must not inherit that.
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
      unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let clock = ContinuousClock()
    let began = clock.now
    var child = pid_t()
    let status = unsafe withStrings([program] + arguments) { argv in
      unsafe withStrings(environment) { unsafe posix_spawn(&child, program, &actions, &attributes, argv, $0) }
    }
    guard status == 0 else { throw CommandError.cannotStart(program) }
    var result: Int32 = 0
    while unsafe waitpid(child, &result, 0) < 0 {
      guard errno == EINTR else { throw CommandError.cannotStart(program) }
    }
    guard result == 0 else { throw CommandError.cannotStart(program) }
    return (clock.now - began) / .seconds(1)
  }

  private static func withStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("an array that ends in nil is not empty") }
      return unsafe body(base)
    }
  }
}
