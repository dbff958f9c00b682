package import CTorchTable

/// One of LibTorch's operators, found once and called through its dispatcher: autograd and autocast take part.
@safe package final class Operator: Sendable {
  /// Name and overload, such as "aten::mul.Tensor".
  package let name: String
  /// LibTorch's own schema.
  package let schema: String
  /// How many arguments a call may give.
  package let arguments: Int
  /// How many arguments a call must give.
  package let required: Int
  /// How many values a call returns.
  package let returns: Int
  // Made by the shim, never changed and never freed.
  nonisolated(unsafe) let pointer: OpaquePointer
  nonisolated(unsafe) let table: UnsafePointer<ct_table>

  init(_ schema: String, table: UnsafePointer<ct_table>) throws(TensorError) {
    var found: OpaquePointer?
    let status = unsafe table.pointee.op_resolve(schema, &found)
    guard status == CT_OK, let found = unsafe found else {
      throw unsafe TensorError(status: status, name: schema, table: table)
    }
    unsafe pointer = found
    unsafe self.table = table
    var info = unsafe ct_op_info()
    unsafe table.pointee.op_info(found, &info)
    name = unsafe info.name.map { unsafe String(cString: $0) } ?? schema
    self.schema = unsafe info.schema.map { unsafe String(cString: $0) } ?? schema
    arguments = Int(unsafe info.arguments)
    required = Int(unsafe info.required)
    returns = Int(unsafe info.returns)
  }

  /// Finds an operator by name ("aten::mul.Tensor"), or by whole schema; then calls give the arguments that the text
  /// names, in its order. Throws `schema`, naming the argument that does not fit. For `prepare`, not for every step.
  package static func resolve(_ schema: String) throws(TensorError) -> Operator {
    try unsafe Operator(schema, table: TorchRuntime.shared().table)
  }

  /// Calls with values in their C form; `returns` has room for `capacity` of them. The tensors in what comes back are
  /// the caller's, its lists and texts too, to be freed by `free(returned:count:withTensors:)`.
  package func call(
    rawArguments: UnsafePointer<ct_value>?, count: Int, returns: UnsafeMutablePointer<ct_value>?, capacity: Int
  ) throws(TensorError) {
    let status = unsafe table.pointee.op_call(pointer, rawArguments, UInt32(count), returns, UInt32(capacity))
    guard status == CT_OK else { throw unsafe TensorError(status: status, name: name, table: table) }
  }

  /// Frees what `call(rawArguments:…)` returned.
  package func free(returned: UnsafeMutablePointer<ct_value>, count: Int, withTensors: Bool) {
    unsafe table.pointee.values_free(returned, UInt32(count), withTensors ? 1 : 0)
  }
}

extension Operator {
  /// Calls, and returns every value.
  package func call(_ arguments: [Value]) throws(TensorError) -> [Value] {
    var out: [Value] = []
    try unsafe collect(arguments) { unsafe out.append(Value(taking: $0)) }
    return out
  }

  /// Calls for the effect, or for nothing that is wanted back.
  package func run(_ arguments: Value...) throws(TensorError) {
    try unsafe collect(arguments) { _ = unsafe Value(taking: $0) }
  }

  /// Calls an operator whose first return value is a tensor, and returns that one.
  package func tensor(_ arguments: Value...) throws(TensorError) -> Tensor {
    var out: Tensor?
    try unsafe collect(arguments) {
      if case .tensor(let tensor) = unsafe Value(taking: $0), out == nil { out = tensor }
    }
    guard let out else { throw .schema("\(name): returns no tensor") }
    return out
  }

  /// Calls, and returns all tensors, those in lists included.
  package func tensors(_ arguments: Value...) throws(TensorError) -> [Tensor] {
    var out: [Tensor] = []
    try unsafe collect(arguments) {
      switch unsafe Value(taking: $0) {
      case .tensor(let tensor): out.append(tensor)
      case .tensors(let list): out.append(contentsOf: list.compactMap(\.self))
      default: break
      }
    }
    return out
  }

  /// The hot path: one tensor in, one out, nothing allocated here but the result.
  package func tensor(_ a: Tensor) throws(TensorError) -> Tensor {
    var argument = unsafe ct_value(a)
    defer { withExtendedLifetime(a) {} }
    return try unsafe single(&argument, 1)
  }

  /// The hot path: two tensors in, one out.
  package func tensor(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    var arguments = unsafe (ct_value(a), ct_value(b))
    defer { withExtendedLifetime((a, b)) {} }
    return try unsafe withUnsafeMutablePointer(to: &arguments) { (start) throws(TensorError) in
      try unsafe single(UnsafeRawPointer(start).assumingMemoryBound(to: ct_value.self), 2)
    }
  }

  /// The hot path: a tensor and a number in, a tensor out.
  package func tensor(_ a: Tensor, _ number: Double) throws(TensorError) -> Tensor {
    try unsafe tensor(a, ct_value(tag: CT_FLOAT, count: 0, as: ct_payload(f: number)))
  }

  /// The hot path: a tensor and a whole number in, a tensor out.
  package func tensor(_ a: Tensor, _ number: Int) throws(TensorError) -> Tensor {
    try unsafe tensor(a, ct_value(tag: CT_INT, count: 0, as: ct_payload(i: Int64(number))))
  }

  private func tensor(_ a: Tensor, _ b: ct_value) throws(TensorError) -> Tensor {
    var arguments = unsafe (ct_value(a), b)
    defer { withExtendedLifetime(a) {} }
    return try unsafe withUnsafeMutablePointer(to: &arguments) { (start) throws(TensorError) in
      try unsafe single(UnsafeRawPointer(start).assumingMemoryBound(to: ct_value.self), 2)
    }
  }

  private func single(_ arguments: UnsafePointer<ct_value>, _ count: Int) throws(TensorError) -> Tensor {
    guard returns == 1 else { throw .schema("\(name): returns \(returns) values, not one") }
    var result = unsafe ct_value()
    try unsafe call(rawArguments: arguments, count: count, returns: &result, capacity: 1)
    guard unsafe result.tag == CT_TENSOR, let handle = unsafe result.as.t else {
      unsafe free(returned: &result, count: 1, withTensors: true)
      throw .schema("\(name): returns no tensor")
    }
    return unsafe Tensor(taking: handle)
  }

  /// Calls with values on the stack, and shows each returned one, which `take` must take over.
  private func collect(_ arguments: [Value], _ take: (ct_value) -> Void) throws(TensorError) {
    let lists = arguments.reduce(0) { $0 + $1.listBytes }
    let stride = unsafe MemoryLayout<ct_value>.stride
    let bytes = (arguments.count + returns) * stride + lists
    let status = unsafe withUnsafeTemporaryAllocation(byteCount: max(bytes, stride), alignment: stride) {
      (memory) -> Int32 in
      guard let start = memory.baseAddress else { return CT_E_MEMORY }
      let given = unsafe start.bindMemory(to: ct_value.self, capacity: arguments.count + returns)
      let returned = unsafe given + arguments.count
      var room = unsafe UnsafeMutableRawPointer(returned + returns)
      for (index, argument) in arguments.enumerated() { unsafe (given + index).initialize(to: argument.c(&room)) }
      for index in 0..<returns { unsafe (returned + index).initialize(to: ct_value()) }
      let status = unsafe table.pointee.op_call(
        pointer, given, UInt32(arguments.count), returned, UInt32(returns))
      guard status == CT_OK else { return status }
      for index in 0..<returns { unsafe take(returned[index]) }
      unsafe table.pointee.values_free(returned, UInt32(returns), 0)
      return status
    }
    withExtendedLifetime(arguments) {}
    guard status == CT_OK else { throw unsafe TensorError(status: status, name: name, table: table) }
  }
}
