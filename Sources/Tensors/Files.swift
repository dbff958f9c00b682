import Glibc

/// A file open for reading; closed when this goes.
struct OpenFile: ~Copyable {
  let path: String
  /// The file's length.
  let bytes: Int
  private let descriptor: Int32

  init(reading path: String) throws(TensorError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .file(path: path, errno == ENOENT ? .missing : .unreadable(reason: systemMessage()))
    }
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .file(path: path, .unreadable(reason: "it is no ordinary file"))
    }
    self.path = path
    self.descriptor = descriptor
    bytes = Int(facts.st_size)
  }

  deinit { close(descriptor) }

  /// Reads `count` bytes, or fewer where the file ends.
  func read(_ count: Int, at offset: Int) throws(TensorError) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = unsafe out.withUnsafeMutableBytes { buffer in
        unsafe pread(descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .file(path: path, .unreadable(reason: systemMessage())) }
      guard got > 0 else { break }
      done += got
    }
    out.removeLast(count - done)
    return out
  }
}

/// A file that appears whole or not at all.
struct AtomicFile: ~Copyable {
  private let path: String
  private let temporary: String
  private let descriptor: Int32

  /// Lets `body` append to a temporary file beside `path`, syncs it and renames it. On failure `path` is as it was.
  static func write(
    _ path: String, _ body: (borrowing AtomicFile) throws(TensorError) -> Void
  ) throws(TensorError) {
    let file = try AtomicFile(path)
    do throws(TensorError) {
      try body(file)
      guard fsync(file.descriptor) == 0, unsafe rename(file.temporary, path) == 0 else { throw file.failure() }
    } catch {
      unsafe unlink(file.temporary)
      throw error
    }
    syncFolder(of: path)
  }

  private init(_ path: String) throws(TensorError) {
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let temporary = "\(path[..<slash]).\(path[slash...]).\(getpid()).tmp"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let isFull = [ENOSPC, EDQUOT, EFBIG, EIO].contains(errno)
      let reason = systemMessage()
      throw .file(path: path, isFull ? .writeFailed(reason: reason) : .unwritable(reason: reason))
    }
    self.path = path
    self.temporary = temporary
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func append(_ bytes: [UInt8]) throws(TensorError) {
    var done = 0
    while done < bytes.count {
      let wrote = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      if wrote < 0, errno == EINTR { continue }
      guard wrote > 0 else { throw failure() }
      done += wrote
    }
  }

  private func failure() -> TensorError { .file(path: path, .writeFailed(reason: systemMessage())) }

  /// Makes the rename last; a file system that cannot sync a folder has done what it can.
  private static func syncFolder(of path: String) {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// What the system says about its last failure.
private func systemMessage() -> String { unsafe String(cString: strerror(errno)) }
