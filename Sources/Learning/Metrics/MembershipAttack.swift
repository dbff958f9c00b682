/// Guesses from a model's confidence whether it was trained on a sample.
///
/// The attack learns from samples whose membership is known, the retain set (members) and the test set (not members),
/// and is then asked about the forget set. Its score is the percentage of the forget set that it takes for
/// **non**-members: what the retrained model reaches is the goal, not 100.
package struct MembershipAttack: Sendable {
  private let forget: [Float]
  private let retain: [Float]
  private let test: [Float]

  /// An attack on confidences: for each set the softmax probability of the true labels, in dataset order.
  package init(forget: [Float], retain: [Float], test: [Float]) {
    self.forget = forget
    self.retain = retain
    self.test = test
  }

  /// The attack by a support vector machine on the confidence: see ``SupportVectorAttack``.
  package func supportVectors(cancel: CancelFlag) throws(LearningError) -> Double {
    try SupportVectorAttack(
      .confidence, forget: FeatureRows(values: forget.map(Double.init)),
      retain: FeatureRows(values: retain.map(Double.init)), test: FeatureRows(values: test.map(Double.init))
    ).begin(cancel: cancel).percent(cancel: cancel)
  }

  /// The attack by a threshold: members are those at or above it.
  ///
  /// The threshold is the confidence of a shadow sample, or infinity, for which the balanced accuracy on the shadow
  /// samples (the mean of the shares of members and of non-members that are recognised) is largest; among equals the
  /// highest, so that in doubt nobody is called a member. Shadow members are as in ``SupportVectorAttack``, or all
  /// retain samples when there are fewer than test samples.
  ///
  /// - Returns: percent of the forget set taken for non-members, and the threshold.
  package func threshold() throws(LearningError) -> (percent: Double, threshold: Float) {
    try check(.miaThreshold)
    let members = retain.prefix(test.count).sorted(by: >)
    let others = test.sorted(by: >)
    var best = (score: others.count * members.count, threshold: Float.infinity)
    var (membersAbove, othersAbove) = (0, 0)
    while membersAbove < members.count || othersAbove < others.count {
      let candidate = max(
        membersAbove < members.count ? members[membersAbove] : -.infinity,
        othersAbove < others.count ? others[othersAbove] : -.infinity)
      while membersAbove < members.count, members[membersAbove] >= candidate { membersAbove += 1 }
      while othersAbove < others.count, others[othersAbove] >= candidate { othersAbove += 1 }
      // Twice the balanced accuracy over a common denominator: whole numbers, so ties are ties.
      let score = membersAbove * others.count + (others.count - othersAbove) * members.count
      if score > best.score { best = (score, candidate) }
    }
    return (100 * Double(forget.count { $0 < best.threshold }) / Double(forget.count), best.threshold)
  }

  private func check(_ metric: Metric) throws(LearningError) {
    for (part, values) in [(Split.Part.forget, forget), (.retain, retain), (.test, test)] {
      guard !values.isEmpty else { throw .emptySet(metric: metric.rawValue, set: part.rawValue) }
      if let position = values.firstIndex(where: { !$0.isFinite }) {
        throw .notFinite(metric: metric.rawValue, set: part.rawValue, position: position)
      }
    }
  }
}
