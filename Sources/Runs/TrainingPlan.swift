/// How a model comes to be.
package enum ModelSource: Sendable, Equatable, Codable {
  /// It is trained.
  case train(TrainingPlan)
  /// Its weights are read from a safetensors file, absolute path.
  case weights(file: String)
  /// There is none.
  case none

  private enum CodingKeys: String, CodingKey {
    case weights
  }

  package init(from decoder: any Decoder) throws {
    if let word = try? decoder.singleValueContainer().decode(String.self) {
      guard word == "none" else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "'\(word)' is no way to make a model"))
      }
      self = .none
      return
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let file = try container.decodeIfPresent(String.self, forKey: .weights) {
      self = .weights(file: file)
    } else {
      self = .train(try TrainingPlan(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .train(let training): try training.encode(to: encoder)
    case .weights(let file):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(file, forKey: .weights)
    case .none:
      var container = encoder.singleValueContainer()
      try container.encode("none")
    }
  }
}

/// How a model is trained from scratch.
package struct TrainingPlan: Sendable, Equatable, Codable {
  /// What first weights, order of samples and augmentation derive from.
  package var seed: UInt64
  /// Passes over the samples; with `steps` the least that has so many.
  package var epochs: Int
  /// Optimizer steps after which it is over; nil for those of `epochs`.
  package var steps: Int?
  /// Samples a step.
  package var batch: Int
  /// The rule of the steps.
  package var optimizer: OptimizerPlan
  /// How much of a target is spread evenly over all classes, at least 0 and under 1.
  package var labelSmoothing: Double
  /// The file with the positions that the original model is trained on, absolute path; nil for all that are not held out.
  package var samples: String?
  /// Diffusion: the reduction of a sample's loss; nil for a classifier.
  package var reduction: LossReduction?
  /// The share of samples whose class the network is not told; nil for none.
  package var conditionDropout: Double?

  enum CodingKeys: String, CodingKey {
    case seed, epochs, steps, batch, optimizer
    case labelSmoothing = "label_smoothing"
    case samples, reduction
    case conditionDropout = "condition_dropout"
  }
}

/// Which optimizer.
package enum OptimizerName: String, Sendable, Codable, CaseIterable {
  /// Stochastic gradient descent.
  case sgd
  /// Adam; weight decay is added to the gradient.
  case adam
  /// AdamW; weight decay shrinks the weights apart from the gradient.
  case adamw
}

/// The rule that turns gradients into steps. Keys that the optimizer does not know keep their neutral values.
package struct OptimizerPlan: Sendable, Equatable, Codable {
  /// Which optimizer.
  package var name: OptimizerName
  /// The learning rate that the schedule scales.
  package var learningRate: Double
  /// SGD: momentum; else 0.
  package var momentum = 0.0
  /// SGD: whether momentum is Nesterov's; else false.
  package var nesterov = false
  /// Weight decay on all parameters.
  package var weightDecay: Double
  /// Adam and AdamW: decay of the two averages (two values); not for SGD.
  package var betas = [0.9, 0.999]
  /// Adam and AdamW: what keeps the quotient finite; not for SGD.
  package var eps = 1.0e-8
  /// How the learning rate changes.
  package var schedule: LearningRatePlan
  /// The norm that the gradient is clipped to; nil for no clipping.
  package var clip: Double?
  /// Batches whose gradients are added up for one step.
  package var accumulate: Int
  /// The moving average of the weights that takes their place at the end; nil for the weights themselves.
  package var average: AveragePlan?

  enum CodingKeys: String, CodingKey {
    case name
    case learningRate = "learning_rate"
    case momentum, nesterov
    case weightDecay = "weight_decay"
    case betas, eps, schedule, clip, accumulate
    case average = "ema"
  }

  /// Makes an optimizer of all its values.
  package init(
    name: OptimizerName, learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double,
    betas: [Double] = [0.9, 0.999], eps: Double = 1.0e-8, schedule: LearningRatePlan, clip: Double? = nil,
    accumulate: Int = 1, average: AveragePlan? = nil
  ) {
    self.name = name
    self.learningRate = learningRate
    self.momentum = momentum
    self.nesterov = nesterov
    self.weightDecay = weightDecay
    self.betas = betas
    self.eps = eps
    self.schedule = schedule
    self.clip = clip
    self.accumulate = accumulate
    self.average = average
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(OptimizerName.self, forKey: .name)
    learningRate = try container.decode(Double.self, forKey: .learningRate)
    weightDecay = try container.decode(Double.self, forKey: .weightDecay)
    schedule = try container.decode(LearningRatePlan.self, forKey: .schedule)
    clip = try container.decodeIfPresent(Double.self, forKey: .clip)
    accumulate = try container.decode(Int.self, forKey: .accumulate)
    average = try container.decodeIfPresent(AveragePlan.self, forKey: .average)
    switch name {
    case .sgd:
      momentum = try container.decode(Double.self, forKey: .momentum)
      nesterov = try container.decode(Bool.self, forKey: .nesterov)
    case .adam, .adamw:
      betas = try container.decode([Double].self, forKey: .betas)
      eps = try container.decode(Double.self, forKey: .eps)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(learningRate, forKey: .learningRate)
    switch name {
    case .sgd:
      try container.encode(momentum, forKey: .momentum)
      try container.encode(nesterov, forKey: .nesterov)
    case .adam, .adamw:
      try container.encode(betas, forKey: .betas)
      try container.encode(eps, forKey: .eps)
    }
    try container.encode(weightDecay, forKey: .weightDecay)
    try container.encode(schedule, forKey: .schedule)
    try container.encodeIfPresent(clip, forKey: .clip)
    try container.encode(accumulate, forKey: .accumulate)
    try container.encodeIfPresent(average, forKey: .average)
  }
}

/// A moving average of the weights over the steps: after the n-th step its decay is the smaller of `decay` and
/// 1 − (1 + (n − 1) / inverseGamma)^−power, as diffusers has it.
package struct AveragePlan: Sendable, Equatable, Codable {
  /// The largest decay.
  package var decay: Double
  /// What the warm-up divides the number of steps by.
  package var inverseGamma: Double
  /// How fast the warm-up is; 0 for none.
  package var power: Double

  enum CodingKeys: String, CodingKey {
    case decay
    case inverseGamma = "inv_gamma"
    case power
  }
}

/// The shape of the learning rate over a run.
package enum LearningRateShape: String, Sendable, Codable, CaseIterable {
  /// The same throughout.
  case constant
  /// Multiplied by `gamma` after each of `milestones`.
  case step
  /// Half a cosine from the learning rate to 0.
  case cosine
  /// Up to the learning rate over the first part, then down to nearly 0.
  case oneCycle = "one-cycle"
}

/// How the learning rate changes over a run.
package struct LearningRatePlan: Sendable, Equatable, Codable {
  /// The shape.
  package var name: LearningRateShape
  /// Epochs (fractions count) over which the rate first rises linearly from nearly 0; 0 for none.
  package var warmup: Double
  /// Step: epochs after which the rate is multiplied; empty otherwise.
  package var milestones: [Int]
  /// Step: what the rate is multiplied by; 1 otherwise.
  package var gamma: Double

  enum CodingKeys: String, CodingKey {
    case name, warmup, milestones, gamma
  }

  /// Makes a schedule of all its values.
  package init(name: LearningRateShape, warmup: Double = 0, milestones: [Int] = [], gamma: Double = 1) {
    self.name = name
    self.warmup = warmup
    self.milestones = milestones
    self.gamma = gamma
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(LearningRateShape.self, forKey: .name)
    warmup = try container.decode(Double.self, forKey: .warmup)
    milestones = name == .step ? try container.decode([Int].self, forKey: .milestones) : []
    gamma = name == .step ? try container.decode(Double.self, forKey: .gamma) : 1
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(warmup, forKey: .warmup)
    guard name == .step else { return }
    try container.encode(milestones, forKey: .milestones)
    try container.encode(gamma, forKey: .gamma)
  }
}
