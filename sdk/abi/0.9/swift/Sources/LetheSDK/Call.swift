// SPDX-License-Identifier: Apache-2.0
public import CLethe

/// The right to call the host, for the length of one callback and on its thread. Do not keep it, nor tensors that came
/// with it: `Tensor.keep` is for that.
public struct Call {
  let context: lethe_ctx
  let services: Services

  /// One line for the run's record. Levels: `LETHE_LOG_DEBUG`, `LETHE_LOG_INFO`, `LETHE_LOG_WARNING`.
  public func log(_ message: String, level: Int32 = LETHE_LOG_INFO) {
    services.core.log?(context, level, message)
  }

  /// Throws `Failure.cancelled` once the run was asked to stop. One atomic load: poll it in every loop that is long.
  public func checkCancelled() throws {
    if let cancelled = services.core.cancelled, cancelled(context) != 0 { throw Failure.cancelled }
  }

  /// Records a number about this step under `key` ([a-z][a-z0-9_.]*).
  public func report(_ key: String, _ value: Double) throws { try report(key, lethe_of_float(value)) }

  /// Records a tensor of one element; it is read when the next event is due, so no step waits for the device.
  public func report(_ key: String, _ value: Tensor) throws { try report(key, value.value) }

  private func report(_ key: String, _ value: lethe_value) throws {
    let report = try offered(services.core.report, "lethe.core/1 report")
    var value = value
    try ask { report(context, key, &value, $0) }
  }

  /// A tensor on the run's device with these row-major values. `values.count` is the product of `shape`.
  public func tensor<Element: TensorElement>(_ values: [Element], shape: [Int]) throws -> Tensor {
    let make = try offered(services.tensors.make, "lethe.tensors/1 make")
    guard shape.reduce(1, *) == values.count else {
      throw Failure("\(values.count) values do not fill the shape \(shape)", status: LETHE_E_INVALID_ARGUMENT)
    }
    let dims = shape.map(Int64.init)
    var made: lethe_tensor?
    try values.withUnsafeBytes { bytes in
      try ask {
        make(
          context, Element.dtype.rawValue, dims, UInt32(dims.count), bytes.baseAddress, UInt64(bytes.count), &made, $0)
      }
    }
    return try tensor(made)
  }

  /// The tensor behind a handle that the host gave.
  func tensor(_ handle: lethe_tensor?) throws -> Tensor {
    Tensor(handle: try offered(handle, "a tensor"), call: self)
  }

  /// Like `tensor(_:)`, for handles that may be absent.
  func optional(_ handle: lethe_tensor?) -> Tensor? { handle.map { Tensor(handle: $0, call: self) } }

  /// Names and tensors of one of the host's lists, in its order.
  func named(_ list: lethe_named_tensors) -> [NamedTensor] {
    guard let names = list.names, let tensors = list.tensors else { return [] }
    return (0..<Int(list.count)).compactMap { index in
      guard let name = names[index], let tensor = tensors[index] else { return nil }
      return NamedTensor(name: String(cString: name), tensor: Tensor(handle: tensor, call: self))
    }
  }

  /// The tensors of a list, nil where the host has none.
  func tensors(_ list: lethe_named_tensors) -> [Tensor?] {
    guard let tensors = list.tensors else { return [] }
    return (0..<Int(list.count)).map { optional(tensors[$0]) }
  }

  /// Runs `body` and frees every tensor that it made, for loops that make many.
  public func freeingTensors(_ body: () throws -> Void) throws {
    let mark = try offered(services.tensors.mark, "lethe.tensors/1 mark")(context)
    let release = try offered(services.tensors.release_to, "lethe.tensors/1 release_to")
    try body()
    try ask { release(context, mark, $0) }
  }

  // MARK: Random numbers: a function of (run seed, strategy instance, label, step), so there is no state to save

  /// LibTorch's own generator, for operators that take one.
  public func generator(_ label: String) throws -> Generator {
    let generator = try offered(services.random.generator, "lethe.rng/1 generator")
    var found: lethe_rng?
    try ask { generator(context, label, &found, $0) }
    return Generator(handle: try offered(found, "a generator"))
  }

  /// The first `count` words of the stream: Philox 4x32-10, the same in every language.
  public func randomBits(_ label: String, count: Int) throws -> [UInt32] {
    let stream = try offered(services.random.stream, "lethe.rng/1 stream")
    let bits = try offered(services.random.bits, "lethe.rng/1 bits")
    var found: lethe_rng?
    try ask { stream(context, label, &found, $0) }
    var words = [UInt32](repeating: 0, count: count)
    try ask { bits(context, found, &words, UInt64(count), $0) }
    return words
  }

  // MARK: Gradients

  /// Gradients of a scalar with respect to `inputs`; nil where it does not depend on one.
  /// - Parameter flags: `LETHE_GRAD_RETAIN_GRAPH`, `LETHE_GRAD_CREATE_GRAPH`.
  public func gradient(of output: Tensor, withRespectTo inputs: [Tensor], flags: UInt32 = 0) throws -> [Tensor?] {
    let gradient = try offered(services.autograd.gradient, "lethe.autograd/1 gradient")
    let outputs: [lethe_tensor?] = [output.handle]
    let handles: [lethe_tensor?] = inputs.map(\.handle)
    var gradients = [lethe_tensor?](repeating: nil, count: inputs.count)
    try ask {
      gradient(
        context, outputs, nil, 1, handles, UInt32(handles.count), flags | LETHE_GRAD_ALLOW_UNUSED, &gradients, $0)
    }
    return gradients.map(optional)
  }

  /// Runs `body` without recording a graph.
  public func withoutGraph<Result>(_ body: () throws -> Result) throws -> Result {
    let set = try offered(services.autograd.set_no_grad, "lethe.autograd/1 set_no_grad")
    let before = set(context, 1)
    defer { _ = set(context, before) }
    return try body()
  }
}

/// A generator of LibTorch, valid during the callback.
public struct Generator {
  let handle: lethe_rng
}

/// A tensor and the name that the model has for it.
public struct NamedTensor {
  /// For instance "conv1.weight".
  public let name: String
  /// The tensor.
  public let tensor: Tensor
}
