import Learning
import Runs
import Tensors

/// A model that takes steps, each all or nothing: a step whose loss or gradient is not finite changes no weight, no
/// moment and no running statistic, and neither does any step after it (decision 0060).
final class Learner {
  /// The model.
  let model: TrainableModel
  /// Its trainable parameters.
  let parameters: [Tensor]
  /// The rule of the steps.
  private(set) var optimizer: Optimizer
  /// 1 once a step was bad, else 0; float32 scalar on the device. It changes in place.
  let bad: Tensor
  /// How many steps changed something; int64 scalar on the device.
  private let goodSteps: Tensor
  /// The norm that gradients are clipped to.
  private let clip: Double?
  /// Which weights may move; nil for all.
  private(set) var mask: WeightMask?
  /// Masked weights that keep their bits; nil where there is no mask, or only gradients are masked.
  private(set) var held: HeldWeights?
  private var statisticsBefore: [Tensor] = []
  /// Running statistics of batch normalisation, and how many batches they have seen.
  let statistics: [Tensor]
  private let freezesStatistics: Bool
  let settings: OptimizerSettings
  private let whereInto, maximumInto: Operator
  /// What an updater tries in the step under way; nil where it tries nothing.
  var trial: Trial?
  /// The moments as they were before trial steps moved them; empty where none did.
  var momentsBefore: [Tensor] = []
  /// The moving average of the weights; nil where none is kept.
  let average: MovingAverage?

  /// Makes a learner; `freezesStatistics` keeps the running statistics of batch normalisation as they are.
  init(
    model: TrainableModel, settings: OptimizerSettings, freezesStatistics: Bool = false, average: AveragePlan? = nil
  ) throws {
    self.model = model
    self.settings = settings
    self.freezesStatistics = freezesStatistics
    parameters = model.parameters.map(\.tensor)
    optimizer = try Optimizer(settings, parameters: parameters)
    clip = settings.clip
    statistics = [model.flatStatistics, model.flatCounts].compactMap(\.self)
    let device = model.device
    bad = try Tensor.zeros([], device: device)
    goodSteps = try Tensor.zeros([], dtype: .int64, device: device)
    whereInto = try Operator.resolve("aten::where.self_out")
    maximumInto = try Operator.resolve("aten::maximum.out")
    self.average = try average.map { plan in
      try MovingAverage(
        of: model,
        decay: plan.power == 0
          ? .constant(plan.decay)
          : .warmingUp(highest: plan.decay, inverseGamma: plan.inverseGamma, power: plan.power))
    }
  }

  /// Whether the update alone sees to the mask; else gradients must be masked before anything is made of them.
  var masksInUpdate: Bool { held != nil && clip == nil }

  /// After parameters changed their shape: moments begin anew. Before the first step and the mask only.
  func refit() throws {
    optimizer = try Optimizer(settings, parameters: parameters)
  }

  /// From now on only these weights move; the others keep the bits they have now. `hard: false` masks gradients only,
  /// so that weight decay and momentum still reach the others, as in scripts published before 2026 (D9).
  func setMask(_ mask: WeightMask?, hard: Bool) throws {
    try withoutGradients {
      // What was masked so far has gathered in its moments; it starts from rest if it may move again.
      if let old = self.mask, held != nil { try optimizer.mask(old.factors()) }
      self.mask = mask
      held = try hard ? mask.map { try HeldWeights(parameters, active: $0.active) } : nil
    }
  }

  /// Before the forward passes of a step.
  func begin() throws {
    statisticsBefore = try statistics.map { try $0.clone() }
  }

  /// Masks gradients in place, where there is a mask.
  func masked(_ gradients: [Tensor]) throws {
    guard let mask else { return }
    try withoutGradients { try Foreach.multiply(gradients, by: mask.factors()) }
  }

  /// Steps along gradients (which it may change), unless the step is bad; they are masked already unless `masksInUpdate`.
  /// After `afterStep` masked weights are put back once more.
  ///
  /// - Parameters:
  ///   - loss: scalar; a value that is not finite makes the step bad.
  ///   - checks: booleans that must be true, scalars.
  ///   - numbers: where the step may be recorded, what it reads in place of `learningRate` and the average's own count.
  func step(
    _ gradients: [Tensor], loss: Tensor, checks: [Tensor] = [], learningRate: Double, numbers: StepNumbers? = nil,
    afterStep: (() throws -> Void)? = nil
  ) throws {
    try withoutGradients {
      let norm = try gradientNorm(gradients)
      var good = try norm.isFinite().and(loss.isFinite())
      for check in checks { good = try good.and(check) }
      try mark(bad: good.not())
      if let clip { try clipGradients(gradients, to: clip, from: norm) }
      try optimizer.step(
        gradients, learningRate: learningRate, rate: numbers?.learningRate, held: held, foundInfinity: bad)
      let isBad = try bad.isGreater(than: 0)
      for (before, now) in zip(momentsBefore, optimizer.state.map(\.tensor)) {
        try whereInto.run(.tensor(isBad), .tensor(before), .tensor(now), .tensor(now))
      }
      momentsBefore = []
      for (before, now) in zip(statisticsBefore, statistics) {
        if freezesStatistics {
          try now.assign(before)
        } else {
          try whereInto.run(.tensor(isBad), .tensor(before), .tensor(now), .tensor(now))
        }
      }
      try goodSteps.add(isBad.not().to(.int64))
      if let afterStep {
        let before = try parameters.map { try $0.detach().clone() }
        try afterStep()
        for (parameter, before) in zip(parameters, before) {
          try whereInto.run(.tensor(isBad), .tensor(before), .tensor(parameter), .tensor(parameter))
        }
        try held?.putBack()
      }
      if let numbers {
        try average?.update(from: model, weight: numbers.share, isWhole: numbers.isWhole, unless: isBad)
      } else {
        try average?.update(from: model, unless: isBad)
      }
    }
  }

  /// From now on nothing changes any more where `isBad`, of rank 0, is true.
  func mark(bad isBad: Tensor) throws {
    try maximumInto.run(.tensor(bad), .tensor(isBad.to(.float32)), .tensor(bad))
  }

  /// Puts the moving average of the weights in their place, where one is kept. After the last step only.
  func takeAverage() throws {
    try average?.apply(to: model)
  }

  /// Whether all steps so far were good, and how many were. Waits for the device.
  func status() throws -> (isGood: Bool, goodSteps: Int) {
    let (isGood, good) = (try bad.item() == 0, Int(try goodSteps.item()))
    if !isGood { average?.correct(updates: good) }
    return (isGood, good)
  }

  /// Does something with the moving average of the weights in their place, where one is kept, and puts them back.
  func withAverage<Result>(_ body: () throws -> Result) throws -> Result {
    guard let average else { return try body() }
    let before = try withoutGradients { try parameters.map { try $0.detach().clone() } }
    try average.apply(to: model)
    defer {
      withoutGradients {
        do { try Foreach.copy(parameters, before) } catch {
          preconditionFailure("weights cannot be put back: \(error)")
        }
      }
    }
    return try body()
  }

  /// As if so many good steps had been taken already.
  func resume(goodSteps count: Int) throws {
    try goodSteps.fill(Double(count))
  }
}
