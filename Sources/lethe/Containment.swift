import ArgumentParser
import Engine
import Foundation
import Glibc
import Runs

/// `--contain`: the run is carried out by a child process, so that a plugin can end the child, but never what watches it.
struct Containment: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Carry the run out in a child process. A plugin that crashes, hangs or takes too much memory is named.",
      discussion: "What was done up to the last checkpoint stays; the message says how to go on."))
  var contain = false

  @Option(
    name: .customLong("contain-seconds"),
    help: ArgumentHelp("With --contain: the longest that one call of a plugin may take [600].", valueName: "seconds"))
  var seconds: Double?

  @Option(
    name: .customLong("contain-memory"),
    help: ArgumentHelp(
      "With --contain: the most memory that the run may have resident [80 % of what the machine or the container has].",
      valueName: "GiB"))
  var memory: Double?

  func validate() throws {
    for (name, value) in [("--contain-seconds", seconds), ("--contain-memory", memory)] {
      guard let value else { continue }
      guard contain else { throw ValidationError("\(name) goes with --contain") }
      guard value.isFinite, value > 0 else { throw ValidationError("\(name) takes a number above 0") }
    }
  }

  /// Watches the run in a child and throws what ended it badly; false where there is nothing to watch: without
  /// `--contain`, and in the child itself.
  func isWatched() throws -> Bool {
    guard contain else { return false }
    // The run saves its state when it is told to end.
    if try CallRecorder.isWatched(endsBy: SIGTERM) { return false }
    let child = try Child()
    let code = try child.watch(
      seconds: seconds ?? 600, bytes: Int(memory.map { $0 * 1_073_741_824 } ?? 0.8 * Child.memory))
    Output.leave(code)
  }

  /// The process that carries the run out.
  private final class Child {
    private let recorder: CallRecorder
    private let pid: pid_t

    init() throws {
      recorder = try CallRecorder()
      let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
      Signals.block()
      guard
        let pid = Spawn.start(
          program, Array(CommandLine.arguments.dropFirst()),
          environment: recorder.environment,
          files: [
            (STDIN_FILENO, STDIN_FILENO), (STDOUT_FILENO, STDOUT_FILENO), (STDERR_FILENO, STDERR_FILENO),
            recorder.file,
          ])
      else { throw CommandError.cannotStart(program) }
      self.pid = pid
      // Ctrl-C on a terminal reaches the child by itself.
      let hasTerminal = isatty(STDIN_FILENO) == 1 || isatty(STDERR_FILENO) == 1
      Signals.pass { signal in if signal == SIGTERM || !hasTerminal { kill(pid, signal) } }
    }

    /// Bytes that there are: the machine's, or those that its container may use.
    static var memory: Double {
      let machine = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
      let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      let limits = files.compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
        .compactMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
      return limits.reduce(machine, min)
    }

    /// Waits for the child's end; gives its exit code.
    ///
    /// - Throws: what a plugin did, where it ended the child or had to be ended.
    func watch(seconds: Double, bytes: Int) throws -> Int32 {
      var status: Int32 = 0
      while true {
        let waited = unsafe waitpid(pid, &status, WNOHANG)
        if waited == pid { break }
        if waited < 0, errno != EINTR { throw CommandError.cannotStart("lethe") }
        if let entry = recorder.entry, entry.seconds > seconds {
          throw end("took longer than \(NumberText.duration(seconds)) and was ended", entry)
        }
        if CallRecorder.resident(pid) > bytes {
          let gibibytes = (Double(bytes) / 1_073_741_824 * 10).rounded() / 10
          throw end("came to more than \(gibibytes) GiB of memory and was ended", recorder.entry)
        }
        usleep(20_000)
      }
      let signal = status & 0x7F
      let code = status >> 8 & 0xFF
      if signal != 0 { throw failure("ended the process by \(CallRecorder.name(of: signal))", recorder.entry) }
      // Our own exits come from outside of callbacks.
      if let entry = recorder.entry { throw failure("ended the process with exit code \(code)", entry) }
      return code
    }

    private func end(_ what: String, _ entry: CallRecorder.Entry?) -> CommandError {
      let error = failure(what, entry)
      kill(pid, SIGKILL)
      var status: Int32 = 0
      while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
      return error
    }

    private func failure(_ what: String, _ entry: CallRecorder.Entry?) -> CommandError {
      let folder = recorder.folder.map { RunFolders.shown(URL(fileURLWithPath: $0)) }
      guard let entry else {
        let hint = folder.map { "; go on with: lethe run --resume \($0) --contain" } ?? ""
        return .contained("the run, outside of any plugin, \(what)\(hint)")
      }
      let step = entry.step.map { " at step \($0)" } ?? ""
      var message = "plugin '\(entry.plugin)' (\(entry.file)) in \(entry.call)\(step) \(what)"
      if let folder, FileManager.default.fileExists(atPath: "\(folder)/report.json") {
        message += "; the run had finished, its report is in \(folder)/report.md"
      } else if let folder {
        message += "; go on from the last checkpoint with: lethe run --resume \(folder) --contain"
        let role = entry.call.split(separator: ".").first.map(String.init) ?? ""
        if let role = RunCommand.Removable(rawValue: role) { message += ", or without it: --without \(role.rawValue)" }
      }
      return .contained(message)
    }
  }
}
