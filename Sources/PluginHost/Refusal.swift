import CLethe
import Learning
import Tensors

/// Why the host does not do what a plugin asks for: a status with its text.
struct Refusal: Error {
  let status: lethe_status
  let message: String
  var detail: Int64 = 0

  init(_ status: lethe_status, _ message: String, detail: Int64 = 0) {
    self.status = status
    self.message = message
    self.detail = detail
  }

  /// What happened inside the host, as a plugin is told.
  init(_ error: any Error) {
    switch error {
    case let refusal as Refusal: self = refusal
    case LearningError.interrupted: self.init(LETHE_E_CANCELLED, "\(error)")
    case is StepDraws.OtherDraw: self.init(LETHE_E_PRECONDITION, "\(error)")
    case TensorError.outOfMemory: self.init(LETHE_E_EXHAUSTED, "\(error)")
    case let error as TensorError: self.init(LETHE_E_INVALID_ARGUMENT, "\(error)")
    default: self.init(LETHE_E_INTERNAL, "\(error)")
    }
  }

  static func argument(_ index: Int, _ message: String) -> Refusal {
    Refusal(LETHE_E_INVALID_ARGUMENT, message, detail: Int64(index))
  }

  /// Writes it where the caller wants it, and gives the status.
  func write(_ error: UnsafeMutablePointer<lethe_error>?) -> lethe_status {
    guard let error = unsafe error, unsafe CStruct.has(error, \lethe_error.message) else { return status }
    unsafe error.pointee.code = status
    let bytes = Array(message.utf8)
    unsafe error.pointee.message_len = UInt32(clamping: bytes.count)
    if unsafe CStruct.has(error, \lethe_error.detail) { unsafe error.pointee.detail = detail }
    let capacity = unsafe Int(error.pointee.message_cap)
    guard let text = unsafe error.pointee.message, capacity > 0 else { return status }
    var length = min(bytes.count, capacity - 1)
    // Never half a character.
    while length > 0, length < bytes.count, bytes[length] & 0xC0 == 0x80 { length -= 1 }
    for index in 0..<length { unsafe text[index] = CChar(bitPattern: bytes[index]) }
    unsafe text[length] = 0
    return status
  }
}

/// Does what may fail in the host's own ways.
func attempt<Success>(_ body: () throws -> Success) throws(Refusal) -> Success {
  do { return try body() } catch { throw Refusal(error) }
}
