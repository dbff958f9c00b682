package import Tensors

/// How much of an image a model gives back when it begins from the image with noise on it: measured before and after
/// unlearning, the fall says how much of the memory is gone (Alberti et al., SISS, 2025).
package enum Reconstruction {
  /// The cosine of the angle between the embeddings [n, k] of each image and of its reconstruction, -1 ... 1: 1 for images
  /// that the embedding cannot tell apart.
  ///
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation` where shapes differ or an embedding is all zeros.
  package static func cosines(originals: Tensor, reconstructions: Tensor) throws -> [Double] {
    let metric = "similarity"
    let first = try FeatureSet(originals, name: "original", metric: metric)
    let second = try FeatureSet(reconstructions, name: "reconstructed", metric: metric)
    try first.requireWidth(of: second, metric: metric)
    guard first.count == second.count else {
      throw LearningError.generation(
        .mismatch(
          metric: metric, first: "the original set", firstSize: "\(first.count) images",
          second: "the reconstructed set", secondSize: "\(second.count)"))
    }
    let lengths = try [first, second].map { set in
      let lengths = try (set.rows * set.rows).sum(along: [1]).squareRoot()
      if let row = try lengths.doubles().firstIndex(of: 0) {
        throw LearningError.generation(
          .noDirection(metric: metric, what: "the \(set.name) images' embeddings", row: row))
      }
      return lengths
    }
    let products = try (first.rows * second.rows).sum(along: [1])
    return try (products / (lengths[0] * lengths[1])).clamped(min: -1, max: 1).doubles()
  }

  /// The Euclidean distance of each image [n, C, H, W] in [-1, 1] to its reconstruction, with pixels in [0, 1].
  ///
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation` where shapes differ.
  package static func distances(originals: Tensor, reconstructions: Tensor) throws -> [Double] {
    let metric = "reconstruction-distance"
    let first = try GeneratedImages.check(originals, "originals", metric: metric)
    let second = try GeneratedImages.check(reconstructions, "reconstructions", metric: metric)
    try GeneratedImages.requireSize(first, "originals", second, "reconstructions", metric: metric)
    guard first[0] == second[0] else {
      throw LearningError.generation(
        .mismatch(
          metric: metric, first: "the original set", firstSize: "\(first[0]) images",
          second: "the reconstructed set", secondSize: "\(second[0])"))
    }
    let difference = try GeneratedImages.pixels(originals) - (try GeneratedImages.pixels(reconstructions))
    return try (difference * difference).sum(along: [1]).squareRoot().doubles()
  }
}
