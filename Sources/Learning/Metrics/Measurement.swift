/// Everything that is measured. `docs/metrics.md` has formulas and sources.
package enum Metric: String, Sendable, Codable, CaseIterable {
  /// 100 − accuracy on the forget set: unlearning accuracy as the SalUn paper counts it.
  case ua
  /// Accuracy on the forget set: what the LoReUn paper prints as unlearning accuracy.
  case fa
  /// Accuracy on the retain set.
  case ra
  /// Accuracy on the test set, without the class that was forgotten as a whole.
  case ta
  /// Accuracy on the validation set.
  case va
  /// Mean cross-entropy on the forget set.
  case forgetLoss = "loss-forget"
  /// Mean cross-entropy on the retain set.
  case retainLoss = "loss-retain"
  /// Mean cross-entropy on the test set.
  case testLoss = "loss-test"
  /// Mean cross-entropy on the validation set.
  case validationLoss = "loss-validation"
  /// Membership attack by a support vector machine on the confidence.
  case miaSVC = "mia-svc"
  /// Membership attack by a threshold on the confidence.
  case miaThreshold = "mia-threshold"
  /// Tug of war against the retrained model.
  case tow
  /// Mean absolute difference to the retrained model in UA, RA, TA and MIA.
  case averageGap = "average-gap"
  /// Run time of the unlearning alone, in minutes.
  case rte

  /// Which procedure made a number: the metric and what its definition leaves open elsewhere. Numbers with different
  /// ids are not comparable.
  package var protocolID: String {
    let procedure =
      switch self {
      case .ua: "100-acc"
      case .fa, .ra, .ta, .va: "acc"
      case .forgetLoss, .retainLoss, .testLoss, .validationLoss: "mean-cross-entropy"
      case .miaSVC: "confidence,rbf,C=3,gamma=1"
      case .miaThreshold: "confidence,balanced-accuracy"
      case .tow: "acc,forget*retain*test"
      case .averageGap: "ua,ra,ta,mia-svc"
      case .rte: "minutes"
      }
    return "\(rawValue)@\(procedure)"
  }

  /// The one set that the metric is about, or nil when it takes several or none.
  package var part: Split.Part? {
    switch self {
    case .ua, .fa, .forgetLoss: .forget
    case .ra, .retainLoss: .retain
    case .ta, .testLoss: .test
    case .va, .validationLoss: .validation
    case .miaSVC, .miaThreshold, .tow, .averageGap, .rte: nil
    }
  }
}

/// A number with what is needed to make it again.
package struct Measurement: Sendable, Equatable, Codable {
  /// What was measured.
  package let metric: Metric
  /// The value: percent for accuracies, attacks and gaps, nats for losses, minutes for RTE, 0 ... 1 for ToW.
  package let value: Double
  /// ``Metric/protocolID``.
  package let protocolID: String
  /// How many samples the value is about: those of the metric's set, and of the forget set where it takes several.
  package let samples: Int
  /// The run's seed.
  package let seed: UInt64
  /// ``Split/hash(of:)`` of the metric's set, or ``Split/sha256`` where it takes several.
  package let setHash: String

  /// A value about a split.
  package init(_ metric: Metric, _ value: Double, split: Split, seed: UInt64) {
    self.metric = metric
    self.value = value
    protocolID = metric.protocolID
    samples = split[metric.part ?? .forget].count
    self.seed = seed
    setHash = metric.part.map(split.hash(of:)) ?? split.sha256
  }
}
