/// Accuracy and loss of one class in one set.
package struct ClassScore: Sendable, Equatable {
  /// How many samples of the class the set has.
  package let samples: Int
  /// Top-1 accuracy in percent; nil without samples.
  package let accuracy: Double?
  /// Mean cross-entropy in nats; nil without samples.
  package let loss: Double?
}

extension SetOutputs {
  /// Accuracy and loss of each of `classes` classes: two sums, over what the pass left behind.
  ///
  /// Throws ``LearningError/notFinite(metric:set:position:)`` for a loss that is none.
  ///
  /// - Precondition: the predictions were kept, and every label is a class.
  package func classScores(_ classes: Int, _ part: Split.Part) throws(LearningError) -> [ClassScore] {
    guard let predictions else { preconditionFailure("the predictions were not kept") }
    if let position = losses.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(metric: "per-class", set: part.rawValue, position: position)
    }
    var sums = [(samples: Int, correct: Int, loss: Double)](repeating: (0, 0, 0), count: classes)
    for (position, label) in predictions.labels.enumerated() {
      let label = Int(label)
      sums[label].samples += 1
      if correct[position] { sums[label].correct += 1 }
      sums[label].loss += Double(losses[position])
    }
    return sums.map { sum in
      let samples = Double(sum.samples)
      return ClassScore(
        samples: sum.samples, accuracy: sum.samples > 0 ? 100 * Double(sum.correct) / samples : nil,
        loss: sum.samples > 0 ? sum.loss / samples : nil)
    }
  }
}
