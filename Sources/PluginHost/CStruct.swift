import CLethe

/// Structs that cross the border: each begins with the bytes that its owner's compiler gave it.
enum CStruct {
  /// Whether the struct's owner knew that field.
  static func has<Struct, Field>(_ pointer: UnsafePointer<Struct>, _ field: KeyPath<Struct, Field>) -> Bool {
    guard let offset = MemoryLayout<Struct>.offset(of: field) else { return false }
    return unsafe size(pointer) >= offset + MemoryLayout<Field>.size
  }

  static func has<Struct, Field>(
    _ pointer: UnsafeMutablePointer<Struct>, _ field: KeyPath<Struct, Field>
  ) -> Bool {
    unsafe has(UnsafePointer(pointer), field)
  }

  /// The bytes that the owner says the struct has.
  static func size<Struct>(_ pointer: UnsafePointer<Struct>) -> Int {
    unsafe Int(UnsafeRawPointer(pointer).loadUnaligned(as: UInt32.self))
  }

  /// A copy of what both sides know of somebody's struct; fields beyond are those of `zero`.
  static func copy<Struct: BitwiseCopyable>(_ pointer: UnsafeRawPointer, into zero: Struct) -> Struct {
    var copy = zero
    let size = unsafe Int(pointer.loadUnaligned(as: UInt32.self))
    unsafe withUnsafeMutableBytes(of: &copy) { target in
      unsafe target.copyMemory(
        from: UnsafeRawBufferPointer(start: pointer, count: min(size, MemoryLayout<Struct>.size)))
    }
    return copy
  }

  /// Fills a plugin's struct as far as the plugin knows it; its size stays what the plugin wrote.
  static func fill<Struct: BitwiseCopyable>(
    _ target: UnsafeMutablePointer<Struct>?, _ value: Struct, least: Int, _ name: String
  ) throws(Refusal) {
    guard let target = unsafe target else { throw Refusal(LETHE_E_INVALID_ARGUMENT, "'\(name)' is NULL") }
    let size = unsafe size(UnsafePointer(target))
    guard size >= least, size <= 4096 else {
      throw Refusal(
        LETHE_E_INVALID_ARGUMENT, "the size of '\(name)' is \(size), set it to sizeof of the struct before the call")
    }
    let count = min(size, MemoryLayout<Struct>.size)
    let bytes = unsafe UnsafeMutableRawBufferPointer(start: target, count: count)
    unsafe withUnsafeBytes(of: value) { source in
      for index in 4..<count { unsafe bytes[index] = source[index] }
    }
  }

  /// A C text of the other side, repaired where it is not UTF-8; nil for NULL. At most `limit` bytes are read.
  static func text(_ pointer: UnsafePointer<CChar>?, limit: Int = 4096) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    var bytes: [UInt8] = []
    while bytes.count < limit, case let byte = unsafe UInt8(bitPattern: pointer[bytes.count]), byte != 0 {
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Text as one line without control characters.
  static func line(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
    return String(scalars).trimmed
  }
}

extension String {
  /// Without spaces at both ends.
  var trimmed: String {
    guard let first = firstIndex(where: { $0 != " " }), let last = lastIndex(where: { $0 != " " }) else { return "" }
    return String(self[first...last])
  }
}
