import Learning
import Runs
import Tensors

extension RunPlan {
  /// The plan's device, opened; also for the recording of steps, where the plan has it.
  func openDevice() throws -> Device {
    let device = try Device.opened(self.device)
    if recordsSteps {
      do { try DeviceGraph.open(device) } catch { throw EngineError.noGraphs(device: self.device, reason: "\(error)") }
    }
    if let threads { try TorchRuntime.shared().setThreads(threads) }
    return device
  }

  /// What records steps, where the plan has it.
  func stepRecorder(on device: Device) -> (any StepRecorder)? { recordsSteps ? GraphRecorder(device: device) : nil }

  /// Logits of a batch in binary32, computed in the plan's precision.
  ///
  /// - Precondition: the model is a classifier.
  func forward(_ model: TrainableModel, _ images: Tensor, training: Bool) throws -> Tensor {
    guard let model = model as? ImageClassifier else { preconditionFailure("only a classifier gives logits") }
    return try inPrecision(on: model.device) { try model.forward(images, training: training) }
  }

  /// The noise in a batch in binary32, computed in the plan's precision.
  ///
  /// - Precondition: the model is a denoiser.
  func denoise(
    _ model: TrainableModel, _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool
  ) throws -> Tensor {
    guard let model = model as? Denoiser else { preconditionFailure("only a denoiser predicts noise") }
    return try inPrecision(on: model.device) {
      try model.forward(
        noisy, timesteps: timesteps, conditions: model.conditions > 0 ? conditions : nil, training: training)
    }
  }

  private func inPrecision(on device: Device, _ body: () throws -> Tensor) throws -> Tensor {
    guard precision == .bf16 else { return try body() }
    return try withAutocast(.bfloat16, device, body).to(.float32)
  }
}

extension DiffusionPlan {
  /// The same for `Learning`.
  var noise: NoiseSchedule {
    NoiseSchedule(
      shape: shape == .linear ? .linear : .scaledLinear, timesteps: timesteps, betaStart: beta[0], betaEnd: beta[1])
  }
}

extension OptimizerPlan {
  /// The same for `Learning`.
  var settings: OptimizerSettings {
    let rule: OptimizerSettings.Rule =
      switch name {
      case .sgd: .sgd(momentum: momentum, nesterov: nesterov)
      case .adam: .adam(betas: (betas[0], betas[1]), epsilon: eps)
      case .adamw: .adamW(betas: (betas[0], betas[1]), epsilon: eps)
      }
    return OptimizerSettings(rule: rule, learningRate: learningRate, weightDecay: weightDecay, clip: clip)
  }

  /// The learning rate over a run of so many steps. `total` is how many there are where the last epoch ends early.
  func schedule(stepsPerEpoch: Int, epochs: Int, total: Int? = nil) -> LearningRateSchedule {
    let shape: LearningRateSchedule.Shape =
      switch schedule.name {
      case .constant: .constant
      case .step: .milestones(schedule.milestones, gamma: schedule.gamma)
      case .cosine: .cosine
      case .oneCycle: .oneCycle
      }
    if let total, total != stepsPerEpoch * epochs, schedule.name != .step {
      // One long epoch: what counts in steps ends with the run.
      return LearningRateSchedule(
        shape: shape, peak: learningRate, warmupEpochs: schedule.warmup * Double(stepsPerEpoch) / Double(total),
        stepsPerEpoch: total, epochs: 1)
    }
    return LearningRateSchedule(
      shape: shape, peak: learningRate, warmupEpochs: schedule.warmup, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
  }
}

extension SamplerPlan {
  /// The same for `Learning`.
  var settings: SamplerSettings {
    SamplerSettings(kind: name == .ddpm ? .ddpm : .ddim(eta: eta), steps: steps, guidance: guidance)
  }
}

extension Device {
  /// A device as recipes name it, ready for tensors.
  static func opened(_ name: String) throws -> Device {
    guard let device = Device(name) else {
      throw EngineError.noDevice(name: name, reason: "it is neither 'cpu' nor 'cuda' nor 'cuda:N'")
    }
    do { try TorchRuntime.shared().open(device) } catch { throw EngineError.noDevice(name: name, reason: "\(error)") }
    return device
  }
}
