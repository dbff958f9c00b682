import Learning
import Runs
import Tensors

extension RunPlan {
  /// The plan's device, opened.
  func openDevice() throws -> Device {
    guard let device = Device(self.device) else {
      throw EngineError.noDevice(name: self.device, reason: "it is neither 'cpu' nor 'cuda' nor 'cuda:N'")
    }
    let runtime = try TorchRuntime.shared()
    do { try runtime.open(device) } catch {
      throw EngineError.noDevice(name: self.device, reason: "\(error)")
    }
    if let threads { try runtime.setThreads(threads) }
    return device
  }

  /// Logits of a batch in binary32, computed in the plan's precision.
  func forward(_ model: ImageClassifier, _ images: Tensor, training: Bool) throws -> Tensor {
    guard precision == .bf16 else { return try model.forward(images, training: training) }
    return try withAutocast(.bfloat16, model.device) { try model.forward(images, training: training) }.to(.float32)
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

  /// The learning rate over a run of so many steps.
  func schedule(stepsPerEpoch: Int, epochs: Int) -> LearningRateSchedule {
    let shape: LearningRateSchedule.Shape =
      switch schedule.name {
      case .constant: .constant
      case .step: .milestones(schedule.milestones, gamma: schedule.gamma)
      case .cosine: .cosine
      case .oneCycle: .oneCycle
      }
    return LearningRateSchedule(
      shape: shape, peak: learningRate, warmupEpochs: schedule.warmup, stepsPerEpoch: stepsPerEpoch, epochs: epochs)
  }
}
