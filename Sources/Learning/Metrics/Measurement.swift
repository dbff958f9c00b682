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
  /// The same on whether the top class is the true one.
  case miaCorrectness = "mia-svc-correctness"
  /// The same on the entropy of the softmax.
  case miaEntropy = "mia-svc-entropy"
  /// The same on the modified entropy.
  case miaModifiedEntropy = "mia-svc-modified-entropy"
  /// The same on what the script behind the published tables computes in place of the modified entropy.
  case miaPublishedModifiedEntropy = "mia-svc-modified-entropy-published"
  /// The same on the probabilities of all classes.
  case miaProbabilities = "mia-svc-probabilities"
  /// Membership attack by a threshold on the confidence.
  case miaThreshold = "mia-threshold"
  /// Tug of war against the retrained model.
  case tow
  /// Mean absolute difference to the retrained model in UA, RA, TA and MIA.
  case averageGap = "average-gap"
  /// Share of the forget set on which the top class is the retrained model's.
  case forgetAgreement = "agreement-forget"
  /// Share of the retain set on which the top class is the retrained model's.
  case retainAgreement = "agreement-retain"
  /// Share of the test set on which the top class is the retrained model's.
  case testAgreement = "agreement-test"
  /// Share of the validation set on which the top class is the retrained model's.
  case validationAgreement = "agreement-validation"
  /// Mean Jensen-Shannon divergence to the retrained model on the forget set.
  case forgetDivergence = "js-forget"
  /// Mean Jensen-Shannon divergence to the retrained model on the retain set.
  case retainDivergence = "js-retain"
  /// Mean Jensen-Shannon divergence to the retrained model on the test set.
  case testDivergence = "js-test"
  /// Mean Jensen-Shannon divergence to the retrained model on the validation set.
  case validationDivergence = "js-validation"
  /// Euclidean distance of all weights to the retrained model's.
  case weightDistance = "weight-distance"
  /// The same over the norm of the retrained model's weights.
  case relativeWeightDistance = "weight-distance-relative"
  /// Share of the weights whose bits are not the original model's.
  case weightsMoved = "weights-moved"
  /// Steps of training on the forget set until it is known again. Its protocol is the recipe's to say.
  case relearn
  /// Run time of the unlearning alone, in minutes.
  case rte
  /// Mean negative log-likelihood of the forget set under a diffusion model, in bits per dimension.
  case forgetNLL = "nll-forget"
  /// The same of the retain set.
  case retainNLL = "nll-retain"
  /// Mean squared error of the predicted noise on the forget set.
  case forgetDenoisingLoss = "denoising-loss-forget"
  /// The same on the retain set.
  case retainDenoisingLoss = "denoising-loss-retain"
  /// The same on the test set.
  case testDenoisingLoss = "denoising-loss-test"
  /// The same on the validation set.
  case validationDenoisingLoss = "denoising-loss-validation"
  /// Fréchet distance between the features of generated and of real images.
  case fid
  /// Kernel distance between the features of generated and of real images.
  case kid
  /// Inception Score of generated images.
  case inceptionScore = "inception-score"
  /// Share of generated images in the manifold of real ones.
  case precision
  /// Share of real images in the manifold of generated ones.
  case recall
  /// Share of generated images that are a target.
  case targetRate = "target-rate"
  /// Mean probability of the forgotten class that a classifier gives to images generated as that class.
  case classProbability = "class-probability"
  /// Mean entropy of what a classifier says of images generated as the forgotten class.
  case classEntropy = "class-entropy"
  /// Mean cosine between the embeddings of forgotten images and of their reconstructions from a noised start.
  case similarity
  /// Mean Euclidean distance between the same in pixels.
  case reconstructionDistance = "reconstruction-distance"

  /// Which procedure made a number: the metric and what its definition leaves open elsewhere. Numbers with different
  /// ids are not comparable.
  package var protocolID: String {
    let procedure =
      switch self {
      case .ua: "100-acc"
      case .fa, .ra, .ta, .va: "acc"
      case .forgetLoss, .retainLoss, .testLoss, .validationLoss: "mean-cross-entropy"
      case .miaSVC: "confidence,rbf,C=3,gamma=1"
      case .miaCorrectness: "correctness,rbf,C=3,gamma=1"
      case .miaEntropy: "entropy-in-nats,rbf,C=3,gamma=1"
      case .miaModifiedEntropy: "modified-entropy-in-nats,rbf,C=3,gamma=1"
      case .miaPublishedModifiedEntropy: "modified-entropy-as-in-svc_mia.py,rbf,C=3,gamma=1"
      case .miaProbabilities: "probabilities,rbf,C=3,gamma=1/classes"
      case .miaThreshold: "confidence,balanced-accuracy"
      case .tow: "acc,forget*retain*test"
      case .averageGap: "ua,ra,ta,mia-svc"
      case .forgetAgreement, .retainAgreement, .testAgreement, .validationAgreement: "top-1,retrained"
      case .forgetDivergence, .retainDivergence, .testDivergence, .validationDivergence: "nats,mean,retrained"
      case .weightDistance: "l2,parameters,retrained"
      case .relativeWeightDistance: "l2,parameters,retrained,over-its-norm"
      case .weightsMoved: "bits,parameters,original"
      case .relearn: "steps"
      case .rte: "minutes"
      case .forgetNLL, .retainNLL: "bits/dim,probability-flow,rk45,no-dequantisation"
      case .forgetDenoisingLoss, .retainDenoisingLoss, .testDenoisingLoss, .validationDenoisingLoss:
        "mean-squared-error,per-pixel"
      case .fid: "frechet,n-1"
      case .kid: "mmd2-unbiased,cubic"
      case .inceptionScore: "exp-mean-kl"
      case .precision: "generated-in-real"
      case .recall: "real-in-generated"
      case .targetRate: "euclidean,pixels-0-1"
      case .classProbability: "mean-softmax"
      case .classEntropy: "nats,mean"
      case .similarity: "cosine,noised-start"
      case .reconstructionDistance: "euclidean,pixels-0-1,noised-start"
      }
    return "\(rawValue)@\(procedure)"
  }

  /// The same with what a run decided of the procedure: features, numbers of samples, tolerances.
  package func protocolID(_ details: String...) -> String { ([protocolID] + details).joined(separator: ",") }

  /// The one set that the metric is about, or nil when it takes several or none.
  package var part: Split.Part? {
    switch self {
    case .ua, .fa, .forgetLoss, .forgetAgreement, .forgetDivergence, .relearn, .forgetNLL, .forgetDenoisingLoss,
      .similarity,
      .reconstructionDistance:
      .forget
    case .ra, .retainLoss, .retainAgreement, .retainDivergence, .retainNLL, .retainDenoisingLoss: .retain
    case .ta, .testLoss, .testAgreement, .testDivergence, .testDenoisingLoss: .test
    case .va, .validationLoss, .validationAgreement, .validationDivergence, .validationDenoisingLoss: .validation
    case .miaSVC, .miaCorrectness, .miaEntropy, .miaModifiedEntropy, .miaPublishedModifiedEntropy, .miaProbabilities,
      .miaThreshold, .tow, .averageGap, .weightDistance, .relativeWeightDistance, .weightsMoved, .rte, .fid, .kid,
      .inceptionScore, .precision, .recall, .targetRate, .classProbability, .classEntropy:
      nil
    }
  }

  /// Whether it is about a model's weights and so about no samples.
  package var isAboutWeights: Bool {
    switch self {
    case .weightDistance, .relativeWeightDistance, .weightsMoved: true
    default: false
    }
  }

  /// The loss of denoising a set.
  package static func denoisingLoss(on part: Split.Part) -> Metric {
    switch part {
    case .forget: .forgetDenoisingLoss
    case .retain: .retainDenoisingLoss
    case .test: .testDenoisingLoss
    case .validation: .validationDenoisingLoss
    }
  }

  /// The agreement with the retrained model on a set.
  package static func agreement(on part: Split.Part) -> Metric {
    switch part {
    case .forget: .forgetAgreement
    case .retain: .retainAgreement
    case .test: .testAgreement
    case .validation: .validationAgreement
    }
  }

  /// The divergence from the retrained model on a set.
  package static func divergence(on part: Split.Part) -> Metric {
    switch part {
    case .forget: .forgetDivergence
    case .retain: .retainDivergence
    case .test: .testDivergence
    case .validation: .validationDivergence
    }
  }
}

/// A number with what is needed to make it again.
package struct Measurement: Sendable, Equatable, Codable {
  /// What was measured.
  package let metric: Metric
  /// The value: percent for accuracies, attacks, agreements, gaps and shares of weights, nats for losses and divergences,
  /// minutes for RTE, steps for relearning, 0 ... 1 for ToW, precision, recall and the probability of a class, bits per
  /// dimension for NLL, percent for the rate of a target.
  package let value: Double
  /// ``Metric/protocolID``, or a longer one where the recipe decides a part of the procedure.
  package let protocolID: String
  /// How many samples the value is about: those of the metric's set, and of the forget set where it takes several; nil
  /// for a number about weights. Of generated images, how many were generated.
  package let samples: Int?
  /// The run's seed.
  package let seed: UInt64
  /// ``Split/hash(of:)`` of the metric's set, or ``Split/sha256`` where it takes several; nil for a number about weights.
  package let setHash: String?
  /// Whether the procedure gave up at this value: the true one is at least as large.
  package let isCapped: Bool

  /// A value about a split, or about weights.
  ///
  /// - Parameters:
  ///   - protocolID: instead of the metric's own.
  ///   - samples: how many the value is about, where the split does not say.
  ///   - isCapped: whether the procedure gave up at this value.
  package init(
    _ metric: Metric, _ value: Double, split: Split, seed: UInt64, protocolID: String? = nil, samples: Int? = nil,
    isCapped: Bool = false
  ) {
    self.metric = metric
    self.value = value
    self.protocolID = protocolID ?? metric.protocolID
    self.samples = metric.isAboutWeights ? nil : samples ?? split[metric.part ?? .forget].count
    self.seed = seed
    setHash = metric.isAboutWeights ? nil : metric.part.map(split.hash(of:)) ?? split.sha256
    self.isCapped = isCapped
  }
}
