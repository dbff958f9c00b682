/// A protocol buffers message in the making: the four wire forms that TensorBoard's events need
/// (protobuf.dev/programming-guides/encoding).
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// A whole number of 64 bits, two's complement.
  mutating func add(_ field: UInt64, int value: Int64) {
    varint(field << 3)
    varint(UInt64(bitPattern: value))
  }

  mutating func add(_ field: UInt64, double value: Double) {
    varint(field << 3 | 1)
    fixed(value.bitPattern)
  }

  mutating func add(_ field: UInt64, float value: Float) {
    varint(field << 3 | 5)
    fixed(value.bitPattern)
  }

  mutating func add(_ field: UInt64, text: String) { add(field, bytes: Array(text.utf8)) }

  mutating func add(_ field: UInt64, message: ProtobufMessage) { add(field, bytes: message.bytes) }

  /// A packed list.
  mutating func add(_ field: UInt64, doubles: [Double]) {
    varint(field << 3 | 2)
    varint(UInt64(8 * doubles.count))
    for value in doubles { fixed(value.bitPattern) }
  }

  private mutating func add(_ field: UInt64, bytes content: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func fixed(_ value: some FixedWidthInteger) { bytes += littleEndianBytes(value) }
}

/// The bytes of a whole number, the lowest first.
func littleEndianBytes<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
  (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
