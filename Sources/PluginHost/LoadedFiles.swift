import Glibc
import Synchronization

/// The files that were loaded. The dynamic linker gives the old library for a path whose file was replaced, so that a file
/// that was built anew is loaded from a copy beside it; the old code stays where it is.
enum LoadedFiles {
  private struct Loaded {
    /// Which bytes a path held when it was loaded first.
    var first: [String: FileIdentity] = [:]
    /// Which bytes were loaded from copies, by the path and those bytes.
    var copies: [Copy: UInt] = [:]
    /// What was loaded from memory, by SHA-256.
    var sealed: [String: UInt] = [:]
    var count = 0
  }

  private struct Copy: Hashable {
    let path: String
    let identity: FileIdentity
  }

  private static let all = Mutex(Loaded())

  /// Loads a file that was let in: from where it lies, or from a copy in memory where others could change it.
  ///
  /// - Parameter sha256: of the bytes that were let in.
  /// - Throws: `replaced` where the path no longer leads to the bytes that were checked; nothing of it is called then.
  static func handle(
    of file: borrowing OpenFile, _ admission: TrustPolicy.Admission, sha256: String
  ) throws(PluginError) -> UnsafeMutableRawPointer {
    switch admission {
    case .sealedCopy: return unsafe try sealed(file, sha256: sha256)
    case .asItLies:
      try file.checkUnchanged()
      let handle = unsafe try inPlace(file)
      try file.checkUnchanged()
      return unsafe handle
    }
  }

  private static func inPlace(_ file: borrowing OpenFile) throws(PluginError) -> UnsafeMutableRawPointer {
    let copy = Copy(path: file.path, identity: file.identity)
    let (isOriginal, known, number) = all.withLock { all in
      if all.first[copy.path] == nil { all.first[copy.path] = copy.identity }
      all.count += 1
      return (all.first[copy.path] == copy.identity, all.copies[copy], all.count)
    }
    if isOriginal { return unsafe try LoadedPlugin.load(copy.path) }
    if let known, let handle = unsafe UnsafeMutableRawPointer(bitPattern: known) { return unsafe handle }
    // In the same folder, or libraries that it finds beside itself are not found.
    let path = hidden(beside: copy.path, number: number)
    defer { _ = unsafe unlink(path) }
    try file.write(to: path)
    let handle = unsafe try LoadedPlugin.load(path)
    let bits = UInt(bitPattern: handle)
    all.withLock { all in all.copies[copy] = bits }
    return unsafe handle
  }

  /// Loads a copy that nobody can change any more, if its bytes are those that were let in.
  private static func sealed(
    _ file: borrowing OpenFile, sha256: String
  ) throws(PluginError) -> UnsafeMutableRawPointer {
    if let known = all.withLock({ $0.sealed[sha256] }), let handle = unsafe UnsafeMutableRawPointer(bitPattern: known) {
      return unsafe handle
    }
    let copy = try SealedCopy(file)
    guard copy.sha256 == sha256 else {
      close(copy.descriptor)
      throw .replaced(path: file.path)
    }
    // The descriptor stays open with the library: the linker knows libraries by their paths, and the number is its path.
    let handle: UnsafeMutableRawPointer
    do throws(PluginError) {
      unsafe handle = try LoadedPlugin.load("/proc/self/fd/\(copy.descriptor)")
    } catch {
      close(copy.descriptor)
      guard case .notLoadable(_, let reason) = error else { throw error }
      throw .notLoadable(path: file.path, reason: reason)
    }
    let bits = UInt(bitPattern: handle)
    all.withLock { $0.sealed[sha256] = bits }
    return unsafe handle
  }

  /// A name that no search for plugins looks at.
  private static func hidden(beside path: String, number: Int) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + [".\(parts.last ?? "").\(getpid()).\(number)"]).joined(separator: "/")
  }
}
