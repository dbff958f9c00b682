import Glibc

/// A copy of a file's bytes in memory that nobody can change, this process included. The descriptor is the caller's to close.
struct SealedCopy {
  let descriptor: Int32
  /// SHA-256 of the copy, not of the file.
  let sha256: String

  // Of <linux/memfd.h> and <linux/fcntl.h>, which glibc's module does not show to Swift.
  private static let closeOnExec: UInt32 = 1
  private static let allowSealing: UInt32 = 2
  private static let addSeals: Int32 = 1033
  /// No further seals, no other length, no writing.
  private static let allSeals: Int32 = 1 | 2 | 4 | 8

  init(_ file: borrowing OpenFile) throws(PluginError) {
    typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    guard let symbol = unsafe dlsym(nil, "memfd_create") else {
      throw .notLoadable(path: file.path, reason: "this system keeps no files in memory")
    }
    let create = unsafe unsafeBitCast(symbol, to: Create.self)
    let descriptor = unsafe create("lethe-plugin", Self.closeOnExec | Self.allowSealing)
    guard descriptor >= 0 else {
      throw .notLoadable(path: file.path, reason: "no copy in memory: \(systemMessage())")
    }
    do throws(PluginError) {
      try file.write(into: descriptor)
      guard fcntl(descriptor, Self.addSeals, Self.allSeals) == 0 else {
        throw .notLoadable(path: file.path, reason: "its copy in memory cannot be sealed: \(systemMessage())")
      }
      sha256 = try OpenFile.sha256(of: descriptor, size: UInt64(max(0, file.identity.size)), path: file.path)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }
}
