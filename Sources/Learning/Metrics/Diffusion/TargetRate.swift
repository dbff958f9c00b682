package import Tensors

/// How often a model draws what it should have forgotten: the share of samples whose Euclidean distance to any target, with
/// pixels in [0, 1], is below a threshold (10 in the SISS paper, for 28×28 grey images: its "T-shirt rate").
package struct TargetRate: Sendable, Equatable {
  /// The distance of each sample to its nearest target.
  package let distances: [Double]
  /// A sample nearer than this is a target.
  package let threshold: Double

  /// - Parameters:
  ///   - images: samples [n, C, H, W] in [-1, 1].
  ///   - targets: what is looked for, [m, C, H, W] in [-1, 1].
  ///   - block: how many samples are compared at once.
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation` where sizes differ or the threshold is not above 0,
  ///   `.interrupted`.
  package init(
    images: Tensor, targets: Tensor, threshold: Double = 10, block: Int = 1024, cancel: CancelFlag
  ) throws {
    let metric = "target-rate"
    precondition(block > 0, "a block has samples")
    let shape = try GeneratedImages.check(images, "samples", metric: metric)
    let wanted = try GeneratedImages.check(targets, "targets", metric: metric)
    try GeneratedImages.requireSize(shape, "samples", wanted, "targets", metric: metric)
    guard threshold > 0 else {
      throw LearningError.generation(
        .setting(metric: metric, name: "the threshold", found: "\(threshold)", expected: "more than 0"))
    }
    self.threshold = threshold
    let rows = try GeneratedImages.pixels(targets)
    distances = try stride(from: 0, to: shape[0], by: block).flatMap { start in
      try cancel.check()
      let part = try images.narrow(0, start: start, length: min(block, shape[0] - start))
      return try GeneratedImages.pixels(part).squaredDistances(to: rows).min(along: [1]).squareRoot().doubles()
    }
  }

  /// Whether each sample is a target.
  package var isTarget: [Bool] { distances.map { $0 < threshold } }

  /// The share of samples that are.
  package var rate: Proportion { Proportion(count: distances.count { $0 < threshold }, of: distances.count) }
}
