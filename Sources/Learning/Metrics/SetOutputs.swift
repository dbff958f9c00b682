/// What one forward pass over one set leaves behind: all that the metrics need.
///
/// The lists have the length of the set and its order, which is dataset order.
package struct SetOutputs: Sendable, Equatable {
  /// The cross-entropy of each sample with its true label, natural logarithm.
  package let losses: [Float]
  /// Whether the class with the largest output is the true one.
  package let correct: [Bool]
  /// The softmax probability of the true label, in 0 ... 1.
  package let confidence: [Float]
  /// What the model says of every class; nil where nobody asked to keep it.
  package let predictions: Predictions?

  /// Outputs from their parts.
  ///
  /// - Precondition: the lengths agree.
  package init(losses: [Float], correct: [Bool], confidence: [Float], predictions: Predictions? = nil) {
    precondition(losses.count == correct.count && losses.count == confidence.count, "one value a sample")
    precondition(predictions.map { $0.count == losses.count } ?? true, "one prediction a sample")
    self.losses = losses
    self.correct = correct
    self.confidence = confidence
    self.predictions = predictions
  }

  /// How many samples.
  package var count: Int { correct.count }

  /// The same without what the model says of every class.
  package var withoutPredictions: SetOutputs {
    SetOutputs(losses: losses, correct: correct, confidence: confidence)
  }

  /// Top-1 accuracy in percent; not a number without samples.
  package var accuracy: Double { 100 * Double(correct.count { $0 }) / Double(count) }

  /// Top-1 accuracy in percent.
  func accuracy(_ metric: Metric, _ part: Split.Part) throws(LearningError) -> Double {
    guard count > 0 else { throw .emptySet(metric: metric.rawValue, set: part.rawValue) }
    return accuracy
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

/// What a model says of every class, for each sample of a set.
package struct Predictions: Sendable, Equatable {
  /// True labels.
  package let labels: [Int32]
  /// The classes with the largest outputs.
  package let top: [Int32]
  /// Log-softmax, row-major, a row of `classes` values for each sample, natural logarithm.
  package let logProbabilities: [Float]
  /// How many classes the model tells apart; may be more than the labels have.
  package let classes: Int

  /// Predictions from their parts.
  ///
  /// - Precondition: the lengths agree.
  package init(labels: [Int32], top: [Int32], logProbabilities: [Float], classes: Int) {
    precondition(
      labels.count == top.count && logProbabilities.count == labels.count * classes, "one row of classes a sample")
    self.labels = labels
    self.top = top
    self.logProbabilities = logProbabilities
    self.classes = classes
  }

  /// How many samples.
  package var count: Int { labels.count }

  /// The row of a sample.
  func row(_ sample: Int) -> ArraySlice<Float> { logProbabilities[sample * classes..<(sample + 1) * classes] }

  /// Throws where a sample has a value that is not finite.
  func check(_ metric: Metric, _ part: Split.Part) throws(LearningError) {
    guard let place = logProbabilities.firstIndex(where: { !$0.isFinite }) else { return }
    throw .notFinite(metric: metric.rawValue, set: part.rawValue, position: place / classes)
  }
}
