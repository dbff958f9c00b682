import Glibc

/// Notices what is written to standard output and error: both lead into a file without a name from now on.
package final class OutputWatch {
  private let file: Int32
  /// Where standard output led before: the process's own channel.
  package let channel: Int32

  /// - Returns: nil where the system gives no such file.
  package init?() {
    var name = Array("/tmp/lethe-output-XXXXXX".utf8CString)
    file = unsafe mkstemp(&name)
    channel = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10)
    guard file >= 0, channel >= 0 else { return nil }
    unsafe unlink(name)
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    dup2(file, STDOUT_FILENO)
    dup2(file, STDERR_FILENO)
  }

  /// What was written before does not count.
  func forget() {
    fflush(nil)
    ftruncate(file, 0)
    lseek(file, 0, SEEK_SET)
  }

  /// What was written since, its first line; nil for nothing.
  func take() -> String? {
    fflush(nil)
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = unsafe pread(file, &bytes, bytes.count, 0)
    defer { forget() }
    guard count > 0 else { return nil }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    return text.split(separator: "\n").first.map(String.init) ?? "an empty line"
  }
}
