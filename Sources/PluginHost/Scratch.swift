import Glibc

/// Memory of one callback: pieces of one block that is kept, or blocks of their own, all freed together.
@safe struct Scratch {
  private static let blockBytes = 16 << 10
  private static let largestAlignment = 64
  private var block: UnsafeMutableRawPointer?
  private var used = 0
  private var others: [UnsafeMutableRawPointer] = unsafe []

  init() {}

  /// `bytes` zeroed bytes, or nil where there is no memory or `alignment` is not a power of two up to 64.
  mutating func take(_ bytes: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    guard bytes >= 0, alignment > 0, alignment <= Self.largestAlignment, alignment & (alignment - 1) == 0 else {
      return nil
    }
    if unsafe block == nil { unsafe block = Self.allocate(Self.blockBytes) }
    let start = (used + alignment - 1) & ~(alignment - 1)
    if let block = unsafe block, start <= Self.blockBytes, bytes <= Self.blockBytes - start {
      used = start + bytes
      let piece = unsafe block + start
      unsafe memset(piece, 0, bytes)
      return unsafe piece
    }
    guard let own = unsafe Self.allocate(max(1, bytes)) else { return nil }
    unsafe memset(own, 0, bytes)
    unsafe others.append(own)
    return unsafe own
  }

  /// Room for `count` elements.
  mutating func array<Element>(of type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element>? {
    let (bytes, overflow) = max(1, count).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow else { return nil }
    return unsafe take(bytes, alignment: MemoryLayout<Element>.alignment)?
      .bindMemory(to: Element.self, capacity: max(1, count))
  }

  /// Frees everything that was taken.
  mutating func empty() {
    used = 0
    unsafe others.forEach { unsafe free($0) }
    unsafe others.removeAll()
  }

  /// Frees the block too; the last thing.
  mutating func close() {
    empty()
    unsafe free(block)
    unsafe block = nil
  }

  private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    var pointer: UnsafeMutableRawPointer?
    return unsafe posix_memalign(&pointer, largestAlignment, bytes) == 0 ? pointer : nil
  }
}
