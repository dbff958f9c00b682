import CLethe
import Learning

/// The error buffer of one call of a plugin, and what its status means.
enum CallError {
  static let messageBytes = 1024

  /// Calls, and throws what went wrong.
  ///
  /// - Parameter cancel: makes "cancelled" an interruption where the run was asked to stop.
  static func check(
    _ call: @autoclosure () -> PluginCall, cancel: CancelFlag? = nil,
    _ body: (UnsafeMutablePointer<lethe_error>) -> lethe_status
  ) throws(PluginError) {
    if let problem = unsafe problem(body) { throw .call(call(), problem) }
  }

  /// Calls, and gives what went wrong.
  static func problem(_ body: (UnsafeMutablePointer<lethe_error>) -> lethe_status) -> CallProblem? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: messageBytes) { text in
      guard let start = text.baseAddress else { return .state("there is no memory for its message") }
      unsafe start.initialize(repeating: 0, count: messageBytes)
      var error = unsafe lethe_error(
        size: ServiceTables.size(of: lethe_error.self), code: 0, message_cap: UInt32(messageBytes), message_len: 0,
        message: start, detail: 0)
      let status = unsafe body(&error)
      guard status != LETHE_OK else { return nil }
      return unsafe problem(status, message(start, length: Int(error.message_len)))
    }
  }

  private static func problem(_ status: lethe_status, _ message: String) -> CallProblem {
    if !CallProblem.isKnown(status) { return .unknownStatus(status, message: message) }
    if status == LETHE_E_CANCELLED { return .notCancelled }
    return message.isEmpty ? .silent(status: status) : .said(message)
  }

  /// The text of the host's own buffer: repaired, one line, marked where it was cut off.
  private static func message(_ start: UnsafePointer<CChar>, length: Int) -> String {
    var bytes: [UInt8] = []
    while bytes.count < messageBytes, case let byte = unsafe UInt8(bitPattern: start[bytes.count]), byte != 0 {
      bytes.append(byte)
    }
    let isCut = bytes.count >= messageBytes - 1
    // A character that was cut in two is left out, not shown as damaged.
    if isCut, let lead = bytes.lastIndex(where: { $0 & 0xC0 != 0x80 }), bytes[lead] >= 0xC0 {
      let width = bytes[lead] >= 0xF0 ? 4 : bytes[lead] >= 0xE0 ? 3 : 2
      if bytes.count - lead < width { bytes.removeSubrange(lead...) }
    }
    let text = CStruct.line(String(decoding: bytes, as: UTF8.self))
    return isCut ? "\(text) … (cut off, \(max(length, bytes.count)) bytes in all)" : text
  }
}
