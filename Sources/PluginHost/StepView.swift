package import Tensors

/// The step under way as an updater sees it in `combine`: the engine's side of "lethe.step/1".
package protocol StepView: AnyObject {
  /// Every term of the step.
  var terms: [StepTerm] { get }
  /// Masked gradients of one term, coefficient included, in parameter order; nil is a gradient of zero.
  func gradients(ofTerm index: Int) throws -> NamedTensors
  /// Learning rate of this step.
  var learningRate: Double { get }

  /// Evaluates the terms of these sets at the weights as they are now; `terms` and `gradients` show them from then on.
  ///
  /// - Parameters:
  ///   - round: 0 for the step's own batches and random numbers, else others, the same for the same step and round.
  ///   - takesGradients: else values only.
  func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws
  /// One optimizer step on trial along a tensor for each parameter; masked weights keep their bits.
  ///
  /// - Parameter sharesMoments: whether the moments are those of the run's optimizer, which keep what they gather.
  func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws
  /// Puts weights, running statistics and the step's own terms back.
  func restore() throws
}

/// One term of a step.
package struct StepTerm {
  package var name: String
  package var set: SampleSet
  package var coefficient: Double
  /// Scalar without a graph: `coefficient · Σ weight · loss` over all micro-batches.
  package var loss: Tensor

  package init(name: String, set: SampleSet, coefficient: Double, loss: Tensor) {
    self.name = name
    self.set = set
    self.coefficient = coefficient
    self.loss = loss
  }
}
