import PluginHost
import Tensors

/// A step of a few terms whose values and gradients are made up. On trial, gradients are other ones in each round and
/// at each place that was moved to; weights move along the direction.
final class MadeUpStep: StepView {
  struct HasNoGradients: Error, CustomStringConvertible {
    let description = "the terms were evaluated without gradients"
  }

  private(set) var terms: [StepTerm]
  let learningRate = 0.1
  private let own: [StepTerm]
  private let lists: [NamedTensors]
  private let parameters: [Tensor]
  /// What gradients and values are multiplied with where they are shown; nil where there are none.
  private var factor: Double? = 1
  /// Of `lists`, those that are shown.
  private var shown: [Int]
  private var moves = 0
  private var before: [Tensor]?

  /// - Parameters:
  ///   - lists: gradients of each term.
  ///   - parameters: what `advance` moves, and `restore` puts back.
  init(terms: [StepTerm], lists: [NamedTensors], parameters: [Tensor]) {
    precondition(terms.count == lists.count, "every term has gradients")
    self.terms = terms
    own = terms
    self.lists = lists
    self.parameters = parameters
    shown = Array(terms.indices)
  }

  func gradients(ofTerm index: Int) throws -> NamedTensors {
    guard let factor else { throw HasNoGradients() }
    let list = lists[shown[index]]
    guard factor != 1 else { return list }
    return NamedTensors(
      names: list.names, tensors: try withoutGradients { try list.tensors.map { try $0.map { try $0 * factor } } })
  }

  func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws {
    let scale = 1 + 0.25 * Double(round) - 0.125 * Double(moves)
    shown = own.indices.filter { !sets.isDisjoint(with: own[$0].set) }
    factor = takesGradients ? scale : nil
    terms = try withoutGradients {
      try shown.map { index in
        var term = own[index]
        term.loss = try term.loss * scale
        return term
      }
    }
  }

  func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws {
    try withoutGradients {
      if before == nil { before = try parameters.map { try $0.detach().clone() } }
      for (parameter, along) in zip(parameters, direction) { try parameter.add(along, scale: -learningRate) }
    }
    moves += 1
  }

  func restore() throws {
    if let before {
      try withoutGradients { for (parameter, old) in zip(parameters, before) { try parameter.assign(old) } }
    }
    before = nil
    moves = 0
    factor = 1
    shown = Array(own.indices)
    terms = own
  }
}
