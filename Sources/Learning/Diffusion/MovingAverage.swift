import Glibc
package import Tensors

/// An exponential moving average of a model's parameters: after each step, average += (1 − decay) · (parameter − average).
/// Written this way, equal values stay equal.
package final class MovingAverage {
  /// How much of the average a step leaves.
  package enum Decay: Sendable, Equatable {
    /// The same at each update.
    case constant(Double)
    /// min(`highest`, 1 − (1 + (n − 1) / `inverseGamma`)^(−`power`)) at update n, counted from 1: the first one takes over
    /// the parameters. diffusers' `EMAModel` with `use_ema_warmup`, whose default power is 2/3.
    case warmingUp(highest: Double, inverseGamma: Double = 1, power: Double = 0.75)

    /// The decay at update `count`, from 1.
    package func at(_ count: Int) -> Double {
      switch self {
      case .constant(let decay): decay
      case .warmingUp(let highest, let inverseGamma, let power):
        min(highest, 1 - pow(1 + Double(count - 1) / inverseGamma, -power))
      }
    }
  }

  /// How much of the average a step leaves.
  package let decay: Decay
  /// How many updates there were.
  package private(set) var updates = 0
  /// The averages, named as the model's parameters; in binary32, or binary64 where the model is. Also what a checkpoint
  /// keeps, beside `updates`.
  package let tensors: [(name: String, tensor: Tensor)]

  /// Starts from a model's parameters.
  package init(of model: TrainableModel, decay: Decay) throws(TensorError) {
    self.decay = decay
    let dtype: DType = model.dtype == .float64 ? .float64 : .float32
    tensors = try withoutGradients { () throws(TensorError) in
      var copies: [(name: String, tensor: Tensor)] = []
      for (name, tensor) in model.parameters { copies.append((name, try tensor.detach().to(dtype).clone())) }
      return copies
    }
  }

  /// Takes in the parameters after a step. Nothing waits for the device.
  ///
  /// - Parameter isBad: rank 0; where it is true the averages stay as they are. `updates` counts the step all the same, as
  ///   nobody knows yet: see ``correct(updates:)``.
  package func update(from model: TrainableModel, unless isBad: Tensor? = nil) throws(TensorError) {
    let weight = count()
    try withoutGradients { () throws(TensorError) in
      let (own, current) = (tensors.map(\.tensor), try current(model))
      guard let isBad else { return try Foreach.lerp(own, to: current, weight: weight) }
      try Foreach.lerp(own, to: current, weight: weight, unless: isBad)
    }
  }

  /// Counts one more update and says how much it takes in, for `update(from:weight:isWhole:unless:)`.
  package func count() -> Double {
    updates += 1
    return 1 - decay.at(updates)
  }

  /// The update that `count` counted, in a form that can be recorded and done again.
  ///
  /// - Parameters:
  ///   - weight: what `count` said, of rank 0 and the averages' type.
  ///   - isWhole: whether that is 1.
  ///   - isBad: as for `update(from:unless:)`.
  package func update(
    from model: TrainableModel, weight: Tensor, isWhole: Bool, unless isBad: Tensor
  ) throws(TensorError) {
    try withoutGradients { () throws(TensorError) in
      try Foreach.lerp(
        tensors.map(\.tensor), to: try current(model), weight: weight, isWhole: isWhole, unless: isBad)
    }
  }

  /// A model's parameters in the averages' type.
  private func current(_ model: TrainableModel) throws(TensorError) -> [Tensor] {
    let current = model.parameters.map(\.tensor)
    guard let own = tensors.first?.tensor.dtype, own != model.dtype else { return current }
    return try current.map { (tensor) throws(TensorError) in try tensor.to(own) }
  }

  /// Counts again, once it is known that only so many updates were of good steps.
  package func correct(updates count: Int) { updates = count }

  /// Gives a model the averages as its parameters.
  ///
  /// - Precondition: it has the parameters of the model that they were taken from.
  package func apply(to model: TrainableModel) throws(TensorError) {
    precondition(model.parameters.map(\.name) == tensors.map(\.name), "averages are of another model")
    try withoutGradients { () throws(TensorError) in
      try Foreach.copy(model.parameters.map(\.tensor), tensors.map(\.tensor))
    }
  }

  /// Goes on from what `tensors` and `updates` were.
  ///
  /// - Throws: `LearningError.weightsMissing`, `weightsShape`; `TensorError`.
  package func restore(
    _ saved: [(name: String, tensor: Tensor)], updates: Int, from source: String = "checkpoint"
  ) throws {
    let given = Dictionary(saved.map { ($0.name, $0.tensor) }) { first, _ in first }
    let missing = tensors.map(\.name).filter { given[$0] == nil }
    guard missing.isEmpty else { throw LearningError.weightsMissing(path: source, names: missing) }
    for (name, tensor) in tensors {
      guard let found = given[name], found.shape == tensor.shape else {
        throw LearningError.weightsShape(
          path: source, name: name, found: given[name]?.shape ?? [], expected: tensor.shape)
      }
    }
    for (name, tensor) in tensors {
      if let found = given[name] { try tensor.assign(found) }
    }
    self.updates = updates
  }
}
