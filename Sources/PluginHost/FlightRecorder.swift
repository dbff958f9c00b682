import Glibc
import Synchronization

/// A page of memory that two processes share: the one that runs plugins writes down which callback it is in, and the one that
/// watches it reads that when the first has died, or takes too long.
///
/// Writing copies a few dozen bytes a callback; where nobody watches, it is one atomic load.
package enum FlightRecorder {
  /// What the recorded process is in the middle of.
  package struct Entry: Sendable, Equatable {
    /// The plugin's id, or the library of a plain C function.
    package let plugin: String
    /// The file's name, without its folder.
    package let file: String
    /// `objective.terms`.
    package let call: String
    /// The step of the run, from 0; nil outside steps.
    package let step: Int?
    /// Seconds since the callback began.
    package let seconds: Double
  }

  /// Bytes of the page.
  private static let size = 4096

  private enum Offset {
    static let depth = 0
    static let began = 8
    static let step = 16
    static let plugin = 64
    static let file = 576
    static let call = 1088
    static let folder = 1216
    static let end = 4096
  }

  private static let page = Atomic<UInt>(0)

  /// A new page as an open file, which a child inherits when it is told to; nil where the system has none.
  package static func make() -> Int32? {
    // Not in glibc's module for Swift.
    typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    guard let symbol = unsafe dlsym(nil, "memfd_create") else { return nil }
    let create = unsafe unsafeBitCast(symbol, to: Create.self)
    let descriptor = unsafe create("lethe-recorder", 1)
    guard descriptor >= 0 else { return nil }
    guard ftruncate(descriptor, off_t(size)) == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// From now on this process writes into the page of that open file; false where it is none.
  package static func record(into descriptor: Int32) -> Bool {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_size == size,
      let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      unsafe memory != UnsafeMutableRawPointer(bitPattern: -1)
    else { return false }
    page.store(UInt(bitPattern: memory), ordering: .releasing)
    return true
  }

  /// Notes the folder of the run.
  package static func note(folder: String) {
    guard let page = unsafe current else { return }
    unsafe write(folder, page, Offset.folder, Offset.end)
  }

  /// A callback begins.
  static func enter(_ call: PluginCall) {
    guard let page = unsafe current else { return }
    unsafe write(call.plugin, page, Offset.plugin, Offset.file)
    unsafe write(call.file, page, Offset.file, Offset.call)
    unsafe write(call.call, page, Offset.call, Offset.folder)
    unsafe page.storeBytes(of: Int64(call.step ?? -1), toByteOffset: Offset.step, as: Int64.self)
    unsafe page.storeBytes(of: now(), toByteOffset: Offset.began, as: UInt64.self)
    atomicMemoryFence(ordering: .releasing)
    unsafe page.storeBytes(of: 1, toByteOffset: Offset.depth, as: UInt32.self)
  }

  /// The callback is over.
  static func leave() {
    guard let page = unsafe current else { return }
    unsafe page.storeBytes(of: 0, toByteOffset: Offset.depth, as: UInt32.self)
  }

  /// What the process that writes into the page is in the middle of; nil where it is in no callback.
  package static func read(_ descriptor: Int32) -> Entry? {
    guard let bytes = bytes(of: descriptor), bytes.load(UInt32.self, Offset.depth) != 0 else { return nil }
    let began = bytes.load(UInt64.self, Offset.began)
    let step = bytes.load(Int64.self, Offset.step)
    return Entry(
      plugin: bytes.text(Offset.plugin, Offset.file), file: bytes.text(Offset.file, Offset.call),
      call: bytes.text(Offset.call, Offset.folder), step: step < 0 ? nil : Int(step),
      seconds: Double(now() - min(began, now())) * 1e-9)
  }

  /// The folder of the run that the process carries out; nil before there is one.
  package static func folder(_ descriptor: Int32) -> String? {
    guard let folder = bytes(of: descriptor)?.text(Offset.folder, Offset.end), !folder.isEmpty else { return nil }
    return folder
  }

  private static func bytes(of descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: size)
    return unsafe pread(descriptor, &bytes, size, 0) == size ? bytes : nil
  }

  private static var current: UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: page.load(ordering: .acquiring))
  }

  /// Writes a text and a zero between two offsets; what is too long is cut.
  private static func write(_ text: String, _ page: UnsafeMutableRawPointer, _ start: Int, _ end: Int) {
    var text = text
    text.withUTF8 { bytes in
      let count = min(bytes.count, end - start - 1)
      if let base = bytes.baseAddress { unsafe (page + start).copyMemory(from: base, byteCount: count) }
      unsafe page.storeBytes(of: 0, toByteOffset: start + count, as: UInt8.self)
    }
  }

  /// Nanoseconds of a clock that all processes share.
  private static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension [UInt8] {
  fileprivate func load<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) -> Number {
    unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  fileprivate func text(_ start: Int, _ end: Int) -> String {
    String(decoding: self[start..<end].prefix { $0 != 0 }, as: UTF8.self)
  }
}
