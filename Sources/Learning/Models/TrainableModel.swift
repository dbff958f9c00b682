package import Tensors

/// A network's weights and statistics by name: what is trained, saved, masked and compared, whatever the network is for.
///
/// Subclasses say what the network computes: ``ImageClassifier`` gives logits, ``Denoiser`` predicts noise.
package class TrainableModel {
  /// What kind of network it is, as recipes name it.
  package let architecture: String
  /// Trainable tensors, in module order. They change in place, `resize` included, and are never replaced.
  package let parameters: [(name: String, tensor: Tensor)]
  /// Parameters and buffers, in the order of PyTorch's state dictionary. Running statistics are views of
  /// `flatStatistics`, counts of batches are views of `flatCounts`.
  package let state: [(name: String, tensor: Tensor)]
  /// All running means and variances, in one tensor with gaps; nil without batch normalisation.
  package let flatStatistics: Tensor?
  /// How many training batches each batch normalisation has seen (`int64`); nil without any.
  package let flatCounts: Tensor?
  /// Where its tensors are.
  package let device: Device
  /// The type of its parameters.
  package let dtype: DType
  /// Whether images and kernels are kept with their channels last.
  package let channelsLast: Bool

  init(_ architecture: String, _ builder: ModelBuilder, dtype: DType, device: Device, channelsLast: Bool) {
    self.architecture = architecture
    parameters = builder.parameters
    state = builder.state
    flatStatistics = builder.statistics.count > 0 ? builder.statistics : nil
    flatCounts = builder.counts.count > 0 ? builder.counts : nil
    self.device = device
    self.dtype = dtype
    self.channelsLast = channelsLast
  }

  /// The number of trainable numbers.
  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }

  /// Gives a parameter other elements and another size along its first dimension: a linear layer with more or fewer
  /// outputs. Optimizers and masks made before no longer fit.
  ///
  /// - Precondition: `value` has the parameter's rank, other sizes, type and device.
  package func resize(_ name: String, to value: Tensor) throws(TensorError) {
    guard let parameter = parameters.first(where: { $0.name == name })?.tensor else {
      preconditionFailure("the model has no parameter '\(name)'")
    }
    precondition(parameter.shape.dropFirst() == value.shape.dropFirst(), "only the first size may change")
    try withoutGradients { () throws(TensorError) in
      let copy = try Tensor.empty(value.shape, dtype: value.dtype, device: value.device)
      try copy.assign(value)
      try parameter.become(copy)
    }
  }

  /// What a file of its weights says about it, beside the format.
  package var description: [String: String] { [Key.architecture: architecture] }

  enum Key {
    static let architecture = "architecture"
    static let normalisation = "normalisation"
  }

  /// Takes over the weights of a safetensors file.
  ///
  /// - Throws: as `load(_:from:)`.
  package func load(file path: String) throws {
    try load(try SafeTensors.read(path).tensors, from: path)
  }

  /// Takes over weights and statistics. Nothing changes unless all fit: the same names, shapes and kinds of type, and
  /// finite numbers.
  ///
  /// - Parameter source: what messages call the place that they come from.
  /// - Throws: `LearningError.weights…`; `TensorError`.
  package final func load(_ tensors: [(name: String, tensor: Tensor)], from source: String = "checkpoint") throws {
    var given: [String: Tensor] = [:]
    for (name, tensor) in tensors { given[name] = tensor }
    let missing = state.map(\.name).filter { given[$0] == nil }
    guard missing.isEmpty else { throw LearningError.weightsMissing(path: source, names: missing) }
    let known = Set(state.map(\.name))
    let unexpected = tensors.map(\.name).filter { !known.contains($0) }
    guard unexpected.isEmpty else { throw LearningError.weightsUnexpected(path: source, names: unexpected) }
    let pairs = try state.map { name, target in
      guard let tensor = given[name] else { throw LearningError.weightsMissing(path: source, names: [name]) }
      try check(tensor, for: target, name, source)
      return (target, tensor)
    }
    try withoutGradients {
      for (target, tensor) in pairs { try target.assign(tensor) }
    }
  }

  /// Writes weights and statistics as a safetensors file that PyTorch loads strictly, atomically. The metadata say what
  /// network it is.
  package final func save(file path: String, metadata: [String: String] = [:]) throws(TensorError) {
    let own = ["format": "pt"].merging(description) { _, ours in ours }
    try SafeTensors.write(state, metadata: own.merging(metadata) { ours, _ in ours }, to: path)
  }

  private func check(_ tensor: Tensor, for target: Tensor, _ name: String, _ source: String) throws {
    guard tensor.shape == target.shape else {
      throw LearningError.weightsShape(path: source, name: name, found: tensor.shape, expected: target.shape)
    }
    guard tensor.dtype.isFloatingPoint == target.dtype.isFloatingPoint else {
      throw LearningError.weightsType(
        path: source, name: name, found: "\(tensor.dtype)", expected: "\(target.dtype)")
    }
    guard try tensor.isFinite().all().item() != 0 else {
      throw LearningError.weightsNotFinite(path: source, name: name)
    }
  }
}
