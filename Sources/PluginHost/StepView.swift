package import Tensors

/// The step under way as an updater sees it in `combine`: the engine's side of "lethe.step/1".
package protocol StepView: AnyObject {
  /// Every term of the step.
  var terms: [StepTerm] { get }
  /// Masked gradients of one term, coefficient included, in parameter order; nil is a gradient of zero.
  func gradients(ofTerm index: Int) throws -> NamedTensors
  /// Learning rate of this step.
  var learningRate: Double { get }
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
