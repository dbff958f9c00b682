import CTorchTable

extension Tensor {
  /// A tensor from row-major numbers.
  package convenience init(_ values: [Float], shape: [Int], device: Device = .cpu) throws(TensorError) {
    try self.init(elements: values, .float32, shape, device)
  }

  /// A tensor from row-major numbers in double precision.
  package convenience init(_ values: [Double], shape: [Int], device: Device = .cpu) throws(TensorError) {
    try self.init(elements: values, .float64, shape, device)
  }

  /// A tensor from row-major whole numbers.
  package convenience init(_ values: [Int64], shape: [Int], device: Device = .cpu) throws(TensorError) {
    try self.init(elements: values, .int64, shape, device)
  }

  /// A tensor from row-major whole numbers.
  package convenience init(_ values: [Int32], shape: [Int], device: Device = .cpu) throws(TensorError) {
    try self.init(elements: values, .int32, shape, device)
  }

  /// A tensor from row-major bytes, each an element.
  package convenience init(_ values: [UInt8], shape: [Int], device: Device = .cpu) throws(TensorError) {
    try self.init(elements: values, .uint8, shape, device)
  }

  /// A tensor from the row-major bytes of elements of any type.
  package convenience init(bytes: [UInt8], shape: [Int], dtype: DType, device: Device = .cpu) throws(TensorError) {
    try self.init(elements: bytes, dtype, shape, device)
  }

  /// A tensor from row-major bytes in memory, which are copied.
  package convenience init(
    bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device = .cpu
  ) throws(TensorError) {
    unsafe self.init(taking: try Self.copy(bytes, shape, dtype, device))
  }

  private convenience init<Element>(
    elements: [Element], _ dtype: DType, _ shape: [Int], _ device: Device
  ) throws(TensorError) {
    var result = unsafe Result<OpaquePointer, TensorError>.failure(.outOfMemory("tensor", message: ""))
    unsafe elements.withUnsafeBytes { bytes in
      unsafe result = Result { () throws(TensorError) in try unsafe Self.copy(bytes, shape, dtype, device) }
    }
    unsafe self.init(taking: try result.get())
  }

  private static func copy(
    _ bytes: UnsafeRawBufferPointer, _ shape: [Int], _ dtype: DType, _ device: Device
  ) throws(TensorError) -> OpaquePointer {
    let table = try unsafe TorchRuntime.shared().table
    let dims = shape.map { Int64($0) }
    var made: OpaquePointer?
    // An empty buffer may have no address, and the shim reads NULL as "zeros".
    var nothing: UInt8 = 0
    let status = unsafe withUnsafePointer(to: &nothing) { empty in
      unsafe table.pointee.tensor_make(
        bytes.baseAddress ?? UnsafeRawPointer(empty), UInt64(bytes.count), dims, UInt32(dims.count), dtype.rawValue,
        device.number, &made)
    }
    guard status == CT_OK, let made = unsafe made else {
      throw unsafe TensorError(status: status, name: "tensor from bytes", table: table)
    }
    return unsafe made
  }

  /// All zeros.
  package static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws(TensorError)
    -> Tensor
  {
    try operators().zeros.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// All ones.
  package static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws(TensorError)
    -> Tensor
  {
    try operators().ones.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// All elements `value`.
  package static func full(
    _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
  ) throws(TensorError) -> Tensor {
    try operators().full.tensor(.ints(shape), .float(value), .dtype(dtype), .none, .device(device))
  }

  /// Memory whose elements are whatever was there.
  package static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws(TensorError)
    -> Tensor
  {
    try operators().empty.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
  }

  /// One number, of rank 0.
  package static func scalar(_ value: Double, dtype: DType = .float32, device: Device = .cpu) throws(TensorError)
    -> Tensor
  {
    try full([], value, dtype: dtype, device: device)
  }

  /// `start`, `start + step`, … below `end`.
  package static func arange(
    _ start: Double, _ end: Double, step: Double = 1, dtype: DType = .int64, device: Device = .cpu
  ) throws(TensorError) -> Tensor {
    try operators().arange.tensor(
      .float(start), .float(end), .float(step), .dtype(dtype), .none, .device(device))
  }

  /// 0, 1, … below `end`.
  package static func arange(_ end: Int, dtype: DType = .int64, device: Device = .cpu) throws(TensorError) -> Tensor {
    try arange(0, Double(end), dtype: dtype, device: device)
  }

  /// The identity matrix.
  package static func identity(_ size: Int, dtype: DType = .float32, device: Device = .cpu) throws(TensorError)
    -> Tensor
  {
    try operators().eye.tensor(.int(size), .dtype(dtype), .none, .device(device))
  }

  /// Draws from the standard normal distribution; without a generator, the device's default one.
  package static func randomNormal(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu, generator: Generator? = nil
  ) throws(TensorError) -> Tensor {
    try operators().randn.tensor(
      .ints(shape), generator.map(Value.generator) ?? .none, .dtype(dtype), .none, .device(device))
  }

  /// Draws from [0, 1); without a generator, the device's default one.
  package static func randomUniform(
    _ shape: [Int], dtype: DType = .float32, device: Device = .cpu, generator: Generator? = nil
  ) throws(TensorError) -> Tensor {
    try operators().rand.tensor(
      .ints(shape), generator.map(Value.generator) ?? .none, .dtype(dtype), .none, .device(device))
  }

  /// Draws whole numbers from `range`.
  package static func randomIntegers(
    _ range: Range<Int>, _ shape: [Int], dtype: DType = .int64, device: Device = .cpu, generator: Generator? = nil
  ) throws(TensorError) -> Tensor {
    try operators().randint.tensor(
      .int(range.lowerBound), .int(range.upperBound), .ints(shape), generator.map(Value.generator) ?? .none,
      .dtype(dtype), .none, .device(device))
  }

  /// Zeros of another tensor's shape, type, device and memory order.
  package static func zeros(like other: Tensor) throws(TensorError) -> Tensor {
    try operators().zerosLike.tensor(other)
  }

  /// Ones of another tensor's shape, type, device and memory order.
  package static func ones(like other: Tensor) throws(TensorError) -> Tensor { try operators().onesLike.tensor(other) }
}
