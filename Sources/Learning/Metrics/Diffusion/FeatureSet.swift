package import Tensors

/// Features of images, a row each, in double precision on the CPU: what distances between sets of images are taken from.
package struct FeatureSet {
  /// Rows [n, d] in `float64`.
  package let rows: Tensor
  /// What messages call the set.
  package let name: String

  /// How many images.
  package var count: Int { rows.shape[0] }
  /// How many features an image has.
  package var width: Int { rows.shape[1] }

  /// Features [n, d] of any floating type, from any device.
  ///
  /// - Parameters:
  ///   - name: "generated" or "real", say: what messages call the set.
  ///   - metric: what messages call the metric.
  /// - Throws: `LearningError.emptySet`, `.generation(.shape)`, `.notFinite` with the first row that has a value that is
  ///   infinite or not a number.
  package init(_ features: Tensor, name: String, metric: String) throws {
    let shape = features.shape
    guard shape.count == 2, shape[1] > 0 else {
      throw LearningError.generation(
        .shape(metric: metric, what: "the features of the \(name) images", found: shape, expected: "[images, features]")
      )
    }
    guard shape[0] > 0 else { throw LearningError.emptySet(metric: metric, set: name) }
    self.name = name
    rows = try withoutGradients { () throws(TensorError) in try features.detach().to(.float64).to(.cpu).contiguous() }
    try rows.requireFinite(metric: metric, name: name)
  }

  /// Throws unless another set has as many features.
  func requireWidth(of other: FeatureSet, metric: String) throws(LearningError) {
    guard width == other.width else {
      throw .generation(
        .mismatch(
          metric: metric, first: "the \(name) set", firstSize: "\(width) features an image",
          second: "the \(other.name) set", secondSize: "\(other.width)"))
    }
  }

  /// Throws unless there are so many images.
  func requireCount(_ needed: Int, metric: String) throws(LearningError) {
    guard count >= needed else {
      throw .generation(.tooFew(metric: metric, what: "\(name) images", found: count, needed: needed))
    }
  }
}

extension Tensor {
  /// Throws, with the first row [n, …] that has one, where a value is infinite or not a number. One read back.
  func requireFinite(metric: String, name: String) throws {
    guard try isFinite().all().item() == 0 else { return }
    let rows = try reshape([shape[0], -1]).isFinite().to(.int32).min(along: [1]).int32s()
    throw LearningError.notFinite(metric: metric, set: name, position: rows.firstIndex(of: 0) ?? 0)
  }

  /// Squared Euclidean distances [n, m] between rows [n, d] and [m, d] in double precision.
  ///
  /// From `‖a‖² + ‖b‖² − 2 a·b`, whose rounding is relative to the norms: what lies below 10⁻¹¹ of them is set to 0, so that
  /// equal rows have distance 0 exactly.
  func squaredDistances(to other: Tensor) throws(TensorError) -> Tensor {
    let own = try (self * self).sum(along: [1], keeps: true)
    let theirs = try (other * other).sum(along: [1], keeps: true).transpose(0, 1)
    let norms = try own + theirs
    let distances = try norms - (try matmul(try other.transpose(0, 1))) * 2.0
    try distances.fill(where: try distances.isAtMost(try norms * 1e-11), 0)
    return distances
  }
}
