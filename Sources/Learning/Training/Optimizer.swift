package import Tensors

/// Steps along gradients with LibTorch's fused operators: one call for all parameters.
package final class Optimizer {
  /// The rule and its numbers.
  package let settings: OptimizerSettings
  /// What a checkpoint keeps: the moments, and Adam's count of steps. They change in place.
  package private(set) var state: [(name: String, tensor: Tensor)] = []
  private let parameters: [Tensor]
  /// SGD: momenta, empty without momentum. Adam: running means of gradients.
  private let means: [Tensor]
  /// Adam: running means of squared gradients.
  private let squares: [Tensor]
  /// Adam: steps that changed something, of rank 0; the same for every parameter.
  private let count: Tensor

  /// Moments start at 0, on the parameters' device and in their memory order.
  ///
  /// - Precondition: there is a parameter.
  package init(_ settings: OptimizerSettings, parameters: [Tensor]) throws(TensorError) {
    guard let first = parameters.first else { preconditionFailure("an optimizer has parameters") }
    self.settings = settings
    self.parameters = parameters
    count = try Tensor.zeros([], device: first.device)
    switch settings.rule {
    case .sgd(let momentum, _):
      means = momentum == 0 ? [] : try Self.zeros(parameters)
      squares = []
      state = means.enumerated().map { ("momentum.\($0.offset)", $0.element) }
    case .adam, .adamW:
      means = try Self.zeros(parameters)
      squares = try Self.zeros(parameters)
      state = [("step", count)]
      state += means.enumerated().map { ("mean.\($0.offset)", $0.element) }
      state += squares.enumerated().map { ("square.\($0.offset)", $0.element) }
    }
  }

  /// One step. The result is PyTorch's, for the same rule and numbers.
  ///
  /// - Parameters:
  ///   - gradients: one for each parameter, of its shape; not changed.
  ///   - learningRate: of this step.
  ///   - rate: the same where a recorded step reads it each time, as `FusedStep` has it; then `learningRate` is not looked at.
  ///   - held: of the same parameters: weights that are put back whatever their gradients are. Their moments go on meanwhile.
  ///   - foundInfinity: rank 0, `float32`, on the parameters' device: 1 makes the step change nothing, 0 lets it.
  package func step(
    _ gradients: [Tensor], learningRate: Double, rate: Tensor? = nil, held: HeldWeights? = nil,
    foundInfinity: Tensor? = nil
  ) throws(TensorError) {
    precondition(gradients.count == parameters.count, "a gradient for each parameter")
    try withoutGradients { () throws(TensorError) in
      let fitted = try zip(parameters, gradients).map(Self.fit)
      if counts { try count.add(1) }
      if let held {
        for block in held.blocks {
          try move(
            block.parameters, block.cut(fitted), block.cut(means), block.cut(squares), learningRate, rate, foundInfinity
          )
          try block.putBack()
        }
      } else {
        try move(parameters, fitted, means, squares, learningRate, rate, foundInfinity)
      }
      if counts, let foundInfinity { try count.add(foundInfinity, scale: -1) }
    }
  }

  /// Puts back what `state` gave. Nothing changes unless all fits.
  ///
  /// - Throws: `LearningError.optimizerState`; `TensorError`.
  package func restore(_ saved: [(name: String, tensor: Tensor)]) throws {
    var given: [String: Tensor] = [:]
    for (name, tensor) in saved { given[name] = tensor }
    let known = Set(state.map(\.name))
    if let stray = saved.first(where: { !known.contains($0.name) }) {
      throw LearningError.optimizerState(name: stray.name, reason: "belongs to another rule or model")
    }
    let pairs = try state.map { name, target in
      guard let tensor = given[name] else {
        throw LearningError.optimizerState(name: name, reason: "is missing")
      }
      guard tensor.shape == target.shape, tensor.dtype == target.dtype else {
        throw LearningError.optimizerState(name: name, reason: "is \(tensor); expected \(target)")
      }
      return (target, tensor)
    }
    try withoutGradients {
      for (target, tensor) in pairs { try target.assign(tensor) }
    }
  }

  /// Multiplies all moments by `factors`, one for each parameter: what a mask of 0 and 1 freezes starts from rest.
  package func mask(_ factors: [Tensor]) throws(TensorError) {
    try withoutGradients { () throws(TensorError) in
      if !means.isEmpty { try Foreach.multiply(means, by: factors) }
      if !squares.isEmpty { try Foreach.multiply(squares, by: factors) }
    }
  }

  /// Whether the rule counts its steps.
  private var counts: Bool { if case .sgd = settings.rule { false } else { true } }

  private func move(
    _ parameters: [Tensor], _ gradients: [Tensor], _ means: [Tensor], _ squares: [Tensor], _ learningRate: Double,
    _ rate: Tensor?, _ foundInfinity: Tensor?
  ) throws(TensorError) {
    func adam(_ betas: (Double, Double), _ epsilon: Double, decoupled: Bool) throws(TensorError) {
      try FusedStep.adam(
        parameters, gradients, means: means, squares: squares,
        steps: [Tensor](repeating: count, count: parameters.count), learningRate: learningRate, betas: betas,
        weightDecay: settings.weightDecay, epsilon: epsilon, decoupled: decoupled, foundInfinity: foundInfinity,
        rate: rate)
    }
    switch settings.rule {
    case .sgd(let momentum, let nesterov):
      // Momenta of 0 and a first step that is none give the gradient itself, as PyTorch's first step does.
      try FusedStep.sgd(
        parameters, gradients, momenta: means, learningRate: learningRate, momentum: momentum,
        weightDecay: settings.weightDecay, nesterov: nesterov, isFirstStep: false, foundInfinity: foundInfinity,
        rate: rate)
    case .adam(let betas, let epsilon): try adam(betas, epsilon, decoupled: false)
    case .adamW(let betas, let epsilon): try adam(betas, epsilon, decoupled: true)
    }
  }

  private static func zeros(_ parameters: [Tensor]) throws(TensorError) -> [Tensor] {
    try parameters.map { (parameter) throws(TensorError) in try Tensor.zeros(like: parameter).detach() }
  }

  /// The gradient in the parameter's memory order: the fused operators walk over plain memory, and gradients of
  /// convolutions may come in another order.
  private static func fit(_ parameter: Tensor, _ gradient: Tensor) throws(TensorError) -> Tensor {
    let shape = parameter.shape
    precondition(gradient.shape == shape, "a gradient has its parameter's shape")
    let differs = zip(shape, zip(parameter.strides, gradient.strides)).contains { $0 > 1 && $1.0 != $1.1 }
    guard differs || gradient.dtype != parameter.dtype else { return gradient }
    let ordered = try Tensor.zeros(like: parameter)
    try ordered.assign(gradient)
    return ordered
  }
}

/// The norm of all gradients as one vector, of rank 0.
package func gradientNorm(_ gradients: [Tensor]) throws(TensorError) -> Tensor {
  try Tensor.stack(try Foreach.norms(gradients)).norm()
}

/// Shortens gradients in place so that their norm, which is `length` now, is at most `norm`; never lengthens them. As
/// PyTorch's `clip_grad_norm_`: the factor is `norm / (length + 1e-6)`.
package func clipGradients(_ gradients: [Tensor], to norm: Double, from length: Tensor) throws(TensorError) {
  try withoutGradients { () throws(TensorError) in
    let factor = try ((length + 1e-6).reciprocal() * norm).clamped(max: 1)
    try Foreach.multiply(gradients, by: factor)
  }
}
