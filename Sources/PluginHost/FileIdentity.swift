import Glibc
import Learning

/// Which bytes a file held when it was looked at.
package struct FileIdentity: Hashable, Sendable {
  package var device: UInt64
  package var inode: UInt64
  package var size: Int64
  package var modifiedSeconds: Int64
  package var modifiedNanoseconds: Int64

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modifiedSeconds = Int64(status.st_mtim.tv_sec)
    modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
  }

  /// Whether it is the same file, whatever its content became.
  func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }
}

/// A regular file, open for reading.
struct OpenFile: ~Copyable {
  /// Without links.
  let path: String
  let descriptor: Int32
  let status: stat

  var identity: FileIdentity { FileIdentity(status) }

  /// Opens what `path` leads to. The last part of the path that is opened is never a link.
  init(_ path: String) throws(PluginError) {
    guard let real = SearchPath.real(path) else {
      throw errno == ENOENT || errno == ENOTDIR
        ? .notThere(path: path) : .unreadable(path: path, reason: systemMessage())
    }
    // Without O_NONBLOCK a pipe of that name would block.
    let descriptor = unsafe open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: systemMessage()) }
    var status = stat()
    let isKnown = unsafe fstat(descriptor, &status) == 0
    guard isKnown, status.st_mode & S_IFMT == S_IFREG else {
      let problem: PluginError =
        isKnown ? .notALibrary(path: path, .notAFile) : .unreadable(path: path, reason: systemMessage())
      close(descriptor)
      throw problem
    }
    self.path = real
    self.descriptor = descriptor
    self.status = status
  }

  deinit { close(descriptor) }

  /// Throws `replaced` unless the path still leads to the same bytes.
  func checkUnchanged() throws(PluginError) {
    var now = stat()
    guard unsafe lstat(path, &now) == 0, FileIdentity(now) == identity else { throw .replaced(path: path) }
  }

  /// Copies its bytes into a new file that only its owner may read.
  func write(to path: String) throws(PluginError) {
    let target = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard target >= 0 else { throw .notLoadable(path: self.path, reason: "no copy beside it: \(systemMessage())") }
    defer { close(target) }
    try write(into: target)
  }

  /// Copies its bytes to where an open file stands.
  func write(into target: Int32) throws(PluginError) {
    let source = ByteSource(descriptor: descriptor, size: UInt64(max(0, identity.size)))
    var offset: UInt64 = 0
    while offset < source.size {
      guard let block = source.read(offset, min(source.size - offset, 1 << 20)) else {
        throw .replaced(path: self.path)
      }
      let bytes = block.bytes
      var written = 0
      while written < bytes.count {
        let count = unsafe bytes[written...].withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress, $0.count) }
        guard count > 0 else { throw .notLoadable(path: self.path, reason: "no copy of it: \(systemMessage())") }
        written += count
      }
      offset += UInt64(bytes.count)
    }
  }

  /// Its bytes, at most so many; nil where it has more, or fewer than it had.
  func bytes(atMost most: Int64) -> [UInt8]? {
    guard identity.size <= most else { return nil }
    let size = UInt64(max(0, identity.size))
    return ByteSource(descriptor: descriptor, size: size).read(0, size)?.bytes
  }

  /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
  func sha256() throws(PluginError) -> String {
    try Self.sha256(of: descriptor, size: UInt64(max(0, identity.size)), path: path)
  }

  static func sha256(of descriptor: Int32, size: UInt64, path: String) throws(PluginError) -> String {
    let source = ByteSource(descriptor: descriptor, size: size)
    var hash = SHA256()
    var offset: UInt64 = 0
    while offset < source.size {
      let count = min(source.size - offset, 1 << 20)
      guard let block = source.read(offset, count) else { throw .replaced(path: path) }
      hash.update(block.bytes)
      offset += count
    }
    return hash.hexadecimal()
  }
}

/// What the system says about the last failure.
func systemMessage() -> String { unsafe String(cString: strerror(errno)) }
