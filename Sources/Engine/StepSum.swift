import PluginHost
import Tensors

/// The gradients of a step, added up over its batches.
final class StepSum {
  /// Whether there is a gradient for each term; else there is one, of the whole loss.
  let isSeparate: Bool
  /// Of the whole loss, or one entry for each term.
  private(set) var gradients: [[Tensor]]
  /// The terms of all batches by name, their values without a graph.
  private(set) var terms: [WeighedTerm]
  /// The value of each term without a graph.
  private(set) var values: [Tensor]
  /// What was differentiated, a scalar without a graph.
  private(set) var loss: Tensor

  /// One gradient, of the sum of all terms.
  ///
  /// - Parameter scales: a factor of each term, scalars without a graph; nil for 1.
  init(together terms: [WeighedTerm], scales: [Tensor]? = nil, _ learner: Learner) throws {
    let values =
      try scales.map { try zip(terms, $0).map { try $0.value * $1.to($0.value.dtype) } } ?? terms.map(\.value)
    var total = values[0]
    for value in values.dropFirst() { total = try total + value }
    isSeparate = false
    gradients = [try StepSum.gradients(of: total, learner, keepsGraph: false)]
    self.terms = terms
    self.values = try terms.map { try $0.value.detach() }
    loss = try total.detach()
  }

  /// A gradient for each term, from one graph.
  init(separately terms: [WeighedTerm], _ learner: Learner) throws {
    isSeparate = true
    gradients = try terms.enumerated().map { index, term in
      try StepSum.gradients(of: term.value, learner, keepsGraph: index < terms.count - 1)
    }
    self.terms = terms
    values = try terms.map { try $0.value.detach() }
    loss = try values.dropFirst().reduce(values[0]) { try $0 + $1 }
  }

  /// Values alone, without any gradient.
  init(valuesOf terms: [WeighedTerm]) throws {
    isSeparate = true
    gradients = []
    self.terms = terms
    values = try terms.map { try $0.value.detach() }
    loss = try values.dropFirst().reduce(values[0]) { try $0 + $1 }
  }

  /// Adds another batch's gradients, term by term. A term that one of them lacks adds nothing there.
  func add(_ other: StepSum) throws {
    guard other.isSeparate == isSeparate else {
      throw EngineError.mismatch("an updater gave scales for some batches of a step and none for others")
    }
    let hasEach = isSeparate && !gradients.isEmpty
    try withoutGradients {
      if !isSeparate { try Foreach.add(gradients[0], other.gradients[0]) }
      for (index, term) in other.terms.enumerated() {
        if let mine = terms.firstIndex(where: { $0.name == term.name }) {
          if hasEach { try Foreach.add(gradients[mine], other.gradients[index]) }
          values[mine] = try values[mine] + other.values[index]
        } else {
          if hasEach { gradients.append(other.gradients[index]) }
          terms.append(term)
          values.append(other.values[index])
        }
      }
      loss = try loss + other.loss
    }
  }

  private static func gradients(of value: Tensor, _ learner: Learner, keepsGraph: Bool) throws -> [Tensor] {
    let gradients = try gradient(
      of: [value], withRespectTo: learner.parameters, retainGraph: keepsGraph, allowUnused: true)
    return try zip(gradients, learner.parameters).map { try $0 ?? Tensor.zeros(like: $1.detach()) }
  }
}
