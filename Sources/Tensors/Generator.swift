import CTorchTable

/// A source of random numbers for operators: the CPU's is a Mersenne Twister, CUDA's a Philox.
@safe package final class Generator {
  /// The shim's handle, borrowed: valid while this object lives.
  package let handle: OpaquePointer

  /// A generator of its own, on a device, started from `seed`.
  package init(seed: UInt64, device: Device = .cpu) throws(TensorError) {
    let runtime = try TorchRuntime.shared()
    var made: OpaquePointer?
    let status = unsafe runtime.table.pointee.generator_make(seed, device.number, &made)
    guard status == CT_OK, let made = unsafe made else {
      throw unsafe TensorError(status: status, name: "generator", table: runtime.table)
    }
    unsafe handle = made
  }

  deinit {
    if let table = unsafe Tensor.table { unsafe table.pointee.generator_free(handle) }
  }

  /// Starts again from `seed`.
  package func setSeed(_ seed: UInt64) throws(TensorError) {
    let runtime = try TorchRuntime.shared()
    try runtime.check(unsafe runtime.table.pointee.generator_seed(handle, seed), "generator")
  }
}

/// Seeds the default generators of every device that was opened.
package func seedAll(_ seed: UInt64) throws(TensorError) {
  let runtime = try TorchRuntime.shared()
  try runtime.check(unsafe runtime.table.pointee.seed_all(seed), "seed")
}

/// What the shim has counted; zero where there is no LibTorch.
package struct Counters: Sendable, Equatable {
  /// Handles of tensors that are alive.
  package var liveTensors = 0
  /// Handles of generators that are alive.
  package var liveGenerators = 0
  /// Operators called since the start.
  package var calls = 0
  /// Calls of `gradient` since the start.
  package var gradients = 0

  /// What there is at this moment. Opens LibTorch, if it is not open yet.
  package static var now: Counters {
    guard let table = unsafe Tensor.table else { return Counters() }
    var counters = ct_counters()
    unsafe table.pointee.counters(&counters)
    return Counters(
      liveTensors: Int(counters.tensors), liveGenerators: Int(counters.generators), calls: Int(counters.calls),
      gradients: Int(counters.gradients))
  }

  /// Handles of tensors that are alive now.
  package static var liveTensors: Int { now.liveTensors }
  /// Operators called so far.
  package static var calls: Int { now.calls }
}
