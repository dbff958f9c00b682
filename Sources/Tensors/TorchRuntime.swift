import CTorchTable
import Glibc

/// LibTorch, opened once, at first use. Nothing links it, so that commands that need no tensor start without it.
@safe package final class TorchRuntime: Sendable {
  /// The version that the shim is built against.
  package static let wantedVersion = "2.11.0"

  /// The opened library. Throws `libraryNotFound` or `libraryUnusable`, the same each time.
  package static func shared() throws(TensorError) -> TorchRuntime { try opened.get() }

  private static let opened = open()

  /// LibTorch's own version, such as "2.11.0".
  package let version: String
  /// Where its libraries were found.
  package let location: LibTorchLocation
  let operators: OperatorTable
  // Filled once by the shim, before this object exists, and never written again.
  nonisolated(unsafe) let table: UnsafePointer<ct_table>

  private init(location: LibTorchLocation, table: UnsafePointer<ct_table>) throws(TensorError) {
    self.location = location
    unsafe self.table = table
    version = unsafe String(cString: table.pointee.torch_version())
    operators = try unsafe OperatorTable(table)
  }

  private static func open() -> Result<TorchRuntime, TensorError> {
    do throws(TensorError) {
      let location = try LibTorchLocation.find()
      for name in ["libc10.so", "libtorch_cpu.so"] {
        _ = try unsafe load(location.libraries + "/" + name, RTLD_NOW | RTLD_GLOBAL)
      }
      let shim = try unsafe load(location.shim, RTLD_NOW | RTLD_LOCAL)
      guard let symbol = unsafe dlsym(shim, CT_OPEN_SYMBOL) else {
        throw .libraryUnusable(path: location.shim, reason: "it has no symbol '\(CT_OPEN_SYMBOL)'")
      }
      let table = unsafe unsafeBitCast(symbol, to: ct_open_function.self)()
      guard unsafe table.pointee.version == 1, unsafe Int(table.pointee.size) == MemoryLayout<ct_table>.size else {
        throw .libraryUnusable(path: location.shim, reason: "it is of another build than this program")
      }
      let runtime = try unsafe TorchRuntime(location: location, table: table)
      return .success(runtime)
    } catch {
      return .failure(error)
    }
  }

  private static func load(_ path: String, _ flags: Int32) throws(TensorError) -> UnsafeMutableRawPointer {
    guard let handle = unsafe dlopen(path, flags) else {
      throw .libraryUnusable(path: path, reason: unsafe String(cString: dlerror()))
    }
    return unsafe handle
  }
}

extension TorchRuntime {
  /// Throws what the shim says about the last failure on this thread, unless `status` is success.
  func check(_ status: Int32, _ name: @autoclosure () -> String) throws(TensorError) {
    guard status != CT_OK else { return }
    throw unsafe TensorError(status: status, name: name(), table: table)
  }

  /// LibTorch's threads for one operator.
  package var threads: Int { Int(unsafe table.pointee.threads()) }

  /// Sets LibTorch's threads; from 1.
  package func setThreads(_ count: Int) throws(TensorError) {
    try check(unsafe table.pointee.set_threads(Int32(clamping: count)), "set threads")
  }

  /// Makes operators that have no deterministic form refuse, and others choose it.
  package func setDeterministic(_ isOn: Bool) throws(TensorError) {
    try check(unsafe table.pointee.set_deterministic(isOn ? 1 : 0), "deterministic algorithms")
  }

  /// Makes a device usable and checks that it is there. Call it before the first tensor on that device, and, for CUDA,
  /// early: LibTorch remembers for ever that it found none.
  package func open(_ device: Device) throws(TensorError) {
    guard case .cuda(let number) = device else { return }
    guard unsafe table.pointee.cuda_open(location.libraries) == CT_OK else {
      throw .deviceUnavailable("device '\(device)' cannot be used: \(unsafe String(cString: table.pointee.message()))")
    }
    guard number < cudaDevices else {
      throw .deviceUnavailable("there is no device '\(device)'; LibTorch finds \(cudaDevices) CUDA devices")
    }
  }

  /// CUDA devices; 0 until one was opened.
  package var cudaDevices: Int { Int(unsafe table.pointee.cuda_count()) }

  /// Waits until the device has done all that was asked of it.
  package func synchronize(_ device: Device) throws(TensorError) {
    try check(unsafe table.pointee.synchronize(device.number), "synchronize")
  }
}

extension TensorError {
  init(status: Int32, name: String, table: UnsafePointer<ct_table>) {
    let message = unsafe String(cString: table.pointee.message())
    switch status {
    case CT_E_SCHEMA: self = .schema(message)
    case CT_E_MEMORY: self = .outOfMemory(name, message: message)
    case CT_E_MISSING: self = .deviceUnavailable(message)
    default: self = .operation(name, message: message, details: unsafe String(cString: table.pointee.details()))
    }
  }
}
