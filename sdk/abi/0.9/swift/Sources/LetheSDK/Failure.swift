// SPDX-License-Identifier: Apache-2.0
public import CLethe

/// Why a call failed. The host's refusals arrive as one; thrown out of a callback, it is what the run reports.
///
/// Wording: lower case, what is wrong and what would be right, no full stop. The host adds plugin, strategy, call, step.
public struct Failure: Error, CustomStringConvertible {
  /// One of `LETHE_E_*`.
  public var status: lethe_status
  /// One sentence.
  public var message: String
  /// With `LETHE_E_INVALID_ARGUMENT` the index of the parameter or argument.
  public var detail: Int

  /// A failure with a sentence of yours; `LETHE_E_PRECONDITION` unless said otherwise.
  public init(_ message: String, status: lethe_status = LETHE_E_PRECONDITION, detail: Int = 0) {
    self.status = status
    self.message = message
    self.detail = detail
  }

  /// The parameter at this index (in the manifest's order) cannot have this value.
  public static func parameter(_ index: Int, _ message: String) -> Failure {
    Failure(message, status: LETHE_E_INVALID_ARGUMENT, detail: index)
  }

  /// The run was asked to stop.
  public static let cancelled = Failure("cancelled", status: LETHE_E_CANCELLED)

  /// The sentence.
  public var description: String { message }

  /// What a callback reports for an error of any kind.
  init(reporting error: any Error) {
    self = error as? Failure ?? Failure("\(error)", status: LETHE_E_UNKNOWN)
  }

  /// Copies the message into the caller's buffer, cut between two characters where it is too long, and gives the status.
  func write(to error: UnsafeMutablePointer<lethe_error>?) -> lethe_status {
    guard let error, error.pointee.size >= UInt32(MemoryLayout<lethe_error>.size) else { return status }
    let bytes = Array(message.utf8)
    error.pointee.code = status
    error.pointee.detail = Int64(detail)
    error.pointee.message_len = UInt32(bytes.count)
    guard let buffer = error.pointee.message, error.pointee.message_cap > 0 else { return status }
    var count = min(bytes.count, Int(error.pointee.message_cap) - 1)
    while count < bytes.count, count > 0, bytes[count] & 0xC0 == 0x80 { count -= 1 }
    for index in 0..<count { buffer[index] = CChar(bitPattern: bytes[index]) }
    buffer[count] = 0
    return status
  }
}

/// Calls the host with a buffer for its message, and throws what it says.
func ask(_ body: (UnsafeMutablePointer<lethe_error>) -> lethe_status) throws {
  let capacity = 1024
  let failure: Failure? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
    buffer.initialize(repeating: 0)
    var error = lethe_error()
    error.size = UInt32(MemoryLayout<lethe_error>.size)
    error.message_cap = UInt32(capacity)
    error.message = buffer.baseAddress
    let status = body(&error)
    guard status != LETHE_OK else { return nil }
    let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return Failure(String(decoding: text, as: UTF8.self), status: status, detail: Int(error.detail))
  }
  if let failure { throw failure }
}

/// A function of a service, or the error that this host does not offer it.
func offered<Function>(_ function: Function?, _ name: StaticString) throws -> Function {
  guard let function else { throw Failure("the host does not offer \(name)", status: LETHE_E_UNIMPLEMENTED) }
  return function
}
