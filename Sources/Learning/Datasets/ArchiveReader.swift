import CArchive
import Foundation

/// One file out of an archive, unpacked in memory. Nothing is ever written to disk.
struct ArchiveEntry: Sendable {
  /// The path inside the archive, without a leading `./`.
  let path: String
  let isFolder: Bool
  let bytes: [UInt8]
}

/// Reads archives and compressed files through libarchive.
enum ArchiveReader {
  /// Everything in a tar (packed in any way that libarchive knows) or a zip.
  static func entries(of path: String, cancel: CancelFlag) throws(LearningError) -> [ArchiveEntry] {
    let archive = try OpenArchive(path: path, raw: false)
    var entries: [ArchiveEntry] = []
    while let entry = try archive.next(cancel: cancel) { entries.append(entry) }
    return entries
  }

  /// The content of one file, unpacked if it is gzip.
  static func content(of path: String, cancel: CancelFlag) throws(LearningError) -> [UInt8] {
    let packed = try FileBytes.read(path)
    guard packed.starts(with: [0x1F, 0x8B]) else { return packed }
    let archive = try OpenArchive(path: path, raw: true)
    guard let entry = try archive.next(cancel: cancel) else {
      throw .corruptArchive(path: path, entry: nil, reason: "the gzip file is empty")
    }
    try checkTrailer(packed, entry.bytes, path)
    return entry.bytes
  }

  /// Compares what was unpacked with the checksum at the end of the gzip file, which libarchive does not look at.
  /// The trailer of a file made of several members speaks of the last one only; its length gives that away.
  private static func checkTrailer(_ packed: [UInt8], _ bytes: [UInt8], _ path: String) throws(LearningError) {
    guard packed.count >= 18 else {
      throw .corruptArchive(path: path, entry: nil, reason: "the gzip file is cut off")
    }
    func word(_ back: Int) -> UInt32 {
      packed[(packed.count - back)..<(packed.count - back + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
    guard word(4) == UInt32(truncatingIfNeeded: bytes.count) else { return }
    guard word(8) == CRC32.checksum(bytes) else {
      throw .corruptArchive(path: path, entry: nil, reason: "its checksum does not fit its content")
    }
  }

  /// An archive that is open for reading; closed when it is let go.
  @safe private final class OpenArchive {
    private let path: String
    private let handle: OpaquePointer
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    init(path: String, raw: Bool) throws(LearningError) {
      guard let handle = unsafe archive_read_new() else { preconditionFailure("no memory for an archive") }
      unsafe self.handle = unsafe handle
      self.path = path
      if raw {
        _ = unsafe archive_read_support_filter_gzip(handle)
        _ = unsafe archive_read_support_format_raw(handle)
      } else {
        _ = unsafe archive_read_support_filter_all(handle)
        _ = unsafe archive_read_support_format_tar(handle)
        _ = unsafe archive_read_support_format_zip(handle)
      }
      let status = unsafe archive_read_open_filename(handle, path, 1 << 18)
      guard status == ARCHIVE_OK else { throw failure(nil) }
    }

    deinit { _ = unsafe archive_read_free(handle) }

    /// The next file or folder; other kinds (links, devices) are passed over.
    func next(cancel: CancelFlag) throws(LearningError) -> ArchiveEntry? {
      while true {
        try cancel.check()
        var header: OpaquePointer?
        let status = unsafe archive_read_next_header(handle, &header)
        if status == ARCHIVE_EOF { return nil }
        // A warning concerns names or times that this reader does not use.
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header = unsafe header else {
          throw failure(nil)
        }
        let name = unsafe archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header)
        guard let name = unsafe name else {
          throw .corruptArchive(path: path, entry: nil, reason: "a file in it has no readable name")
        }
        var entry = unsafe String(cString: name)
        if entry.hasPrefix("./") { entry.removeFirst(2) }
        let kind = unsafe archive_entry_filetype(header) & S_IFMT
        if kind == S_IFDIR { return ArchiveEntry(path: entry, isFolder: true, bytes: []) }
        if kind == S_IFREG || kind == 0 {
          return ArchiveEntry(path: entry, isFolder: false, bytes: try content(entry, cancel))
        }
      }
    }

    private func content(_ entry: String, _ cancel: CancelFlag) throws(LearningError) -> [UInt8] {
      var bytes: [UInt8] = []
      while true {
        try cancel.check()
        let count = unsafe buffer.withUnsafeMutableBytes { space in
          unsafe archive_read_data(handle, space.baseAddress, space.count)
        }
        if count == 0 { return bytes }
        guard count > 0 else { throw failure(entry) }
        bytes.append(contentsOf: buffer[..<count])
      }
    }

    private func failure(_ entry: String?) -> LearningError {
      let reason = unsafe archive_error_string(handle).map { unsafe String(cString: $0) } ?? "no reason given"
      // What the system refused is not the archive's fault.
      if [EACCES, EPERM, EIO].contains(unsafe archive_errno(handle)) { return .unreadable(path: path, reason: reason) }
      return .corruptArchive(path: path, entry: entry, reason: reason)
    }
  }
}

/// Whole files as bytes.
enum FileBytes {
  /// Reads a file that is there.
  static func read(_ path: String) throws(LearningError) -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      throw .missing(path: path, expected: "a file")
    } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
  }
}

/// The checksum of gzip and PNG (ISO 3309).
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    let table = table
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
    return ~sum
  }
}
