import Learning
import Runs
import Tensors

extension Workbench.Shared {
  /// What measures a model on the validation set during a run.
  func validation(
    _ plan: RunPlan, _ cancel: CancelFlag, _ reporter: Reporter
  ) -> (TrainableModel) throws -> [MetricValue] {
    if let task = task as? DiffusionTask {
      let evaluation = DiffusionEvaluation(plan: plan, data: data, task: task, cancel: cancel, reporter: reporter)
      return { try evaluation.validate($0) }
    }
    let evaluation = Evaluation(plan: plan, data: data, cancel: cancel, reporter: reporter)
    return { try evaluation.validate($0).map { $0.metricValue() } }
  }
}

extension Workbench {
  /// The data with images drawn from the original model in place of the retain samples; nil where the recipe has these.
  func replayed(
    _ plan: RunPlan, _ data: PreparedData, _ task: any RunTask, _ original: TrainableModel, _ cancel: CancelFlag,
    _ reporter: Reporter
  ) throws -> PreparedData? {
    guard let replay = plan.data.replay, let task = task as? DiffusionTask, let model = original as? Denoiser,
      let generation = plan.evaluate.generation
    else { return nil }
    let forgotten = try data.forgottenClass
    let classes = (0..<model.conditions).filter { $0 != forgotten }
    let conditions = classes.isEmpty ? nil : (0..<replay.images).map { classes[$0 % classes.count] }
    let images = try reporter.phase(.replay) {
      let drawn = try Sampler(task.table.schedule, generation.sampler.settings).sample(
        model, seed: replay.seed, images: 0..<replay.images, conditions: conditions, batch: generation.batch,
        cancel: cancel, progress: { reporter.progress(.replay, done: $0, total: $1, unit: "steps of sampling") },
        forward: { try plan.denoise(model, $0, timesteps: $1, conditions: $2, training: false) })
      return (drawn, cached: false)
    }
    return try PreparedData(data, replaying: images, labels: conditions ?? [Int](repeating: 0, count: replay.images))
  }
}
