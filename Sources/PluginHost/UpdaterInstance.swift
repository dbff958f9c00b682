import CLethe
package import Tensors

/// An updater at work.
package final class UpdaterInstance: StrategyInstance {
  /// Whether it makes the direction; else the gradient of the summed loss is taken.
  package var combines: Bool { unsafe table.combine != nil }
  /// Whether it does something after the optimizer's step.
  package var actsAfterStep: Bool { unsafe table.after_step != nil }

  /// Whether it may know the factors of the terms' gradients before they are taken; then ask `scales` first.
  package var scalesTerms: Bool { unsafe table.combine != nil && table.scale_terms != nil }

  /// Factors of the terms of one micro-batch, scalars without a graph, where the updater knows them beforehand; else nil.
  ///
  /// Asked before any gradient of a step is taken, once a micro-batch. Given factors, the host differentiates
  /// `Σ scale · term` in one backward pass and does not call `combine`. Given nil it takes each term's gradient and
  /// calls `combine` as ever. All micro-batches of a step must get the same kind of answer.
  ///
  /// - Parameter terms: those of this micro-batch, with values without a graph; not empty.
  /// - Precondition: `scalesTerms`.
  package func scales(progress: Progress, terms: [StepTerm], learningRate: Double) throws -> [Tensor]? {
    _ = try legal(.work, "scale_terms", progress.step)
    guard let scale = unsafe table.scale_terms else { preconditionFailure("an updater without 'scale_terms'") }
    var answer = unsafe [lethe_tensor?](repeating: nil, count: terms.count)
    return unsafe try call(
      "scale_terms", progress.step, .scaleTerms,
      { (instance, context, error) throws(Refusal) in
        session.frame.step = TermsAlone(terms: terms, learningRate: learningRate)
        session.frame.learningRate = learningRate
        let place = unsafe try session.place(progress)
        return unsafe answer.withUnsafeMutableBufferPointer { list in
          unsafe scale(instance, context, place, UInt32(list.count), list.baseAddress, error)
        }
      },
      take: {
        let found = unsafe try zip(terms, answer).map { term, handle in
          unsafe try taken(handle, "scale_terms", progress.step, "the scale of term '\(term.name)' is")
        }
        let scales = found.compactMap(\.self)
        if scales.isEmpty { return nil }
        for (term, scale) in zip(terms, found) {
          if let problem = Self.problem(scale: scale, session.world.device) {
            throw PluginError.call(describe("scale_terms", progress.step), .scale(term: term.name, problem))
          }
        }
        return try scales.map { try $0.detach().reshape([]) }
      })
  }

  private static func problem(scale: Tensor?, _ device: Device) -> TensorProblem? {
    guard let scale else { return .missing }
    if scale.count != 1 { return .shape(found: scale.shape, wanted: "one element") }
    return TensorChecks.floating(scale) ?? TensorChecks.device(scale, device)
  }

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

  /// What is wrong with a parameter's part of a direction.
  static func problem(_ tensor: Tensor?, _ parameter: Tensor?) -> TensorProblem? {
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

/// The terms of a step whose gradients are not taken yet.
private final class TermsAlone: StepView {
  let terms: [StepTerm]
  let learningRate: Double

  init(terms: [StepTerm], learningRate: Double) {
    self.terms = terms
    self.learningRate = learningRate
  }

  func gradients(ofTerm index: Int) throws -> NamedTensors { Self.early() }
  func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws { Self.early() }
  func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws { Self.early() }
  func restore() throws { Self.early() }

  private static func early() -> Never { preconditionFailure("nothing but values is asked for before 'combine'") }
}
