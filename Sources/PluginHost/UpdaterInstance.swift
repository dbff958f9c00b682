import CLethe
package import Tensors

/// An updater at work.
package final class UpdaterInstance: StrategyInstance {
  /// Whether it makes the direction; else the gradient of the summed loss is taken.
  package var combines: Bool { unsafe table.combine != nil }
  /// Whether it does something after the optimizer's step.
  package var actsAfterStep: Bool { unsafe table.after_step != nil }

  /// The direction that the optimizer gets: a tensor of the parameter's shape for each parameter.
  ///
  /// - Precondition: `combines`.
  package func combine(progress: Progress, step: any StepView, parameters: NamedTensors) throws -> [Tensor] {
    _ = try legal(.work, "combine", progress.step)
    guard let combine = unsafe table.combine else { preconditionFailure("an updater without 'combine' is not asked") }
    return unsafe try call(
      "combine", progress.step, .combine,
      { (instance, context, error) throws(Refusal) in
        session.frame.step = step
        session.frame.learningRate = step.learningRate
        return unsafe combine(instance, context, try session.place(progress), error)
      },
      take: {
        let error = describe("combine", progress.step)
        guard let direction = session.frame.direction else { throw PluginError.call(error, .noDirection) }
        guard direction.count == parameters.tensors.count else {
          let shape = TensorProblem.shape(found: [direction.count], wanted: "\(parameters.tensors.count) tensors")
          throw PluginError.call(error, .direction(parameter: "all", shape))
        }
        return try direction.indices.map { index in
          let problem = Self.problem(direction[index], parameters.tensors[index])
          guard let tensor = direction[index], problem == nil else {
            throw PluginError.call(
              error, .direction(parameter: parameters.names[index], problem ?? .missing))
          }
          return tensor.requiresGrad ? try tensor.detach() : tensor
        }
      })
  }

  /// Lets it change the parameters after the optimizer's step. Nothing is recorded meanwhile.
  ///
  /// - Precondition: `actsAfterStep`.
  package func afterStep(progress: Progress, learningRate: Double) throws {
    _ = try legal(.work, "after_step", progress.step)
    guard let act = unsafe table.after_step else { preconditionFailure("an updater without 'after_step' is not asked") }
    try withoutGradients {
      try unsafe call("after_step", progress.step, .afterStep) { (instance, context, error) throws(Refusal) in
        session.frame.learningRate = learningRate
        return unsafe act(instance, context, try session.place(progress), error)
      }
    }
  }

  private static func problem(_ tensor: Tensor?, _ parameter: Tensor?) -> TensorProblem? {
    guard let tensor else { return .missing }
    guard let parameter else { return nil }
    if tensor.shape != parameter.shape { return .shape(found: tensor.shape, wanted: "\(parameter.shape)") }
    return TensorChecks.dtype(tensor, parameter.dtype) ?? TensorChecks.device(tensor, parameter.device)
  }

  private var table: lethe_updater {
    guard case .updater(let table) = strategy.loaded.role else {
      preconditionFailure("an updater has a table of its role")
    }
    return table
  }
}
