import Learning
import Runs

extension Measurement {
  /// As events and reports hold it.
  ///
  /// - Parameter table: the metrics that tables show; nil for all.
  func metricValue(in table: [MetricName]? = nil) -> MetricValue {
    MetricValue(
      id: protocolID, name: metric.heading, value: value, unit: metric.unit, direction: metric.direction,
      set: metric.part.flatMap { SampleSet(rawValue: $0.rawValue) }, samples: samples, seed: seed, setHash: setHash,
      isCapped: isCapped, isDetail: table.map { !$0.contains(metric.name) } ?? false)
  }
}

extension Metric {
  fileprivate var heading: String {
    switch self {
    case .ua: "UA"
    case .fa: "acc(forget)"
    case .ra: "RA"
    case .ta: "TA"
    case .va: "VA"
    case .forgetLoss: "loss(forget)"
    case .retainLoss: "loss(retain)"
    case .testLoss: "loss(test)"
    case .validationLoss: "loss(validation)"
    case .miaSVC: "MIA"
    case .miaCorrectness: "MIA(correctness)"
    case .miaEntropy: "MIA(entropy)"
    case .miaModifiedEntropy: "MIA(modified entropy)"
    case .miaPublishedModifiedEntropy: "MIA(modified entropy, as published)"
    case .miaProbabilities: "MIA(probabilities)"
    case .miaThreshold: "MIA(threshold)"
    case .tow: "ToW"
    case .averageGap: "Avg. gap"
    case .forgetAgreement: "agreement(forget)"
    case .retainAgreement: "agreement(retain)"
    case .testAgreement: "agreement(test)"
    case .validationAgreement: "agreement(validation)"
    case .forgetDivergence: "JS(forget)"
    case .retainDivergence: "JS(retain)"
    case .testDivergence: "JS(test)"
    case .validationDivergence: "JS(validation)"
    case .weightDistance: "weight distance"
    case .relativeWeightDistance: "weight distance (relative)"
    case .weightsMoved: "weights moved"
    case .relearn: "relearn"
    case .rte: "RTE"
    }
  }

  /// The word of the recipe that asks for it.
  fileprivate var name: MetricName {
    switch self {
    case .ua, .fa: .ua
    case .ra: .ra
    case .ta: .ta
    case .va, .forgetLoss, .retainLoss, .testLoss, .validationLoss: .loss
    case .miaSVC: .miaSVC
    case .miaCorrectness: .miaCorrectness
    case .miaEntropy: .miaEntropy
    case .miaModifiedEntropy: .miaModifiedEntropy
    case .miaPublishedModifiedEntropy: .miaPublishedModifiedEntropy
    case .miaProbabilities: .miaProbabilities
    case .miaThreshold: .miaThreshold
    case .tow: .tow
    case .averageGap: .averageGap
    case .forgetAgreement, .retainAgreement, .testAgreement, .validationAgreement: .agreement
    case .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence: .divergence
    case .weightDistance, .relativeWeightDistance: .weightDistance
    case .weightsMoved: .weightsMoved
    case .relearn: .relearn
    case .rte: .rte
    }
  }

  fileprivate var unit: String {
    switch self {
    case .ua, .fa, .ra, .ta, .va, .miaSVC, .miaCorrectness, .miaEntropy, .miaModifiedEntropy,
      .miaPublishedModifiedEntropy, .miaProbabilities, .miaThreshold, .averageGap, .forgetAgreement, .retainAgreement,
      .testAgreement, .validationAgreement, .weightsMoved:
      "%"
    case .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence: "nats"
    case .relearn: "steps"
    case .rte: "min"
    case .forgetLoss, .retainLoss, .testLoss, .validationLoss, .tow, .weightDistance, .relativeWeightDistance: ""
    }
  }

  fileprivate var direction: MetricDirection {
    switch self {
    case .ua, .fa, .ra, .ta, .forgetLoss, .retainLoss, .testLoss, .miaSVC, .miaCorrectness, .miaEntropy,
      .miaModifiedEntropy, .miaPublishedModifiedEntropy, .miaProbabilities, .miaThreshold, .relearn:
      .retrained
    case .va, .tow, .forgetAgreement, .retainAgreement, .testAgreement, .validationAgreement: .higher
    case .validationLoss, .averageGap, .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence,
      .weightDistance, .relativeWeightDistance, .rte:
      .lower
    case .weightsMoved: .neutral
    }
  }
}
