/// A number of epochs or steps, written `2 epochs` or `500 steps`.
package enum Interval: Sendable, Equatable, Codable {
  /// So many epochs.
  case epochs(Int)
  /// So many optimizer steps.
  case steps(Int)

  /// As it is written.
  package var text: String {
    switch self {
    case .epochs(let count): count == 1 ? "1 epoch" : "\(count) epochs"
    case .steps(let count): count == 1 ? "1 step" : "\(count) steps"
    }
  }

  /// Reads `N epoch`, `N epochs`, `N step`, `N steps`; nil for anything else, and for N under 1.
  package init?(text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, let count = Int(words[0]), count >= 1 else { return nil }
    switch words[1] {
    case "epoch", "epochs": self = .epochs(count)
    case "step", "steps": self = .steps(count)
    default: return nil
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let interval = Interval(text: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no number of epochs or steps")
    }
    self = interval
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// The sets that samples are in.
package enum SampleSet: String, Sendable, Codable, CaseIterable {
  /// What is forgotten.
  case forget
  /// What is learned from and not forgotten.
  case retain
  /// What no model learned from. Class-wise forgetting leaves the class out.
  case test
  /// Training samples set aside.
  case validation
}

/// The metrics a recipe can ask for.
package enum MetricName: String, Sendable, Codable, CaseIterable {
  /// Unlearning accuracy, in both conventions: 100 minus the accuracy on the forget set, and that accuracy itself.
  case ua
  /// Remaining accuracy: on the retain set.
  case ra
  /// Test accuracy.
  case ta
  /// Mean cross-entropy of each set.
  case loss
  /// Membership inference by a support vector machine on the confidence.
  case miaSVC = "mia-svc"
  /// The same on whether the top class is the true one.
  case miaCorrectness = "mia-svc-correctness"
  /// The same on the entropy of the softmax.
  case miaEntropy = "mia-svc-entropy"
  /// The same on the modified entropy.
  case miaModifiedEntropy = "mia-svc-modified-entropy"
  /// The same on the modified entropy as published scripts compute it.
  case miaPublishedModifiedEntropy = "mia-svc-modified-entropy-published"
  /// The same on the probabilities of all classes.
  case miaProbabilities = "mia-svc-probabilities"
  /// Membership inference by one threshold on the loss.
  case miaThreshold = "mia-threshold"
  /// Tug of war: closeness to the retrained model's three accuracies.
  case tow
  /// Mean absolute difference to the retrained model in UA, RA, TA and MIA.
  case averageGap = "average-gap"
  /// Accuracy and loss of each class in each set.
  case perClass = "per-class"
  /// Share of each set on which the top class is the retrained model's.
  case agreement
  /// Jensen-Shannon divergence to the retrained model's softmax on each set.
  case divergence = "js-divergence"
  /// Distance of the weights to the retrained model's, absolute and over their norm.
  case weightDistance = "weight-distance"
  /// Share of the weights that are not the original's any more.
  case weightsMoved = "weights-moved"
  /// Steps of training on the forget set until it is known again.
  case relearn
  /// Diffusion: mean squared error of the predicted noise on each set, over fixed timesteps and noise.
  case denoising
  /// Diffusion: bits per dimension of the forget set's and the retain set's images.
  case nll
  /// Diffusion: share of the generated images that are images of the forget set.
  case targetRate = "target-rate"
  /// Diffusion: Inception Score of the generated images.
  case inceptionScore = "inception-score"
  /// Diffusion: Fréchet distance of the generated images' features to the retain set's.
  case fid
  /// Diffusion: kernel distance of the same.
  case kid
  /// Diffusion: how much of the generated images is among the real ones, and the reverse.
  case precisionRecall = "precision-recall"
  /// Diffusion: what the classifier says of images generated under the forgotten class.
  case classProbability = "class-probability"
  /// Diffusion: how near a noised image of the forget set comes back to itself.
  case similarity
  /// Wall-clock time of the unlearning alone.
  case rte

  /// The task it is for; nil for any.
  package var task: TaskName? {
    switch self {
    case .weightDistance, .weightsMoved, .rte: nil
    case .denoising, .nll, .targetRate, .inceptionScore, .fid, .kid, .precisionRecall, .classProbability, .similarity:
      .diffusion
    default: .classification
    }
  }

  /// The sets it is computed on.
  package var sets: [SampleSet] {
    switch self {
    case .ua, .relearn, .targetRate, .similarity: [.forget]
    case .fid, .kid, .precisionRecall: [.retain]
    case .nll: [.forget, .retain]
    case .denoising, .inceptionScore, .classProbability: []
    case .ra: [.retain]
    case .ta: [.test]
    case .loss, .perClass, .agreement, .divergence, .weightDistance, .weightsMoved, .rte: []
    case .miaThreshold, .tow, .averageGap: [.forget, .retain, .test]
    case .miaSVC, .miaCorrectness, .miaEntropy, .miaModifiedEntropy, .miaPublishedModifiedEntropy, .miaProbabilities:
      [.forget, .retain, .test]
    }
  }

  /// Whether it compares with the retrained model.
  package var needsRetrained: Bool {
    switch self {
    case .tow, .averageGap, .agreement, .divergence, .weightDistance: true
    default: false
    }
  }

  /// Whether it is an attack by a support vector machine, which needs as many retain as test samples.
  package var isSupportVectorAttack: Bool { self == .miaSVC || rawValue.hasPrefix("mia-svc-") }

  /// Whether it takes more than the forward passes and the one attack that tables print, and so is measured only where a
  /// recipe asks for it.
  package var isCostly: Bool {
    switch self {
    case .relearn, .kid, .precisionRecall, .classProbability, .similarity: true
    default: isSupportVectorAttack && self != .miaSVC
    }
  }

  /// Whether images must be generated for it.
  package var needsImages: Bool {
    switch self {
    case .targetRate, .inceptionScore, .fid, .kid, .precisionRecall, .classProbability: true
    default: false
    }
  }

  /// Whether tables show it where the recipe does not say which metrics it wants.
  package var isInTables: Bool {
    switch self {
    case .ua, .ra, .ta, .loss, .miaSVC, .miaThreshold, .tow, .averageGap, .rte: true
    case .denoising, .nll, .targetRate, .inceptionScore, .fid: true
    default: false
    }
  }
}

/// What is measured, on what and when.
package struct EvaluatePlan: Sendable, Equatable, Codable {
  /// How often it is measured during the run; nil for only at the end.
  package var every: Interval?
  /// The sets that a classifier is measured on during the run; nil for the validation set alone.
  package var during: [SampleSet]? = nil
  /// The sets measured at the end.
  package var sets: [SampleSet]
  /// The metrics.
  package var metrics: [MetricName]
  /// Those of them that tables show, on the terminal and at the head of a report; nil for all. The others are further down.
  package var table: [MetricName]?
  /// Metrics of plugins and plain C functions; nil for none.
  package var plugins: [MetricPlan]? = nil
  /// How relearning is timed; nil where it is not.
  package var relearn: RelearnPlan?
  /// Samples a forward pass.
  package var batch: Int
  /// What is generated and how it is judged; nil for a classifier.
  package var generation: GenerationPlan?
}

/// How often the run's state is saved.
package struct CheckpointPlan: Sendable, Equatable, Codable {
  /// How often; nil for only when the run is interrupted.
  package var every: Interval?
}
