import Foundation
import Glibc

/// Where text goes: results to standard output, everything else to standard error.
enum Output {
  /// Writes a result.
  static func result(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      throw CommandError.outputFailed
    }
  }

  /// Writes something for the person who waits. A standard error that is closed is nobody's loss.
  static func tell(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Whether a person looks at standard error.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Columns of that terminal.
  static var width: Int {
    var size = winsize()
    guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 80 }
    return Int(size.ws_col)
  }

  /// Ends the process without running anyone's destructors: plugins and LibTorch may have threads that still run.
  static func leave(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
  }
}
