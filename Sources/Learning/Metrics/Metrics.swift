/// The four numbers in which an unlearned model is compared with the retrained one, in percent.
package struct Scores: Sendable, Equatable, Codable {
  /// Accuracy on the forget set.
  package let forgetAccuracy: Double
  /// Accuracy on the retain set.
  package let retainAccuracy: Double
  /// Accuracy on the test set.
  package let testAccuracy: Double
  /// ``Metric/miaSVC``, or nil when it was not measured.
  package let membership: Double?

  /// Scores from their parts, in percent.
  package init(forgetAccuracy: Double, retainAccuracy: Double, testAccuracy: Double, membership: Double?) {
    self.forgetAccuracy = forgetAccuracy
    self.retainAccuracy = retainAccuracy
    self.testAccuracy = testAccuracy
    self.membership = membership
  }

  /// Mean of the absolute differences in UA, RA, TA and MIA (Fan et al., SalUn, table 1), in percentage points; the
  /// two conventions of UA give the same difference. Nil when either side lacks MIA.
  package func averageGap(to retrained: Scores) -> Double? {
    guard let membership, let other = retrained.membership else { return nil }
    let gaps = [
      forgetAccuracy - retrained.forgetAccuracy, retainAccuracy - retrained.retainAccuracy,
      testAccuracy - retrained.testAccuracy, membership - other,
    ]
    return gaps.reduce(0) { $0 + abs($1) } / Double(gaps.count)
  }

  /// Tug of war (Zhao et al. 2024, as the LoReUn paper uses it): the product over forget, retain and test set of one
  /// minus the absolute difference of accuracies as fractions. 1 is the retrained model itself.
  package func tugOfWar(to retrained: Scores) -> Double {
    let gaps = [
      forgetAccuracy - retrained.forgetAccuracy, retainAccuracy - retrained.retainAccuracy,
      testAccuracy - retrained.testAccuracy,
    ]
    return gaps.reduce(1) { $0 * (1 - abs($1) / 100) }
  }
}

/// Measures a model from its outputs.
package struct Evaluator: Sendable {
  /// What the outputs are about.
  package let split: Split
  /// The run's seed, which every measurement carries.
  package let seed: UInt64

  /// An evaluator of models on one split.
  package init(split: Split, seed: UInt64) {
    self.split = split
    self.seed = seed
  }

  /// Measures what one pass over each set can tell: accuracies, losses and attacks, in the order asked for.
  ///
  /// - Parameters:
  ///   - metrics: what to measure.
  ///   - outputs: the sets that these metrics need, each with as many samples as the split has.
  ///   - cancel: answered within a second, the attacks included.
  package func measure(
    _ metrics: [Metric], outputs: [Split.Part: SetOutputs], cancel: CancelFlag
  ) throws(LearningError) -> [Measurement] {
    try begin(metrics, outputs: outputs, cancel: cancel).finish(cancel: cancel)
  }

  /// Begins to measure: attacks go on, on threads of their own, until somebody asks for the results. What needs more than
  /// one model's outputs is passed over: see ``Scores``, ``compare(_:to:_:)`` and ``runTime(seconds:)``.
  package func begin(
    _ metrics: [Metric], outputs: [Split.Part: SetOutputs], cancel: CancelFlag
  ) throws(LearningError) -> PendingMeasurements {
    func set(_ metric: Metric, _ part: Split.Part) throws(LearningError) -> SetOutputs {
      guard let set = outputs[part], set.count > 0 else {
        throw .emptySet(metric: metric.rawValue, set: part.rawValue)
      }
      precondition(set.count == split[part].count, "outputs and split disagree about a set")
      return set
    }
    var pending: [PendingMeasurements.Entry] = []
    for metric in metrics {
      let value: Double
      switch metric {
      case .ua: value = 100 - (try set(metric, .forget).accuracy(metric, .forget))
      case .fa: value = try set(metric, .forget).accuracy(metric, .forget)
      case .ra: value = try set(metric, .retain).accuracy(metric, .retain)
      case .ta: value = try set(metric, .test).accuracy(metric, .test)
      case .va: value = try set(metric, .validation).accuracy(metric, .validation)
      case .forgetLoss: value = try set(metric, .forget).meanLoss(metric, .forget)
      case .retainLoss: value = try set(metric, .retain).meanLoss(metric, .retain)
      case .testLoss: value = try set(metric, .test).meanLoss(metric, .test)
      case .validationLoss: value = try set(metric, .validation).meanLoss(metric, .validation)
      case .miaSVC, .miaCorrectness, .miaEntropy, .miaModifiedEntropy, .miaPublishedModifiedEntropy, .miaProbabilities:
        guard let feature = MembershipFeature(metric) else { preconditionFailure("an attack has a feature") }
        let attack = try SupportVectorAttack(
          feature, forget: try set(metric, .forget), retain: try set(metric, .retain), test: try set(metric, .test))
        pending.append(.fit(metric, try attack.begin(cancel: cancel)))
        continue
      case .miaThreshold:
        let attack = MembershipAttack(
          forget: try set(metric, .forget).confidence, retain: try set(metric, .retain).confidence,
          test: try set(metric, .test).confidence)
        value = try attack.threshold().percent
      case .tow, .averageGap, .forgetAgreement, .retainAgreement, .testAgreement, .validationAgreement,
        .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence, .weightDistance,
        .relativeWeightDistance, .weightsMoved, .relearn, .rte, .forgetNLL, .retainNLL, .forgetDenoisingLoss,
        .retainDenoisingLoss, .testDenoisingLoss, .validationDenoisingLoss, .fid, .kid, .inceptionScore, .precision,
        .recall, .targetRate, .classProbability, .classEntropy, .similarity, .reconstructionDistance:
        continue
      }
      pending.append(.done(Measurement(metric, value, split: split, seed: seed)))
    }
    return PendingMeasurements(entries: pending, split: split, seed: seed)
  }

  /// What a model is compared by, out of its measurements; nil when an accuracy is missing.
  package static func scores(_ measurements: [Measurement]) -> Scores? {
    func value(_ metric: Metric) -> Double? { measurements.first { $0.metric == metric }?.value }
    guard let forget = value(.fa) ?? value(.ua).map({ 100 - $0 }), let retain = value(.ra), let test = value(.ta)
    else { return nil }
    return Scores(
      forgetAccuracy: forget, retainAccuracy: retain, testAccuracy: test, membership: value(.miaSVC))
  }

  /// ToW and average gap against the retrained model, of those two that are asked for and can be had.
  package func compare(_ scores: Scores, to retrained: Scores, _ metrics: [Metric]) -> [Measurement] {
    metrics.compactMap { metric in
      let value: Double?
      switch metric {
      case .tow: value = scores.tugOfWar(to: retrained)
      case .averageGap: value = scores.averageGap(to: retrained)
      default: value = nil
      }
      return value.map { Measurement(metric, $0, split: split, seed: seed) }
    }
  }

  /// RTE: the wall-clock time of the unlearning alone, as minutes.
  package func runTime(seconds: Double) -> Measurement {
    Measurement(.rte, seconds / 60, split: split, seed: seed)
  }
}

extension Evaluator {
  /// Agreement with the retrained model and divergence from it, of those that are asked for, on every set that both were
  /// measured on, in the order of the metrics.
  ///
  /// - Precondition: the predictions of both were kept.
  package func compare(
    _ outputs: [Split.Part: SetOutputs], to retrained: [Split.Part: SetOutputs], _ metrics: [Metric]
  ) throws(LearningError) -> [Measurement] {
    var measured: [Measurement] = []
    for metric in metrics {
      guard let part = metric.part, metric == .agreement(on: part) || metric == .divergence(on: part),
        let ours = outputs[part]?.predictions, let theirs = retrained[part]?.predictions
      else { continue }
      let comparison = ModelComparison(ours, to: theirs)
      let value =
        metric == .agreement(on: part) ? try comparison.agreement(part) : try comparison.divergence(part)
      measured.append(Measurement(metric, value, split: split, seed: seed))
    }
    return measured
  }

  /// A number about weights, or one whose protocol is the recipe's to say.
  package func measurement(
    _ metric: Metric, _ value: Double, protocolID: String? = nil, samples: Int? = nil, isCapped: Bool = false
  ) -> Measurement {
    Measurement(
      metric, value, split: split, seed: seed, protocolID: protocolID, samples: samples, isCapped: isCapped)
  }
}

/// Measurements of which some may still be under way.
package struct PendingMeasurements: Sendable {
  enum Entry: Sendable {
    case done(Measurement)
    case fit(Metric, SupportVectorAttack.Fit)
  }

  let entries: [Entry]
  let split: Split
  let seed: UInt64

  /// All of them, in the order asked for. Waits for attacks; throws within a second when `cancel` is raised.
  package func finish(cancel: CancelFlag) throws(LearningError) -> [Measurement] {
    var measured: [Measurement] = []
    for entry in entries {
      switch entry {
      case .done(let measurement): measured.append(measurement)
      case .fit(let metric, let fit):
        measured.append(Measurement(metric, try fit.percent(cancel: cancel), split: split, seed: seed))
      }
    }
    return measured
  }
}
