import Glibc

/// How alike two models answer, on one set.
package struct ModelComparison: Sendable {
  private let ours: Predictions
  private let theirs: Predictions

  /// A comparison of what two models say of the same samples. A class that only one of them tells has probability 0 under
  /// the other.
  ///
  /// - Precondition: both are about the same samples.
  package init(_ ours: Predictions, to theirs: Predictions) {
    precondition(ours.labels == theirs.labels, "predictions of different samples")
    self.ours = ours
    self.theirs = theirs
  }

  /// The share of samples, in percent, that both put into the same class.
  package func agreement(_ part: Split.Part) throws(LearningError) -> Double {
    try check(.agreement(on: part), part)
    return 100 * Double(zip(ours.top, theirs.top).count { $0 == $1 }) / Double(ours.count)
  }

  /// The mean Jensen-Shannon divergence of the softmax distributions, in nats, 0 ... ln 2:
  /// `½ Σ_j p_j ln(p_j / m_j) + ½ Σ_j q_j ln(q_j / m_j)` with `m = (p + q) / 2` (Lin 1991).
  package func divergence(_ part: Split.Part) throws(LearningError) -> Double {
    try check(.divergence(on: part), part)
    let sum = (0..<ours.count).reduce(0.0) { $0 + Self.divergence(ours.row($1), theirs.row($1)) }
    return sum / Double(ours.count)
  }

  private func check(_ metric: Metric, _ part: Split.Part) throws(LearningError) {
    guard ours.count > 0 else { throw .emptySet(metric: metric.rawValue, set: part.rawValue) }
    for predictions in [ours, theirs] { try predictions.check(metric, part) }
  }

  private static func divergence(_ first: ArraySlice<Float>, _ second: ArraySlice<Float>) -> Double {
    let shared = min(first.count, second.count)
    var sum = 0.0
    for (a, b) in zip(first, second) {
      let (p, q) = (Double(a), Double(b))
      sum -= exp(p) * logMean(q - p) + exp(q) * logMean(p - q)
    }
    // Of a class that one side lacks, m = p / 2.
    for row in [first, second] { sum += row.dropFirst(shared).reduce(0) { $0 + exp(Double($1)) * M_LN2 } }
    return sum / 2
  }

  /// `ln(m / p)` with `m = (p + q) / 2`, from `d = ln q − ln p`: `ln((1 + eᵈ) / 2)`. Exactly 0 at 0, so that the
  /// divergence of a model from itself is 0 and not the rounding of two logarithms.
  private static func logMean(_ d: Double) -> Double {
    if d.magnitude < 1 { return log1p(expm1(d) / 2) }
    return d > 0 ? d + log1p(exp(-d)) - M_LN2 : log1p(exp(d)) - M_LN2
  }
}
