package import Tensors

extension ImageClassifier {
  /// Metadata keys of the files that `save` writes.
  private enum Key {
    static let architecture = "architecture"
    static let normalisation = "normalisation"
  }

  /// Takes over weights and statistics. Nothing changes unless all fit: the same names, shapes and kinds of type, and
  /// finite numbers.
  ///
  /// - Parameter source: what messages call the place that they come from.
  /// - Throws: `LearningError.weights…`; `TensorError`.
  package func load(_ tensors: [(name: String, tensor: Tensor)], from source: String = "checkpoint") throws {
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

  /// Takes over the weights of a safetensors file.
  ///
  /// - Throws: as `load(_:from:)`; `LearningError.weightsNormalisation` where the file says how images were normalised
  ///   and that differs.
  package func load(file path: String) throws {
    let file = try SafeTensors.read(path)
    if let stated = file.metadata[Key.normalisation], stated != normalisation.text {
      throw LearningError.weightsNormalisation(path: path, found: stated, expected: normalisation.text)
    }
    try load(file.tensors, from: path)
  }

  /// Writes weights and statistics as a safetensors file that PyTorch loads strictly, atomically. The metadata say what
  /// network it is and how it normalises images.
  package func save(file path: String, metadata: [String: String] = [:]) throws(TensorError) {
    let own = ["format": "pt", Key.architecture: architecture, Key.normalisation: normalisation.text]
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
