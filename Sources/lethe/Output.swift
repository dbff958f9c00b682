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

  /// Whether standard output is a terminal.
  static var showsResult: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Whether a person looks at standard error.
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Columns of that terminal, for lines that are written into it.
  static var width: Int { size.columns < 20 ? 80 : size.columns }

  /// Columns and rows of that terminal; 80 and 24 where it does not say.
  static var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Ends the process without running anyone's destructors: plugins and LibTorch may have threads that still run.
  static func leave(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
  }
}
