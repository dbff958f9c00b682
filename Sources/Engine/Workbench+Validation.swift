import Learning
import Runs

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
