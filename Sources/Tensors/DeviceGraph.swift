import CTorchTable
import Glibc

/// Work that a CUDA device was shown once and does again at one call, without the processor launching its parts: a CUDA graph.
///
/// A graph belongs to the thread that recorded it, and owns the memory of what was made while it was recorded.
@safe package final class DeviceGraph {
  private let handle: OpaquePointer
  private let library: GraphLibrary

  /// Checks that graphs can be recorded on a device, which it opens.
  ///
  /// - Throws: `deviceUnavailable` for the CPU, for a device that is not there, and for a shim that was built without CUDA's
  ///   headers; `libraryUnusable`.
  package static func open(_ device: Device) throws(TensorError) {
    guard case .cuda = device else { throw .deviceUnavailable("'\(device)' records no graphs; only CUDA devices do") }
    try TorchRuntime.shared().open(device)
    _ = try GraphLibrary.shared()
  }

  /// Runs `body` with a stream of its own current, on which graphs can be recorded. Waits for the device before and after.
  ///
  /// - Precondition: `open` has found the device usable.
  package static func onOwnStream(_ device: Device, _ body: () throws -> Void) throws {
    let library = try GraphLibrary.shared()
    var stream: OpaquePointer?
    try library.check(unsafe library.table.pointee.stream_enter(device.number, &stream), "stream")
    guard let stream = unsafe stream else { preconditionFailure("a stream that was entered is there") }
    do { try body() } catch {
      // The first failure is the one to tell; a device that has failed fails again here.
      _ = unsafe library.table.pointee.stream_leave(stream)
      throw error
    }
    try library.check(unsafe library.table.pointee.stream_leave(stream), "stream")
  }

  /// Records what `body` asks of the device, which does none of it. Inside `onOwnStream`.
  ///
  /// - Parameters:
  ///   - generators: what `body` draws from beside the device's default generator, of the same device; a replay draws from
  ///     where they stand.
  ///   - other: a graph whose memory this one may use where nothing lies that was kept: for graphs that are replayed one after
  ///     the other, each of which reads only what it has written itself and what lies outside of both.
  ///
  /// What `body` does on the processor happens now, once. It must not wait for the device, read from it or copy to it from
  /// the processor's memory. A replay reads and writes the tensors that `body` did, where they were: those made before must
  /// live as long as this, and of those that `body` makes only what is kept still holds after it.
  ///
  /// - Throws: what `body` throws; `TensorError` where LibTorch or CUDA cannot record it. The device may be unusable then.
  package init(
    drawingFrom generators: [Generator] = [], beside other: DeviceGraph? = nil, recording body: () throws -> Void
  ) throws {
    library = try GraphLibrary.shared()
    var graph: OpaquePointer?
    let handles = unsafe generators.map { unsafe $0.handle }
    try library.check(
      unsafe library.table.pointee.capture_begin(handles, Int64(handles.count), other?.handle, &graph), "graph")
    guard let graph = unsafe graph else { preconditionFailure("a graph that was begun is there") }
    unsafe handle = graph
    do { try body() } catch {
      _ = unsafe library.table.pointee.capture_end(graph)
      throw error
    }
    try library.check(unsafe library.table.pointee.capture_end(graph), "graph")
  }

  deinit { unsafe library.table.pointee.graph_free(handle) }

  /// Asks the device to do it, and does not wait. Random numbers come from where the generators stand, as they would without
  /// a graph. Inside `onOwnStream`.
  package func replay() throws(TensorError) {
    try library.check(unsafe library.table.pointee.replay(handle), "graph")
  }
}

/// The shim of what needs CUDA's headers, opened once, after LibTorch's CUDA libraries.
@safe private final class GraphLibrary: Sendable {
  // Filled once by the shim, before this object exists, and never written again.
  nonisolated(unsafe) let table: UnsafePointer<ct_cuda_table>

  private init(table: UnsafePointer<ct_cuda_table>) { unsafe self.table = table }

  private static let opened = load()

  /// - Precondition: a CUDA device was opened; without one nothing is found, for ever.
  static func shared() throws(TensorError) -> GraphLibrary { try opened.get() }

  private static func load() -> Result<GraphLibrary, TensorError> {
    do throws(TensorError) {
      let path = try TorchRuntime.shared().location.graphShim
      guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
        throw .libraryUnusable(path: path, reason: unsafe String(cString: dlerror()))
      }
      guard let symbol = unsafe dlsym(handle, CT_CUDA_OPEN_SYMBOL) else {
        throw .libraryUnusable(path: path, reason: "it has no symbol '\(CT_CUDA_OPEN_SYMBOL)'")
      }
      guard let table = unsafe unsafeBitCast(symbol, to: ct_cuda_open_function.self)() else {
        throw .deviceUnavailable(
          "'\(path)' was built without CUDA's headers; 'scripts/get-libtorch' brings them, before a new build")
      }
      guard unsafe table.pointee.version == 2, unsafe Int(table.pointee.size) == MemoryLayout<ct_cuda_table>.size else {
        throw .libraryUnusable(path: path, reason: "it is of another build than this program")
      }
      return .success(unsafe GraphLibrary(table: table))
    } catch {
      return .failure(error)
    }
  }

  /// Throws what the shim says about the last failure on this thread, unless `status` is success.
  func check(_ status: Int32, _ name: String) throws(TensorError) {
    guard status != CT_OK else { return }
    let message = unsafe String(cString: table.pointee.message())
    guard status == CT_E_MEMORY else {
      throw .operation(name, message: message, details: unsafe String(cString: table.pointee.details()))
    }
    throw .outOfMemory(name, message: message)
  }
}
