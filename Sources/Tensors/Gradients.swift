import CTorchTable

/// Vector-Jacobian products: the gradient of `outputs`, each weighted by its seed, with respect to each input.
///
/// - Parameters:
///   - seeds: one for each output, of its shape; nil for a scalar output means 1. Empty means nil for all.
///   - retainGraph: keep the graph, for another call through it.
///   - createGraph: make the gradients differentiable themselves; implies keeping the graph.
///   - allowUnused: give nil, rather than throw, for an input that no output depends on.
/// - Returns: one gradient for each input, in its order.
package func gradient(
  of outputs: [Tensor], seeds: [Tensor?] = [], withRespectTo inputs: [Tensor], retainGraph: Bool = false,
  createGraph: Bool = false, allowUnused: Bool = false
) throws(TensorError) -> [Tensor?] {
  let runtime = try TorchRuntime.shared()
  guard seeds.isEmpty || seeds.count == outputs.count else {
    throw .operation(
      "gradient", message: "there are \(outputs.count) outputs and \(seeds.count) seeds", details: "")
  }
  var out = unsafe [OpaquePointer?](repeating: nil, count: inputs.count)
  let sources = unsafe outputs.map { unsafe Optional($0.handle) }
  let targets = unsafe inputs.map { unsafe Optional($0.handle) }
  let weights = unsafe seeds.map { unsafe $0?.handle }
  let keeps: Int32 = retainGraph || createGraph ? 1 : 0
  let status = unsafe weights.withUnsafeBufferPointer { weights in
    unsafe runtime.table.pointee.gradients(
      sources, seeds.isEmpty ? nil : weights.baseAddress, UInt32(sources.count), targets, UInt32(targets.count),
      keeps, createGraph ? 1 : 0, allowUnused ? 1 : 0, &out)
  }
  withExtendedLifetime((outputs, inputs, seeds)) {}
  try runtime.check(status, "gradient")
  return unsafe out.map { unsafe $0.map { unsafe Tensor(taking: $0) } }
}

/// Runs `body` without recording for gradients.
package func withoutGradients<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
  try withGradients(false, body)
}

/// Runs `body` with recording for gradients, inside `withoutGradients` too.
package func withGradients<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
  try withGradients(true, body)
}

private func withGradients<Result, Failure: Error>(
  _ isOn: Bool, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  // Without LibTorch there is no mode to change, and the first tensor in `body` throws.
  guard let table = unsafe Tensor.table else { return try body() }
  let before = unsafe table.pointee.grad_mode()
  unsafe table.pointee.set_grad_mode(isOn ? 1 : 0)
  defer { unsafe table.pointee.set_grad_mode(before) }
  return try body()
}

/// Runs `body` with operators of one kind of device choosing `dtype` where that is safe. `nil` turns autocast off.
package func withAutocast<Result, Failure: Error>(
  _ dtype: DType?, _ device: Device, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  guard let table = unsafe Tensor.table else { return try body() }
  var wasOn: Int32 = 0
  var before: Int32 = 0
  guard unsafe table.pointee.autocast(device.number, &wasOn, &before) == CT_OK,
    unsafe table.pointee.set_autocast(device.number, dtype == nil ? 0 : 1, dtype?.rawValue ?? before) == CT_OK
  else { preconditionFailure("autocast is known for the CPU and for CUDA") }
  unsafe table.pointee.autocast_enter()
  defer {
    unsafe table.pointee.autocast_leave()
    _ = unsafe table.pointee.set_autocast(device.number, wasOn, before)
  }
  return try body()
}
