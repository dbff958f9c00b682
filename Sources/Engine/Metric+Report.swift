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
      isCapped: isCapped, isDetail: table.flatMap { table in metric.name.map { !table.contains($0) } } ?? false)
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
    case .forgetNLL: "NLL(forget)"
    case .retainNLL: "NLL(retain)"
    case .forgetDenoisingLoss: "denoising loss(forget)"
    case .retainDenoisingLoss: "denoising loss(retain)"
    case .testDenoisingLoss: "denoising loss(test)"
    case .validationDenoisingLoss: "denoising loss(validation)"
    case .fid: "FID"
    case .kid: "KID"
    case .inceptionScore: "IS"
    case .precision: "precision"
    case .recall: "recall"
    case .targetRate: "target rate"
    case .classProbability: "class probability"
    case .classEntropy: "class entropy"
    case .similarity: "similarity"
    case .reconstructionDistance: "reconstruction distance"
    }
  }

  /// The word of the recipe that asks for it; nil where none does.
  fileprivate var name: MetricName? {
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
    case .forgetNLL, .retainNLL, .forgetDenoisingLoss, .retainDenoisingLoss, .testDenoisingLoss,
      .validationDenoisingLoss, .fid, .kid, .inceptionScore, .precision, .recall, .targetRate, .classProbability,
      .classEntropy, .similarity, .reconstructionDistance:
      nil
    }
  }

  fileprivate var unit: String {
    switch self {
    case .ua, .fa, .ra, .ta, .va, .miaSVC, .miaCorrectness, .miaEntropy, .miaModifiedEntropy,
      .miaPublishedModifiedEntropy, .miaProbabilities, .miaThreshold, .averageGap, .forgetAgreement, .retainAgreement,
      .testAgreement, .validationAgreement, .weightsMoved, .targetRate:
      "%"
    case .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence, .classEntropy: "nats"
    case .forgetNLL, .retainNLL: "bits/dim"
    case .relearn: "steps"
    case .rte: "min"
    case .forgetLoss, .retainLoss, .testLoss, .validationLoss, .tow, .weightDistance, .relativeWeightDistance,
      .forgetDenoisingLoss, .retainDenoisingLoss, .testDenoisingLoss, .validationDenoisingLoss, .fid, .kid,
      .inceptionScore, .precision, .recall, .classProbability, .similarity, .reconstructionDistance:
      ""
    }
  }

  fileprivate var direction: MetricDirection {
    switch self {
    case .ua, .fa, .ra, .ta, .forgetLoss, .retainLoss, .testLoss, .miaSVC, .miaCorrectness, .miaEntropy,
      .miaModifiedEntropy, .miaPublishedModifiedEntropy, .miaProbabilities, .miaThreshold, .relearn:
      .retrained
    case .va, .tow, .forgetAgreement, .retainAgreement, .testAgreement, .validationAgreement, .forgetNLL,
      .forgetDenoisingLoss, .inceptionScore, .precision, .recall, .classEntropy, .reconstructionDistance:
      .higher
    case .validationLoss, .averageGap, .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence,
      .weightDistance, .relativeWeightDistance, .rte, .retainNLL, .retainDenoisingLoss, .testDenoisingLoss,
      .validationDenoisingLoss, .fid, .kid, .targetRate, .classProbability, .similarity:
      .lower
    case .weightsMoved: .neutral
    }
  }
}
