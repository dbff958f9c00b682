import CTorchTable

/// A LibTorch tensor. It owns one handle and gives it back when it goes; several may share one LibTorch tensor.
///
/// Not `Sendable`: a run is on one thread, and gradient mode and autocast belong to the thread.
@safe package final class Tensor {
  /// The shim's handle, borrowed: valid while this object lives.
  package let handle: OpaquePointer

  /// Takes over a handle that the caller owns.
  package init(taking handle: OpaquePointer) { unsafe self.handle = handle }

  /// A second owner of a borrowed handle.
  package convenience init?(retaining handle: OpaquePointer) {
    guard let table = unsafe Tensor.table, let copy = unsafe table.pointee.tensor_retain(handle) else { return nil }
    unsafe self.init(taking: copy)
  }

  deinit {
    if let table = unsafe Tensor.table { unsafe table.pointee.tensor_free(handle) }
  }

  /// The shim's table; nil only while LibTorch is not open, when no tensor exists.
  // Written once, before the first tensor exists.
  nonisolated(unsafe) static let table: UnsafePointer<ct_table>? = unsafe (try? TorchRuntime.shared())?.table

  /// Asks the shim for one tensor.
  static func make(
    _ name: @autoclosure () -> String,
    _ body: (UnsafePointer<ct_table>, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) throws(TensorError) -> Tensor {
    let table = try unsafe TorchRuntime.shared().table
    var made: OpaquePointer?
    let status = unsafe body(table, &made)
    guard status == CT_OK, let made = unsafe made else {
      throw unsafe TensorError(status: status, name: name(), table: table)
    }
    return unsafe Tensor(taking: made)
  }
}

extension Tensor {
  private var info: ct_tensor_info {
    var info = unsafe ct_tensor_info()
    if let table = unsafe Tensor.table { unsafe table.pointee.tensor_info(handle, &info) }
    return unsafe info
  }

  /// Extent along each dimension.
  package var shape: [Int] {
    let info = unsafe info
    return unsafe UnsafeBufferPointer(start: info.dims, count: Int(info.rank)).map { Int($0) }
  }

  /// Step between neighbours along each dimension, in elements.
  package var strides: [Int] {
    let info = unsafe info
    return unsafe UnsafeBufferPointer(start: info.strides, count: Int(info.rank)).map { Int($0) }
  }

  /// Number of dimensions.
  package var rank: Int { Int(unsafe info.rank) }

  /// Number of elements.
  package var count: Int { Int(unsafe info.elements) }

  /// Bytes of all elements.
  package var byteCount: Int {
    let info = unsafe info
    return unsafe Int(info.elements) * Int(info.element_bytes)
  }

  /// The type of its elements.
  package var dtype: DType {
    guard let dtype = DType(rawValue: unsafe info.dtype) else {
      preconditionFailure("LibTorch's element type \(unsafe info.dtype) is not one of ours")
    }
    return dtype
  }

  /// Where its elements are.
  package var device: Device { Device(number: unsafe info.device) }

  /// Whether the elements lie in row-major order without gaps.
  package var isContiguous: Bool { unsafe info.is_contiguous != 0 }

  /// Whether the elements of an image batch lie with the channels last.
  package var isChannelsLast: Bool { unsafe info.is_channels_last != 0 }

  /// Whether gradients are recorded for it. Setting it is for leaves.
  package var requiresGrad: Bool { unsafe info.requires_grad != 0 }

  /// Whether no operation made it that autograd recorded.
  package var isLeaf: Bool { unsafe info.is_leaf != 0 }

  /// Grows with every change in place.
  package var version: Int { Int(unsafe info.version) }

  /// The address of the first element, on its device; nil when there is none.
  package var data: UnsafeMutableRawPointer? { unsafe info.data }

  /// Records gradients for this leaf, or stops to.
  package func setRequiresGrad(_ isOn: Bool) throws(TensorError) {
    let runtime = try TorchRuntime.shared()
    try runtime.check(unsafe runtime.table.pointee.tensor_set_requires_grad(handle, isOn ? 1 : 0), "requires_grad")
  }

}

extension Tensor: CustomStringConvertible {
  /// Type, shape and device; never the elements.
  package var description: String { "\(dtype)\(shape) on \(device)" }
}

/// Dimension lists as the schemas want them: LibTorch's operators behind `Tensor`'s methods.
extension Tensor {
  static func operators() throws(TensorError) -> OperatorTable { try TorchRuntime.shared().operators }
}
