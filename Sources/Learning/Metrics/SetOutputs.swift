/// What one forward pass over one set leaves behind: all that the metrics need.
///
/// The three lists have the length of the set and its order, which is dataset order.
package struct SetOutputs: Sendable, Equatable {
  /// The cross-entropy of each sample with its true label, natural logarithm.
  package let losses: [Float]
  /// Whether the class with the largest output is the true one.
  package let correct: [Bool]
  /// The softmax probability of the true label, in 0 ... 1.
  package let confidence: [Float]

  /// Outputs from their parts.
  ///
  /// - Precondition: the lengths agree.
  package init(losses: [Float], correct: [Bool], confidence: [Float]) {
    precondition(losses.count == correct.count && losses.count == confidence.count, "one value a sample")
    self.losses = losses
    self.correct = correct
    self.confidence = confidence
  }

  /// How many samples.
  package var count: Int { correct.count }

  /// Top-1 accuracy in percent.
  func accuracy(_ metric: Metric, _ part: Split.Part) throws(LearningError) -> Double {
    guard count > 0 else { throw .emptySet(metric: metric.rawValue, set: part.rawValue) }
    return 100 * Double(correct.count { $0 }) / Double(count)
  }

  /// The mean of the losses, added up in double precision in the order of the set.
  func meanLoss(_ metric: Metric, _ part: Split.Part) throws(LearningError) -> Double {
    guard count > 0 else { throw .emptySet(metric: metric.rawValue, set: part.rawValue) }
    if let position = losses.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(metric: metric.rawValue, set: part.rawValue, position: position)
    }
    return losses.reduce(0) { $0 + Double($1) } / Double(count)
  }
}
