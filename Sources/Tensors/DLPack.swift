import CTorchTable

extension Tensor {
  /// A DLPack 1 view of this tensor's memory. Whoever takes it calls its deleter; it may outlive this object. The
  /// tensor must be detached. CUDA: wait for the device first.
  package func dlpack() throws(TensorError) -> OpaquePointer {
    let runtime = try TorchRuntime.shared()
    var out: OpaquePointer?
    let status = unsafe runtime.table.pointee.dlpack_export(handle, &out)
    guard status == CT_OK, let out = unsafe out else {
      throw unsafe TensorError(status: status, name: "dlpack export", table: runtime.table)
    }
    return unsafe out
  }

  /// A tensor over memory that someone else made; takes ownership of `source`, a `DLManagedTensorVersioned *`, and calls
  /// its deleter when the memory is no longer used. On failure `source` stays the caller's.
  package static func importing(dlpack source: OpaquePointer) throws(TensorError) -> Tensor {
    try unsafe make("dlpack import") { table, out in unsafe table.pointee.dlpack_import(source, out) }
  }
}
