package import Tensors

/// How far the weights of one model are from another's. Weights are all trainable parameters; running statistics are none.
package struct WeightComparison {
  private let pairs: [(name: String, ours: Tensor, theirs: Tensor)]

  /// A comparison of two models of one architecture; throws ``LearningError/weightsShape(path:name:found:expected:)`` where a
  /// parameter has another shape, as after a method added an output, and
  /// ``LearningError/weightsMissing(path:names:)`` where there is none of that name.
  ///
  /// - Parameter name: what messages call the first model.
  package init(_ model: TrainableModel, named name: String, to other: TrainableModel) throws(LearningError) {
    var pairs: [(name: String, ours: Tensor, theirs: Tensor)] = []
    for (parameter, theirs) in other.parameters {
      guard let ours = model.parameters.first(where: { $0.name == parameter })?.tensor else {
        throw .weightsMissing(path: name, names: [parameter])
      }
      guard ours.shape == theirs.shape else {
        throw .weightsShape(path: name, name: parameter, found: ours.shape, expected: theirs.shape)
      }
      pairs.append((parameter, ours, theirs))
    }
    self.pairs = pairs
  }

  /// The Euclidean distance of the first model's weights to the second's, and the same over the norm of the second's, summed up
  /// in double precision. Waits for the device once.
  package func distance() throws(TensorError) -> (absolute: Double, relative: Double) {
    try withoutGradients { () throws(TensorError) in
      var squares: [Tensor] = []
      for (_, ours, theirs) in pairs {
        let theirs = try theirs.detach().to(.float64)
        squares.append(try (try ours.detach().to(.float64) - theirs).power(2).sum())
        squares.append(try theirs.power(2).sum())
      }
      let values = try Tensor.stack(squares).doubles()
      let distance = stride(from: 0, to: values.count, by: 2).reduce(0) { $0 + values[$1] }.squareRoot()
      let norm = stride(from: 1, to: values.count, by: 2).reduce(0) { $0 + values[$1] }.squareRoot()
      return (distance, distance / norm)
    }
  }

  /// The share of the weights, in percent, whose bits differ between the models. Waits for the device once.
  package func moved() throws(TensorError) -> Double {
    let reinterpret = try Operator.resolve("aten::view.dtype")
    return try withoutGradients { () throws(TensorError) in
      var counts: [Tensor] = []
      for (_, ours, theirs) in pairs {
        func bits(_ tensor: Tensor) throws(TensorError) -> Tensor {
          let whole: DType = tensor.dtype.byteCount == 8 ? .int64 : tensor.dtype.byteCount == 4 ? .int32 : .int16
          return try reinterpret.tensor(.tensor(try tensor.detach()), .dtype(whole))
        }
        counts.append(try bits(ours).differs(from: bits(theirs)).sum())
      }
      let moved = try Tensor.stack(counts).doubles().reduce(0, +)
      return 100 * moved / Double(pairs.reduce(0) { $0 + $1.ours.count })
    }
  }
}
