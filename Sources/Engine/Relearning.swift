import Learning
import Runs
import Tensors

/// Times how long a model takes to learn again what it forgot: trains a copy of it on the forget set and counts steps.
struct Relearning {
  let plan: RunPlan
  let relearn: RelearnPlan
  let evaluation: Evaluation
  let cancel: CancelFlag
  let reporter: Reporter

  /// How it ended.
  enum Outcome: Equatable {
    /// The forget set is known again after so many steps.
    case known(steps: Int)
    /// It was not after so many steps, the most there may be.
    case givenUp(steps: Int)
    /// The loss was not a finite number, found after so many steps.
    case diverged(step: Int)
  }

  /// Trains a copy; the model stays as it is. Answers `cancel` within a step.
  ///
  /// - Parameters:
  ///   - now: the model's accuracy on the forget set, in percent.
  ///   - aim: the accuracy at which it is over.
  func carryOut(_ model: TrainableModel, from now: Double, to aim: Double) throws -> Outcome {
    // Accuracies are quotients: equal ones may differ in their last bit.
    func isReached(_ accuracy: Double) -> Bool { accuracy >= aim - 1e-9 }
    guard !isReached(now) else { return .known(steps: 0) }
    let copy = try copy(of: model)
    let rate = relearn.learningRate
    let learner = try Learner(
      model: copy,
      settings: OptimizerSettings(rule: .sgd(momentum: 0.9, nesterov: false), learningRate: rate, weightDecay: 0))
    let source = try BatchSource(
      store: evaluation.data.train,
      augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
      channelsLast: plan.channelsLast, seed: plan.seed, device: copy.device)
    var step = 0
    var next = relearn.nextCheck(after: 0)
    for epoch in 0..<relearn.cap {
      let order = EpochPlan(
        seed: plan.seed, epoch: epoch, forget: evaluation.data.split.forget, retain: [], batch: relearn.batch,
        schedule: .forgetOnly)
      try source.begin(order)
      for slice in order.steps {
        try cancel.check()
        try take(slice, step, learner, source)
        step += 1
        reporter.progress(.evaluate, done: step, total: relearn.cap, unit: "steps")
        guard step == next else { continue }
        guard try learner.status().isGood else { return .diverged(step: step) }
        if isReached(try evaluation.accuracy(of: copy, on: .forget)) { return .known(steps: step) }
        if step == relearn.cap { return .givenUp(steps: step) }
        next = relearn.nextCheck(after: step)
      }
    }
    preconditionFailure("an epoch has at least one step")
  }

  private func take(_ slice: StepSlice, _ step: Int, _ learner: Learner, _ source: BatchSource) throws {
    try seedStep(plan.seed, step)
    try learner.begin()
    let batch = try source.batch(slice, step: step)
    let loss = try plan.forward(learner.model, batch.images, training: true).crossEntropy(batch.labels)
    let gradients = try gradient(of: [loss], withRespectTo: learner.parameters).compactMap(\.self)
    try learner.step(gradients, loss: loss.detach(), learningRate: relearn.learningRate)
  }

  /// A model of the same shape, which a method may have changed, with the same weights and statistics.
  private func copy(of model: TrainableModel) throws -> TrainableModel {
    let copy = try ModelLibrary.blank(plan, evaluation.data, model.device, seed: 0)
    for ((name, own), (_, other)) in zip(copy.parameters, model.parameters) where own.shape != other.shape {
      try copy.resize(name, to: try other.detach())
    }
    try copy.load(model.state)
    return copy
  }
}
