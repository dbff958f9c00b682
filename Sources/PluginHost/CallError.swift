import CLethe
import Glibc
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
    if let problem = unsafe problem(nil, "", body) { throw .call(call(), problem) }
  }

  /// Calls, and gives what went wrong.
  ///
  /// - Parameters:
  ///   - check: what a checker turned on, and where it is told how the call went.
  ///   - name: the call, `objective.terms`.
  static func problem(
    _ check: CheckMode? = nil, _ name: @autoclosure () -> String = "",
    _ body: (UnsafeMutablePointer<lethe_error>) -> lethe_status
  ) -> CallProblem? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: messageBytes) { text in
      guard let start = text.baseAddress else { return .state("there is no memory for its message") }
      unsafe start.initialize(repeating: 0, count: messageBytes)
      var error = unsafe lethe_error(
        size: ServiceTables.size(of: lethe_error.self), code: 0, message_cap: UInt32(messageBytes), message_len: 0,
        message: start, detail: 0)
      let status: lethe_status
      if let check {
        unsafe status = checked(check, name(), &error, start, body)
      } else {
        unsafe status = body(&error)
      }
      guard status != LETHE_OK else { return nil }
      return unsafe problem(status, message(start, length: Int(error.message_len)))
    }
  }

  /// Calls under a checker's eyes: with its room for the message, and with bytes around it that must stay.
  private static func checked(
    _ check: CheckMode, _ name: String, _ error: inout lethe_error, _ start: UnsafeMutablePointer<CChar>,
    _ body: (UnsafeMutablePointer<lethe_error>) -> lethe_status
  ) -> lethe_status {
    let capacity = check.capacity ?? messageBytes
    unsafe memset(start, Int32(CheckMode.filler), messageBytes)
    if capacity > 0 { unsafe start[0] = 0 }
    unsafe error.message_cap = UInt32(capacity)
    let status: lethe_status
    if check.watchesMemory {
      let before = ResidentMemory.startWatching()
      unsafe status = body(&error)
      check.note(name, kibibytes: ResidentMemory.mostKiB - before)
    } else {
      let clock = ContinuousClock()
      let began = clock.now
      unsafe status = body(&error)
      check.note(name, seconds: (clock.now - began) / .seconds(1))
    }
    if status != LETHE_OK { unsafe check.note(status, error, start, messageBytes) }
    if capacity < messageBytes { unsafe start[capacity] = 0 }
    return status
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
