import Learning
import Runs
import Tensors

/// What the losses of a run are, which depends on what its models are for.
protocol RunTask {
  /// The loss that training minimises over a batch: a scalar, part of the graph.
  func trainingLoss(_ model: TrainableModel, _ batch: BatchSource.Batch, _ training: TrainingPlan) throws -> Tensor

  /// The task's loss of each sample, `[n]`, in the thread's gradient mode, and the timesteps of diffusion, `int64 [n]`.
  ///
  /// What is drawn for it comes from the default generators, which every step seeds.
  ///
  /// - Parameters:
  ///   - images: as batches have them.
  ///   - training: statistics of the batch and dropout, as in a training step.
  ///   - guidance: s, for the loss of (1+s) ε(c) − s ε(null) in place of ε(c); 0 but for networks with classes.
  func losses(
    _ model: TrainableModel, _ images: Tensor, _ labels: Tensor, training: Bool, guidance: Double
  ) throws -> (losses: Tensor, timesteps: Tensor?)
}

extension RunTask {
  /// The same without guidance.
  func losses(
    _ model: TrainableModel, _ images: Tensor, _ labels: Tensor, training: Bool
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    try losses(model, images, labels, training: training, guidance: 0)
  }
}

/// Telling classes apart: cross-entropy.
struct ClassificationTask: RunTask {
  let plan: RunPlan

  func trainingLoss(_ model: TrainableModel, _ batch: BatchSource.Batch, _ training: TrainingPlan) throws -> Tensor {
    try plan.forward(model, batch.images, training: true)
      .crossEntropy(batch.labels, labelSmoothing: training.labelSmoothing)
  }

  func losses(
    _ model: TrainableModel, _ images: Tensor, _ labels: Tensor, training: Bool, guidance: Double
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    precondition(guidance == 0, "a classifier has no guidance")
    return (try plan.forward(model, images, training: training).crossEntropy(labels, reduction: .none), nil)
  }
}

/// Predicting noise: |ε − ε_θ(γ_t x + σ_t ε, t)|² (METHODS: Ho et al. 2020).
struct DiffusionTask: RunTask {
  let plan: RunPlan
  /// The noise of each timestep.
  let table: NoiseTable
  /// How many timesteps there are.
  let timesteps: Int

  init(_ plan: RunPlan, noise: NoiseSchedule, device: Device) throws {
    self.plan = plan
    timesteps = noise.timesteps
    table = try NoiseTable(noise, device: device)
  }

  func trainingLoss(_ model: TrainableModel, _ batch: BatchSource.Batch, _ training: TrainingPlan) throws -> Tensor {
    let conditions = try drop(batch.labels, of: model, at: training.conditionDropout ?? 0)
    let (errors, _) = try errors(model, batch.images, conditions, training: true)
    return try reduced(errors, training.reduction ?? .mean).mean()
  }

  func losses(
    _ model: TrainableModel, _ images: Tensor, _ labels: Tensor, training: Bool, guidance: Double
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    let conditions = try training ? drop(labels, of: model, at: conditionDropout) : labels
    let (errors, timesteps) = try errors(model, images, conditions, training: training, guidance: guidance)
    return (try reduced(errors, reduction), timesteps)
  }

  /// The share of conditions that the original model's training dropped.
  var conditionDropout: Double {
    if case .train(let training) = plan.base { return training.conditionDropout ?? 0 }
    return 0
  }

  /// The reduction of the pipeline's losses.
  var reduction: Runs.LossReduction { plan.diffusion?.reduction ?? .sum }

  /// Squared errors of predictions, `[n]`: summed over the elements of a sample, or their mean.
  func losses(prediction: Tensor, target: Tensor) throws -> Tensor {
    try reduced(prediction.squaredError(target, reduction: .none), reduction)
  }

  /// The class of each sample, or -1 for a share of them.
  func drop(_ conditions: Tensor, of model: TrainableModel, at rate: Double) throws -> Tensor {
    guard rate > 0, (model as? Denoiser)?.conditions ?? 0 > 0 else { return conditions }
    let isDropped = try Tensor.randomUniform(conditions.shape, device: conditions.device).isLess(than: rate)
    return try isDropped.select(
      Tensor.full(conditions.shape, -1, dtype: .int64, device: conditions.device), conditions)
  }

  /// The network's prediction (1+s) ε(c) − s ε(null), or ε(c) alone for guidance 0 and for a network without conditions.
  func predict(
    _ model: TrainableModel, _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool, guidance: Double
  ) throws -> Tensor {
    let predicted = try plan.denoise(model, noisy, timesteps: timesteps, conditions: conditions, training: training)
    guard guidance != 0, let conditions else { return predicted }
    let null = try Tensor.full(conditions.shape, -1, dtype: .int64, device: conditions.device)
    let free = try plan.denoise(model, noisy, timesteps: timesteps, conditions: null, training: training)
    return try predicted * (1 + guidance) - free * guidance
  }

  private func errors(
    _ model: TrainableModel, _ images: Tensor, _ conditions: Tensor, training: Bool, guidance: Double = 0
  ) throws -> (errors: Tensor, timesteps: Tensor) {
    let drawn = try Tensor.randomIntegers(0..<timesteps, [images.shape[0]], device: images.device)
    let noise = try Tensor.randomNormal(images.shape, device: images.device)
    let noisy = try table.addNoise(images, noise, drawn)
    let predicted = try predict(
      model, noisy, timesteps: drawn, conditions: conditions, training: training, guidance: guidance)
    return (try predicted.squaredError(noise, reduction: .none), drawn)
  }

  private func reduced(_ errors: Tensor, _ reduction: Runs.LossReduction) throws -> Tensor {
    let elements = Array(1..<errors.rank)
    return switch reduction {
    case .sum: try errors.sum(along: elements)
    case .mean: try errors.mean(along: elements)
    }
  }
}

extension RunPlan {
  /// The task of this plan's models.
  func openTask(_ device: Device) throws -> any RunTask {
    guard task == .diffusion else { return ClassificationTask(plan: self) }
    if case .unetFolder(let folder) = model {
      guard let noise = try DiffusersFolder.read(folder).schedule else {
        throw EngineError.mismatch("'\(folder)' does not say what noise its network was trained with")
      }
      return try DiffusionTask(self, noise: noise, device: device)
    }
    guard let diffusion else { preconditionFailure("the resolver says the noise of a diffusion model") }
    return try DiffusionTask(self, noise: diffusion.noise, device: device)
  }
}

extension UNetPlan {
  /// The same for `Learning`, for images of this shape.
  func config(inputShape: [Int], classes: Int) throws -> UNetConfig {
    try UNetConfig(
      inChannels: inputShape[0], sampleSize: inputShape[1], widths: widths, layers: layers,
      attention: widths.indices.map(attention.contains), midAttention: middleAttention, headDim: headChannels,
      groups: groups, dropout: dropout, conditions: conditional ? classes : 0)
  }
}
