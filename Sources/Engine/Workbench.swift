import Foundation
import Learning
import Runs
import Tensors

/// What several runs of one comparison share: the data, the original and the retrained model and their measurements.
/// Give the same workbench to each run; what does not fit the next run's plan is made anew.
package final class Workbench {
  private var shared: Shared?

  /// An empty workbench.
  package init() {}

  /// What does not depend on how something is forgotten.
  final class Shared {
    let key: Key
    let device: Device
    let data: PreparedData
    /// What the pipeline sees of them: other retain samples where the recipe replays them.
    let seen: PreparedData
    /// What the models' losses are.
    let task: any RunTask
    /// The model before anything was forgotten. Frozen: runs work on copies.
    let original: TrainableModel
    /// The model that never saw what is forgotten.
    let retrained: TrainableModel?
    /// A model trained on the retain set for objectives that ask for one.
    let proxy: TrainableModel?
    /// Measurements of both, once made.
    var measured: [MeasuredModel: Measured] = [:]
    /// The same of diffusion models, with the images that they drew.
    var generated: [MeasuredModel: DiffusionMeasuring.Measured] = [:]

    init(
      key: Key, device: Device, data: PreparedData, task: any RunTask, original: TrainableModel,
      retrained: TrainableModel?, proxy: TrainableModel? = nil, seen: PreparedData? = nil
    ) {
      self.key = key
      self.device = device
      self.data = data
      self.seen = seen ?? data
      self.task = task
      self.original = original
      self.retrained = retrained
      self.proxy = proxy
    }
  }

  /// The part of a plan that decides it all.
  struct Key: Equatable {
    let device: String
    let precision: Precision
    let channelsLast: Bool
    let recordsSteps: Bool
    let threads: Int?
    let data: DataPlan
    let requests: [ForgetPlan]
    let stage: Int?
    let model: ModelPlan
    let diffusion: DiffusionPlan?
    let base, retrained: ModelSource
    let proxy: TrainingPlan?
    let evaluate: EvaluatePlan
    let seed: UInt64

    init(_ plan: RunPlan) {
      device = plan.device
      precision = plan.precision
      channelsLast = plan.channelsLast
      recordsSteps = plan.recordsSteps
      threads = plan.threads
      data = plan.data
      requests = plan.requests
      stage = plan.stage
      model = plan.model
      diffusion = plan.diffusion
      base = plan.base
      retrained = plan.retrained
      proxy = plan.proxy
      evaluate = plan.evaluate
      seed = plan.seed
    }
  }

  /// Loads or trains what a plan needs, or finds it from the run before; `split` is told the split as soon as it is known.
  func prepare(
    _ plan: RunPlan, cancel: CancelFlag, reporter: Reporter, split: (PreparedData) throws -> Void
  ) throws -> Shared {
    let key = Key(plan)
    if let shared, shared.key == key {
      let data = try reporter.phase(.data) { (shared.data, cached: true) }
      try split(data)
      for phase in [Phase.base, .retrain] where phase == .base || shared.retrained != nil {
        try reporter.phase(phase) { ((), cached: true) }
      }
      return shared
    }
    shared = nil
    let device = try plan.openDevice()
    if plan.precision == .bf16, plan.device == "cpu", !Processor.hasBFloat16 {
      try reporter.say(
        .warning("this processor has no bf16 instructions and emulates them; precision=fp32 is likely faster here"))
    }
    if case .unet(let network) = plan.model, network.isBlindToBrightness {
      try reporter.say(
        .warning(
          "model.groups: \(network.groups) groups over as many channels normalise each channel alone, and such a network "
            + "cannot tell how bright an image is; a fourth as many can"))
    }
    let data = try reporter.phase(.data) {
      (try PreparedData(plan: plan, device: device, cancel: cancel), cached: false)
    }
    try split(data)
    if let leak = data.leak(plan) { try reporter.say(.warning(leak)) }
    let task = try plan.openTask(device)
    let library = ModelLibrary(
      plan: plan, task: task, data: data, device: device, cache: cacheFolder().appendingPathComponent("models"),
      cancel: cancel,
      reporter: reporter)
    let original = try reporter.phase(.base) {
      guard
        let made = try library.model(plan.base, key: plan.baseKeyJSON(), positions: data.baseSamples, phase: .base)
      else { throw EngineError.mismatch("'base' is none; there is nothing to unlearn from") }
      return made
    }
    var retrained: TrainableModel?
    if plan.retrained != .none {
      retrained = try reporter.phase(.retrain) {
        let made = try library.model(
          plan.retrained, key: plan.retrainedKeyJSON(), positions: data.split.retain, phase: .retrain)
        return (made?.model, cached: made?.cached ?? true)
      }
    }
    let proxy: TrainableModel? = try plan.proxy.flatMap { training in
      let key = plan.proxyKeyJSON()
      return try library.model(.train(training), key: key, positions: data.split.retain, phase: .retrain)?.model
    }
    let made = Shared(
      key: key, device: device, data: data, task: task, original: original, retrained: retrained,
      proxy: proxy, seen: try replayed(plan, data, task, original, cancel, reporter))
    shared = made
    return made
  }
}
