import Foundation
package import Tensors

/// What a classifier says of generated images: logarithms of its probabilities, a row each, in double precision.
package struct ClassProbabilities {
  /// Natural logarithms [n, C]; −∞ where a probability is 0.
  package let logarithms: Tensor
  /// How many images.
  package var count: Int { logarithms.shape[0] }
  /// How many classes.
  package var classes: Int { logarithms.shape[1] }
  private let metric: String

  /// From logits [n, C].
  ///
  /// - Parameter metric: what messages call the metric.
  /// - Throws: as ``init(logarithms:metric:)``.
  package init(logits: Tensor, metric: String) throws {
    try Self.check(logits, metric)
    let rows = try logits.detach().to(.float64).to(.cpu)
    try rows.requireFinite(metric: metric, name: "generated")
    self.metric = metric
    logarithms = try rows.logSoftmax(along: 1)
  }

  /// From logarithms of probabilities [n, C].
  ///
  /// - Throws: `LearningError.emptySet`, `.tooFewClasses` below 2, `.notFinite` for a row with a value that is not a number,
  ///   `.generation(.shape)`, and `.generation(.notProbabilities)` for a row whose probabilities add up to anything
  ///   beyond a thousandth from 1, such as one of zeros.
  package init(logarithms: Tensor, metric: String) throws {
    try Self.check(logarithms, metric)
    let rows = try logarithms.detach().to(.float64).to(.cpu)
    let sums = try rows.exp().sum(along: [1]).doubles()
    if let row = sums.firstIndex(where: \.isNaN) {
      throw LearningError.notFinite(metric: metric, set: "generated", position: row)
    }
    if let row = sums.firstIndex(where: { abs($0 - 1) > 1e-3 }) {
      throw LearningError.generation(.notProbabilities(metric: metric, row: row, sum: sums[row]))
    }
    self.metric = metric
    self.logarithms = rows
  }

  private static func check(_ rows: Tensor, _ metric: String) throws(LearningError) {
    let shape = rows.shape
    guard shape.count == 2 else {
      throw .generation(
        .shape(metric: metric, what: "the classifier's output", found: shape, expected: "[images, classes]"))
    }
    guard shape[0] > 0 else { throw .emptySet(metric: metric, set: "generated") }
    guard shape[1] > 1 else { throw .tooFewClasses(metric: metric, classes: shape[1]) }
  }

  /// The mean over images of the probability of a class, 0 ... 1.
  ///
  /// - Throws: `LearningError.generation(.classRange)`.
  package func meanProbability(of index: Int) throws -> Double {
    guard (0..<classes).contains(index) else {
      throw LearningError.generation(.classRange(metric: metric, found: index, classes: classes))
    }
    return try logarithms.select(1, index).exp().mean().item()
  }

  /// The mean over images of the entropy `−Σ p ln p` in nats, where a probability of 0 adds 0: from 0 to ln C.
  package func meanEntropy() throws -> Double {
    try -(Self.negativeEntropies(logarithms)).mean().item()
  }

  /// `Σ p ln p` of each row.
  private static func negativeEntropies(_ logarithms: Tensor) throws(TensorError) -> Tensor {
    // exp(−∞) · −∞ is not a number; below −745 the probability is 0 already.
    try (try logarithms.exp() * (try logarithms.clamped(min: -1e4))).sum(along: [1])
  }

  /// The Inception Score (Salimans et al. 2016): `exp(mean KL(p(y|x) ‖ p(y)))` in each of `splits` parts of a random
  /// permutation, `p(y)` being the part's own mean; then mean and deviation over parts. From 1 to C; higher is better.
  ///
  /// Philox, label `inception-score.order`; part s of S has the places from ⌊s n/S⌋ to below ⌊(s+1) n/S⌋. A part of few
  /// images cannot score high, however good they are: ten perfect images of ten classes chosen at random show about 6.2
  /// classes' worth.
  ///
  /// - Throws: `LearningError.generation` when there are fewer images than parts, or no part.
  package func inceptionScore(splits: Int = 10, seed: UInt64) throws -> (value: Double, deviation: Double) {
    guard splits >= 1 else {
      throw LearningError.generation(
        .setting(metric: metric, name: "the number of splits", found: "\(splits)", expected: "at least 1"))
    }
    guard count >= splits else {
      throw LearningError.generation(
        .tooFew(metric: "\(metric) in \(splits) splits", what: "generated images", found: count, needed: splits))
    }
    var stream = Philox(seed: seed, label: "inception-score.order")
    let order = try Tensor(stream.permutation(count).map { Int64($0) }, shape: [count])
    let shuffled = try logarithms.indexSelect(0, order)
    let scores = try (0..<splits).map { split in
      let start = split * count / splits
      let part = try shuffled.narrow(0, start: start, length: (split + 1) * count / splits - start)
      let mean = try part.exp().mean(along: [0])
      // Where the mean is 0 so are all probabilities, and the product is 0.
      let cross = try (mean * (try mean.log().clamped(min: -1e4))).sum()
      let divergence = try Self.negativeEntropies(part).mean() - cross
      return exp(max(0, try divergence.item()))
    }
    let mean = scores.reduce(0, +) / Double(splits)
    let variance = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(splits)
    return (mean, variance.squareRoot())
  }
}
