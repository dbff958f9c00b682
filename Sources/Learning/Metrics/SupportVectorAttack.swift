/// The membership attack by a support vector machine: RBF kernel, C = 3, γ = one over the number of features, as the
/// SalUn paper's script does with scikit-learn, whose defaults hold for the rest (tolerance 10⁻³, shrinking, 200 MB of
/// cache). Shadow members are the first `n_t` retain samples, with `n_t` the number of test samples.
package struct SupportVectorAttack: Sendable {
  private let feature: MembershipFeature
  private let forget: FeatureRows
  private let retain: FeatureRows
  private let test: FeatureRows

  /// An attack on features that are at hand; `retain` may be longer than `test`.
  init(_ feature: MembershipFeature, forget: FeatureRows, retain: FeatureRows, test: FeatureRows) {
    self.feature = feature
    self.forget = forget
    self.retain = retain
    self.test = test
  }

  /// An attack on one feature of a model's outputs on the three sets.
  ///
  /// Throws ``LearningError/tooFewClasses(metric:classes:)`` where a feature says nothing because there is one class only,
  /// and ``LearningError/notFinite(metric:set:position:)``.
  package init(
    _ feature: MembershipFeature, forget: SetOutputs, retain: SetOutputs, test: SetOutputs
  ) throws(LearningError) {
    if feature != .correctness, feature != .confidence {
      for (part, outputs) in [(Split.Part.forget, forget), (.retain, retain), (.test, test)] {
        guard let predictions = outputs.predictions else { preconditionFailure("the predictions were not kept") }
        guard predictions.classes > 1 else {
          throw .tooFewClasses(metric: feature.metric.rawValue, classes: predictions.classes)
        }
        try predictions.check(feature.metric, part)
      }
    }
    self.init(
      feature, forget: feature.rows(of: forget), retain: feature.rows(of: retain, first: test.count),
      test: feature.rows(of: test))
  }

  /// Begins the fit, on a thread of its own; tensors may be worked with meanwhile.
  ///
  /// Throws ``LearningError/tooFewRetained(metric:retain:test:)`` when there are fewer retain than test samples,
  /// ``LearningError/emptySet(metric:set:)`` and ``LearningError/notFinite(metric:set:position:)``.
  package func begin(cancel: CancelFlag) throws(LearningError) -> Fit {
    let metric = feature.metric.rawValue
    for (part, rows) in [(Split.Part.forget, forget), (.retain, retain), (.test, test)] {
      guard rows.count > 0 else { throw .emptySet(metric: metric, set: part.rawValue) }
      if let position = rows.firstNotFinite {
        throw .notFinite(metric: metric, set: part.rawValue, position: position)
      }
    }
    guard retain.count >= test.count else {
      throw .tooFewRetained(metric: metric, retain: retain.count, test: test.count)
    }
    let members = retain.prefix(test.count)
    if feature == .correctness, let percent = correctnessPercent(members) { return Fit(state: .known(percent)) }
    // scikit-learn puts the class with the lower number first: non-members are 0, members 1.
    let labels = [Double](repeating: 0, count: test.count) + [Double](repeating: 1, count: test.count)
    let machine = SupportVectorMachine(cost: 3, gamma: 1 / Double(test.width))
    return Fit(
      state: .underWay(
        machine.begin(classifying: forget, trainedOn: test + members, labels: labels, cancel: cancel)))
  }

  /// What the machine says of a feature that is 0 or 1, without fitting it; nil where both values have as many members as
  /// non-members, so that the machine's constant could be anything.
  ///
  /// With `u` and `v` its values at 1 and at 0 it minimises `(u − v)² / (4 (1 − k)) + C Σ hinge`, `k = e⁻¹`, as the dual
  /// weights add up to 0 and there are as many members as non-members. Where `d > 0` more members than non-members are at
  /// 1, the hinge pulls `u` to 1 and `v` to −1 with `C d ≥ 3`, and the square holds against it with `1 / (1 − k) = 1.58` at most: `u = 1`
  /// and `v = −1`, whatever the counts; with `d < 0` the other way round.
  private func correctnessPercent(_ members: FeatureRows) -> Double? {
    let difference = members.values.reduce(0, +) - test.values.reduce(0, +)
    guard difference != 0 else { return nil }
    let nonMembers = forget.values.count { $0 == (difference > 0 ? 0 : 1) }
    return 100 * Double(nonMembers) / Double(forget.count)
  }

  /// An attack that is under way.
  package struct Fit: Sendable {
    fileprivate enum State {
      case known(Double)
      case underWay(SupportVectorFit)
    }

    fileprivate let state: State

    /// Percent of the forget set taken for non-members. Waits for the fit; throws within a tenth of a second when `cancel` is
    /// raised, which abandons it.
    package func percent(cancel: CancelFlag) throws(LearningError) -> Double {
      switch state {
      case .known(let percent): return percent
      case .underWay(let fit):
        let predictions = try fit.predictions(cancel: cancel)
        return 100 * Double(predictions.count { $0 == 0 }) / Double(predictions.count)
      }
    }
  }
}
