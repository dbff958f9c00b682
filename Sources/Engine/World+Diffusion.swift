import Learning
import PluginHost
import Runs
import Tensors

/// What plugins can reach of a run on a diffusion model, and the losses of a batch whatever the task.
extension World {
  private var diffusionTask: DiffusionTask {
    get throws {
      guard let task = shared.task as? DiffusionTask else {
        throw EngineError.mismatch("the run's model is a classifier")
      }
      return task
    }
  }

  var diffusion: DiffusionFacts? {
    guard let task = shared.task as? DiffusionTask, let model = shared.original as? Denoiser else { return nil }
    return DiffusionFacts(
      timesteps: task.timesteps, dimensions: model.inputShape.reduce(1, *), conditions: model.conditions,
      gamma: task.table.gamma, sigma: task.table.sigma)
  }

  func batchLosses(
    _ handle: ModelHandle, of batch: PluginHost.Batch, progress: PluginHost.Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?) {
    guard handle.number == 0 else {
      return try withoutGradients {
        try shared.task.losses(model(handle), batch.inputs, batch.labels, training: false)
      }
    }
    return try shared.task.losses(model(handle), batch.inputs, batch.labels, training: !isMeasuring)
  }

  func denoise(_ handle: ModelHandle, _ input: DenoiseInput) throws -> Tensor {
    let task = try diffusionTask
    let network = model(handle)
    var conditions = input.conditions
    if input.dropsConditions, let given = conditions {
      conditions = try task.drop(given, of: network, at: task.conditionDropout)
    }
    func guided() throws -> Tensor {
      // No dropout in models that are only asked.
      try task.predict(
        network, input.noisy, timesteps: input.timesteps, conditions: conditions,
        training: !input.evaluation && handle.number == 0 && !isMeasuring, guidance: input.guidance)
    }
    guard handle.number == 0 || input.noisy.requiresGrad else { return try withoutGradients { try guided() } }
    return try guided()
  }

  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor {
    try diffusionTask.losses(prediction: prediction, target: target)
  }

  func referenceCurve(over set: PluginHost.SampleSet, at timesteps: [Int]) throws -> [Double] {
    let task = try diffusionTask
    let sets = DiffusionEvaluation(plan: plan, data: shared.seen, task: task, cancel: cancel, reporter: reporter)
    let part: Runs.SampleSet = set == .forget ? .forget : .retain
    guard let found = try sets.curve(of: shared.original, on: part, at: timesteps) else {
      throw EngineError.mismatch("the \(part.rawValue) set is empty, so it has no reference losses")
    }
    let scale = lossScale(task)
    let losses = found.losses.map { $0 * scale }
    let points = zip(timesteps, losses).map { ReferenceCurve.Point(timestep: $0, loss: $1) }
    curves[part] = ReferenceCurve(set: part, plugin: "", timesteps: task.timesteps, points: points, fit: nil)
    return losses
  }

  /// What makes a loss of the run's reduction of the mean over elements.
  func lossScale(_ task: DiffusionTask) -> Double {
    guard task.reduction == .sum, let model = shared.original as? Denoiser else { return 1 }
    return Double(model.inputShape.reduce(1, *))
  }
}
