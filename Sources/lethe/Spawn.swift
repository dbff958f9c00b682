import Foundation
import Glibc
import Runs

/// Starts programs without Foundation's `Process`, which looks for their end twenty times a second.
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
    func file(_ path: String) throws -> Int32 {
      let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw CommandError.cannotStart(program) }
      return descriptor
    }
    let out = try file(output)
    defer { close(out) }
    let err = try file(errors)
    defer { close(err) }
    let clock = ContinuousClock()
    let began = clock.now
    let files = [(STDOUT_FILENO, out), (STDERR_FILENO, err)]
    guard let child = start(program, arguments, environment: environment, files: files) else {
      throw CommandError.cannotStart(program)
    }
    var result: Int32 = 0
    var usage = rusage()
    while unsafe wait4(child, &result, 0, &usage) < 0 {
      guard errno == EINTR else { throw CommandError.cannotStart(program) }
    }
    guard result == 0 else { throw CommandError.cannotStart(program) }
    return End(seconds: (clock.now - began) / .seconds(1), peakKiB: usage.ru_maxrss)
  }

  /// Starts a program with this one's environment.
  ///
  /// - Parameters:
  ///   - environment: variables that it gets besides this process's own.
  ///   - files: which of its descriptors are which of this process's.
  ///   - isApart: whether it gets a process group of its own, which Ctrl-C on the terminal does not reach.
  /// - Returns: its process id; nil where it cannot be started.
  static func start(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], files: [(Int32, Int32)],
    isApart: Bool = false
  ) -> pid_t? {
    var attributes = posix_spawnattr_t()
    var actions = unsafe posix_spawn_file_actions_t()
    var (none, usual) = (sigset_t(), sigset_t())
    unsafe posix_spawnattr_init(&attributes)
    unsafe posix_spawn_file_actions_init(&actions)
    defer {
      unsafe posix_spawnattr_destroy(&attributes)
      unsafe posix_spawn_file_actions_destroy(&actions)
    }
    // This process has Ctrl-C blocked for its waiting thread, and may ignore broken pipes; the child must inherit neither.
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe sigemptyset(&usual)
    unsafe sigaddset(&usual, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &usual)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (isApart ? POSIX_SPAWN_SETPGROUP : 0)
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    for (target, source) in files { unsafe posix_spawn_file_actions_adddup2(&actions, source, target) }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" }
    var child = pid_t()
    let status = unsafe withStrings([program] + arguments) { argv in
      unsafe withStrings(variables) { unsafe posix_spawn(&child, program, &actions, &attributes, argv, $0) }
    }
    return status == 0 ? child : nil
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
