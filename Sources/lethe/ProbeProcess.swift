import Contract
import Foundation
import Glibc

/// This process as one that a plugin may end: it tells its parent what it does, and writes down which callback it is in.
struct ProbeProcess {
  /// What notices that the plugin writes.
  let output: OutputWatch

  /// From here on standard output belongs to the parent, and the process ends with it.
  init() throws {
    guard let output = OutputWatch() else { throw CommandError.cannotWrite(path: "/tmp", reason: "no file for output") }
    self.output = output
    _ = try CallRecorder.isWatched(endsBy: SIGKILL)
  }

  /// Sends a message to the parent.
  func tell(_ message: ProbeMessage) {
    var bytes = Array(message.line.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(output.channel, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}
