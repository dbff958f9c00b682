import Learning
import PluginHost
import Tensors

/// A step as an updater sees it, and the trials that it makes before it chooses a direction.
final class CombinedStep: StepView {
  /// The terms of these sets in one of the step's rounds at the weights as they are now, with masked gradients or with values
  /// only; nil where no sample is of these sets.
  typealias Evaluation = (_ sets: PluginHost.SampleSet, _ round: Int, _ takesGradients: Bool) throws -> StepSum?

  let learningRate: Double
  private(set) var terms: [StepTerm]
  private let own: StepSum
  private var shown: StepSum?
  private let learner: Learner
  private let again: Evaluation

  init(_ sum: StepSum, _ learner: Learner, learningRate: Double, again: @escaping Evaluation) {
    own = sum
    shown = sum
    terms = sum.shownTerms
    self.learner = learner
    self.learningRate = learningRate
    self.again = again
  }

  func gradients(ofTerm index: Int) throws -> NamedTensors {
    guard let gradients = shown?.gradients, index < gradients.count else {
      throw EngineError.mismatch("the terms were evaluated without gradients")
    }
    return NamedTensors(names: learner.model.parameters.map(\.name), tensors: gradients[index])
  }

  func evaluate(sets: PluginHost.SampleSet, round: Int, takesGradients: Bool) throws {
    // Running statistics move in a forward pass already.
    try learner.beginTrial()
    shown = try again(sets, round, takesGradients)
    terms = shown?.shownTerms ?? []
  }

  func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws {
    try learner.advanceOnTrial(direction, learningRate: learningRate, sharesMoments: sharesMoments)
  }

  func restore() throws {
    try learner.endTrial()
    shown = own
    terms = own.shownTerms
  }
}

extension StepSum {
  /// The terms as an updater is told of them.
  fileprivate var shownTerms: [StepTerm] {
    zip(terms, values).map { term, value in
      StepTerm(name: term.name, set: term.set, coefficient: term.scale, loss: value)
    }
  }
}
