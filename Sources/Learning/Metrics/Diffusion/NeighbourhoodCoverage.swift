import Tensors

/// Precision and recall of generated images (Kynkäänniemi et al. 2019). A set's manifold is made of balls, around each of
/// its images, that reach to the image's `k`-th nearest neighbour in the same set. **Precision** is the share of *generated*
/// images in the manifold of the real ones, **recall** the share of *real* images in that of the generated ones.
package struct NeighbourhoodCoverage: Sendable, Equatable {
  /// The share of generated images that lie in a ball of a real one.
  package let precision: Proportion
  /// The share of real images that lie in a ball of a generated one.
  package let recall: Proportion

  /// - Parameters:
  ///   - neighbours: k; an image is not its own neighbour.
  ///   - block: how many rows of distances there are at once.
  /// - Throws: `LearningError.generation` where a set has no more than k images or widths differ, `.interrupted`.
  package init(
    generated: FeatureSet, real: FeatureSet, neighbours: Int = 3, block: Int = 1024, cancel: CancelFlag
  ) throws {
    let metric = "precision and recall"
    precondition(block > 0, "a block has rows")
    try generated.requireWidth(of: real, metric: metric)
    guard neighbours >= 1 else {
      throw LearningError.generation(
        .setting(metric: metric, name: "the number of neighbours", found: "\(neighbours)", expected: "at least 1"))
    }
    for set in [generated, real] {
      guard set.count > neighbours else {
        throw LearningError.generation(
          .tooFew(
            metric: "\(metric) with \(neighbours) neighbours", what: "\(set.name) images", found: set.count,
            needed: neighbours + 1))
      }
    }
    precision = try Self.covered(
      generated, by: real, radii: try Self.radii(real, neighbours, block, cancel), block, cancel)
    recall = try Self.covered(
      real, by: generated, radii: try Self.radii(generated, neighbours, block, cancel), block, cancel)
  }

  /// Squared distances [n] to the k-th nearest other row.
  private static func radii(_ set: FeatureSet, _ neighbours: Int, _ block: Int, _ cancel: CancelFlag) throws -> Tensor {
    let pieces = try blocks(set, block, cancel) { rows in
      // The row itself, at distance 0, is the nearest.
      try rows.squaredDistances(to: set.rows).kthSmallest(neighbours + 1, along: 1).value
    }
    return try Tensor.cat(pieces)
  }

  private static func covered(
    _ points: FeatureSet, by set: FeatureSet, radii: Tensor, _ block: Int, _ cancel: CancelFlag
  ) throws -> Proportion {
    let pieces = try blocks(points, block, cancel) { rows in
      let inside = try rows.squaredDistances(to: set.rows).isAtMost(radii)
      return try inside.to(.int64).max(along: [1])
    }
    return Proportion(count: Int(try Tensor.cat(pieces).sum().item()), of: points.count)
  }

  private static func blocks(
    _ set: FeatureSet, _ block: Int, _ cancel: CancelFlag, _ body: (Tensor) throws -> Tensor
  ) throws -> [Tensor] {
    try stride(from: 0, to: set.count, by: block).map { start in
      try cancel.check()
      return try body(try set.rows.narrow(0, start: start, length: min(block, set.count - start)))
    }
  }
}
