import Glibc

/// Bytes at offsets, of a file or of memory. Every read is checked against the size, so that no length or offset that a
/// file claims about itself is ever trusted.
struct ByteSource {
  /// Bytes there are.
  let size: UInt64
  private let fetch: (UInt64, Int) -> [UInt8]?

  /// Bytes in memory.
  init(_ bytes: [UInt8]) {
    size = UInt64(bytes.count)
    fetch = { offset, count in Array(bytes[Int(offset)..<Int(offset) + count]) }
  }

  /// The bytes of an open file, read where they are wanted. The file is not mapped: one that shrinks meanwhile gives
  /// nil here, where a mapping would end the process. The descriptor stays the caller's.
  init(descriptor: Int32, size: UInt64) {
    self.size = size
    fetch = { offset, count in
      var bytes = [UInt8](repeating: 0, count: count)
      var done = 0
      while done < count {
        let start = off_t(offset) + off_t(done)
        let got = unsafe bytes.withUnsafeMutableBytes { buffer in
          unsafe pread(descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done, start)
        }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return nil }
        done += got
      }
      return bytes
    }
  }

  /// `count` bytes from `offset`, or nil where they are not all there.
  func read(_ offset: UInt64, _ count: UInt64) -> ByteBlock? {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard !overflow, end <= size, let length = Int(exactly: count) else { return nil }
    if length == 0 { return ByteBlock(bytes: []) }
    return fetch(offset, length).map(ByteBlock.init)
  }
}

/// Bytes that were read, with little-endian numbers in them.
struct ByteBlock {
  let bytes: [UInt8]

  /// The number at `offset`, or nil where the block ends before it does.
  func number<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number? {
    let width = MemoryLayout<Number>.size
    guard offset >= 0, offset <= bytes.count - width else { return nil }
    var value: Number = 0
    for index in (0..<width).reversed() { value = value << 8 | Number(truncatingIfNeeded: bytes[offset + index]) }
    return value
  }

  /// The text from `offset` up to the next zero byte, or nil where there is none.
  func text(at offset: Int) -> String? {
    guard offset >= 0, offset < bytes.count, let end = bytes[offset...].firstIndex(of: 0) else { return nil }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }
}
