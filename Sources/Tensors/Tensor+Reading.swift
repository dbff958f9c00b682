import CTorchTable

extension Tensor {
  /// The row-major bytes of all elements. Waits for the device.
  package func bytes() throws(TensorError) -> [UInt8] { try elements(0, of: dtype) }

  /// All elements, row-major, converted to single precision. Waits for the device.
  package func floats() throws(TensorError) -> [Float] { try elements(0, of: .float32) }

  /// All elements, row-major, converted to double precision. Waits for the device.
  package func doubles() throws(TensorError) -> [Double] { try elements(0, of: .float64) }

  /// All elements, row-major, converted to whole numbers. Waits for the device.
  package func int64s() throws(TensorError) -> [Int64] { try elements(0, of: .int64) }

  /// All elements, row-major, converted to whole numbers. Waits for the device.
  package func int32s() throws(TensorError) -> [Int32] { try elements(0, of: .int32) }

  /// All elements, row-major, converted to bytes. Waits for the device.
  package func uint8s() throws(TensorError) -> [UInt8] { try elements(0, of: .uint8) }

  /// All elements as facts. Waits for the device.
  package func bools() throws(TensorError) -> [Bool] { try elements(UInt8(0), of: .bool).map { $0 != 0 } }

  /// The only element. Waits for the device.
  package func item() throws(TensorError) -> Double {
    let runtime = try TorchRuntime.shared()
    var value = unsafe ct_value()
    try runtime.check(unsafe runtime.table.pointee.tensor_item(handle, &value), "item")
    return unsafe value.tag == CT_FLOAT ? value.as.f : Double(value.as.i)
  }

  /// Copies all elements, row-major, to memory of exactly `byteCount` bytes. Waits for the device.
  package func read(into target: UnsafeMutableRawBufferPointer) throws(TensorError) {
    let runtime = try TorchRuntime.shared()
    try runtime.check(
      unsafe runtime.table.pointee.tensor_read(handle, target.baseAddress, UInt64(target.count)), "read")
  }

  private func elements<Element>(_ zero: Element, of type: DType) throws(TensorError) -> [Element] {
    let source = dtype == type ? self : try detach().to(type)
    let bytes = source.byteCount
    var out = [Element](repeating: zero, count: bytes / MemoryLayout<Element>.stride)
    var result = Result<Void, TensorError>.success(())
    unsafe out.withUnsafeMutableBytes { target in
      result = Result { () throws(TensorError) in try unsafe source.read(into: target) }
    }
    try result.get()
    return out
  }
}
