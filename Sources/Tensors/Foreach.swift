/// One operator for a whole list of tensors, such as all parameters; every list has the same length.
package enum Foreach {
  /// `targets[i] += scale · others[i]`.
  package static func add(_ targets: [Tensor], _ others: [Tensor], scale: Double = 1) throws(TensorError) {
    try Tensor.operators().foreachAdd.run(.tensors(targets), .tensors(others), .float(scale))
  }

  /// `targets[i] *= others[i]`.
  package static func multiply(_ targets: [Tensor], by others: [Tensor]) throws(TensorError) {
    try Tensor.operators().foreachMul.run(.tensors(targets), .tensors(others))
  }

  /// `targets[i] *= number`.
  package static func multiply(_ targets: [Tensor], by number: Double) throws(TensorError) {
    try Tensor.operators().foreachMulScalar.run(.tensors(targets), .float(number))
  }

  /// `targets[i] *= scalar`, where `scalar` is a tensor of rank 0.
  package static func multiply(_ targets: [Tensor], by scalar: Tensor) throws(TensorError) {
    try Tensor.operators().foreachMulTensor.run(.tensors(targets), .tensor(scalar))
  }

  /// The norm of each tensor, of rank 0.
  package static func norms(_ tensors: [Tensor], order: Double = 2) throws(TensorError) -> [Tensor] {
    try Tensor.operators().foreachNorm.tensors(.tensors(tensors), .float(order))
  }

  /// `targets[i] = sources[i]`.
  package static func copy(_ targets: [Tensor], _ sources: [Tensor]) throws(TensorError) {
    try Tensor.operators().foreachCopy.run(.tensors(targets), .tensors(sources))
  }

  /// Sets every element to zero.
  package static func zero(_ targets: [Tensor]) throws(TensorError) {
    try Tensor.operators().foreachZero.run(.tensors(targets))
  }

  /// `targets[i] += weight · (ends[i] − targets[i])`.
  package static func lerp(_ targets: [Tensor], to ends: [Tensor], weight: Double) throws(TensorError) {
    try Tensor.operators().foreachLerp.run(.tensors(targets), .tensors(ends), .float(weight))
  }

  /// The same with one weight where `isOff`, of rank 0, is false; where it is true nothing changes. Nothing waits for the device.
  ///
  /// - Precondition: targets and ends are of one type, and all numbers are finite.
  package static func lerp(
    _ targets: [Tensor], to ends: [Tensor], weight: Double, unless isOff: Tensor
  ) throws(TensorError) {
    guard let dtype = targets.first?.dtype else { return }
    try lerp(targets, to: ends, factor: isOff.not().to(dtype) * weight, isWhole: weight >= 1)
  }

  /// The same with a weight that a recorded step reads each time: of rank 0 and the targets' type. `isWhole` says whether it
  /// is 1, which is computed in another way.
  package static func lerp(
    _ targets: [Tensor], to ends: [Tensor], weight: Tensor, isWhole: Bool, unless isOff: Tensor
  ) throws(TensorError) {
    guard let dtype = targets.first?.dtype else { return }
    try lerp(targets, to: ends, factor: isOff.not().to(dtype) * weight, isWhole: isWhole)
  }

  private static func lerp(
    _ targets: [Tensor], to ends: [Tensor], factor: Tensor, isWhole: Bool
  ) throws(TensorError) {
    let table = try Tensor.operators()
    guard !isWhole else {
      // What is taken over whole must not be rounded on its way.
      let factors = [Tensor](repeating: factor, count: targets.count)
      try table.foreachLerpEach.run(.tensors(targets), .tensors(ends), .tensors(factors))
      return
    }
    let ways = try table.foreachSub.tensors(.tensors(ends), .tensors(targets), 1.0)
    try multiply(ways, by: factor)
    try add(targets, ways)
  }
}

/// LibTorch's fused optimizer steps. Parameters change in place: call inside `withoutGradients`. Where `foundInfinity`
/// (rank 0, `float32`) is not 0 nothing changes, the step counts of Adam included. Where `rate` is given it is the learning
/// rate, and `learningRate` is not looked at: of rank 0, on a device `float32`, on the CPU `float64` for the same bits.
package enum FusedStep {
  /// Stochastic gradient descent. `momenta` is empty without momentum; in the first step it is set to the gradient.
  package static func sgd(
    _ parameters: [Tensor], _ gradients: [Tensor], momenta: [Tensor], learningRate: Double, momentum: Double,
    weightDecay: Double, nesterov: Bool, isFirstStep: Bool, foundInfinity: Tensor?, rate: Tensor? = nil
  ) throws(TensorError) {
    let table = try Tensor.operators()
    try (rate == nil ? table.fusedSGD : table.fusedSGDTensor).run(
      .tensors(parameters), .tensors(gradients), .tensors(momenta), .float(weightDecay), .float(momentum),
      rate.map(Value.tensor) ?? .float(learningRate), 0.0, .bool(nesterov), false, .bool(isFirstStep), .none,
      .optional(foundInfinity))
  }

  /// Adam, or AdamW when `decoupled`. `steps` are counts of rank 0 (`float32`).
  package static func adam(
    _ parameters: [Tensor], _ gradients: [Tensor], means: [Tensor], squares: [Tensor], steps: [Tensor],
    learningRate: Double, betas: (Double, Double), weightDecay: Double, epsilon: Double, decoupled: Bool,
    foundInfinity: Tensor?, rate: Tensor? = nil
  ) throws(TensorError) {
    let table = try Tensor.operators()
    let isNumber = rate == nil
    let operation =
      decoupled
      ? (isNumber ? table.fusedAdamW : table.fusedAdamWTensor) : (isNumber ? table.fusedAdam : table.fusedAdamTensor)
    try operation.run(
      .tensors(parameters), .tensors(gradients), .tensors(means), .tensors(squares), .tensors([]), .tensors(steps),
      rate.map(Value.tensor) ?? .float(learningRate), .float(betas.0), .float(betas.1), .float(weightDecay),
      .float(epsilon), false, false,
      .none, .optional(foundInfinity))
  }
}
