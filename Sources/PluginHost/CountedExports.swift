import Synchronization

/// DLPack views that plugins were given and have not given back, counted for a checker.
///
/// A view's struct is copied, with a deleter that counts and then calls the original's.
package enum CountedExports {
  /// Of DLPack 1: version, manager, deleter, flags, and the tensor.
  private static let bytes = 80
  private static let managerOffset = 8
  private static let deleterOffset = 16
  private typealias Deleter = @convention(c) (UnsafeMutableRawPointer?) -> Void

  private static let count = Atomic<Int>(0)

  /// How many there are.
  package static var open: Int { count.load(ordering: .acquiring) }

  /// The same view under a struct whose deleter counts.
  static func counting(_ view: OpaquePointer) -> OpaquePointer {
    let original = unsafe UnsafeMutableRawPointer(view)
    let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
    unsafe copy.copyMemory(from: original, byteCount: bytes)
    unsafe copy.storeBytes(of: UInt(bitPattern: original), toByteOffset: managerOffset, as: UInt.self)
    let deleter: Deleter = { pointer in unsafe CountedExports.dispose(pointer) }
    unsafe copy.storeBytes(
      of: unsafeBitCast(deleter, to: UInt.self), toByteOffset: deleterOffset, as: UInt.self)
    count.add(1, ordering: .acquiringAndReleasing)
    return OpaquePointer(copy)
  }

  private static func dispose(_ pointer: UnsafeMutableRawPointer?) {
    guard let copy = unsafe pointer else { return }
    let manager = unsafe copy.load(fromByteOffset: managerOffset, as: UInt.self)
    guard let original = unsafe UnsafeMutableRawPointer(bitPattern: manager) else { return }
    let delete = unsafe original.load(fromByteOffset: deleterOffset, as: UInt.self)
    if delete != 0 { unsafe unsafeBitCast(delete, to: Deleter.self)(original) }
    unsafe copy.deallocate()
    count.subtract(1, ordering: .acquiringAndReleasing)
  }
}
