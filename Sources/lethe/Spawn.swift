import Foundation
import Glibc
import Runs

/// Starts a program and waits for its end, without Foundation's `Process`, which looks for the end twenty times a second.
enum Spawn {
  /// How a program ended that ended well.
  struct End {
    /// From its start to its end.
    let seconds: Double
    /// The most memory it had resident at a time.
    let peakKiB: Int
  }

  /// Runs a program.
  ///
  /// - Parameters:
  ///   - environment: variables that it gets besides this process's own.
  ///   - output: the file that its standard output goes to.
  ///   - errors: the file that its standard error goes to.
  /// - Throws: `CommandError.cannotStart` when it does not start or its exit code is not 0.
  @discardableResult
  static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], output: String = "/dev/null",
    errors: String = "/dev/null"
  ) throws -> End {
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
    for (descriptor, file) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
      unsafe posix_spawn_file_actions_addopen(&actions, descriptor, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
    let clock = ContinuousClock()
    let began = clock.now
    var child = pid_t()
    let status = unsafe withStrings([program] + arguments) { argv in
      unsafe withStrings(variables) { unsafe posix_spawn(&child, program, &actions, &attributes, argv, $0) }
    }
    guard status == 0 else { throw CommandError.cannotStart(program) }
    var result: Int32 = 0
    var usage = rusage()
    while unsafe wait4(child, &result, 0, &usage) < 0 {
      guard errno == EINTR else { throw CommandError.cannotStart(program) }
    }
    guard result == 0 else { throw CommandError.cannotStart(program) }
    return End(seconds: (clock.now - began) / .seconds(1), peakKiB: usage.ru_maxrss)
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
