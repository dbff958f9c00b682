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

  /// Its bytes, at most so many; nil where it has more, or fewer than it had.
  func bytes(atMost most: Int64) -> [UInt8]? {
    guard identity.size <= most else { return nil }
    let size = UInt64(max(0, identity.size))
    return ByteSource(descriptor: descriptor, size: size).read(0, size)?.bytes
  }

  /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
  func sha256() throws(PluginError) -> String {
    let source = ByteSource(descriptor: descriptor, size: UInt64(max(0, identity.size)))
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
