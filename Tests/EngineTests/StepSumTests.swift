import Learning
import PluginHost
import Runs
import Tensors
import Testing

@testable import Engine

/// Sums of gradients over the batches of a step.
@Suite(.serialized)
struct StepSumTests {
  /// Terms that are linear in the weights, so that their gradients are known: `factor` in every place.
  private func terms(_ factors: KeyValuePairs<String, Double>, _ learner: Learner) throws -> [WeighedTerm] {
    try factors.map { name, factor in
      var value = try Tensor.scalar(0, dtype: .float64)
      for parameter in learner.parameters {
        value = try value + (parameter * Tensor.ones(like: parameter.detach())).sum() * factor
      }
      return WeighedTerm(name: name, set: .retain, scale: 1, losses: nil, weights: nil, value: value)
    }
  }

  /// The one number that all places of a gradient have.
  private func number(_ gradient: [Tensor]) throws -> Double {
    let all = try gradient.flatMap { try $0.contiguous().doubles() }
    #expect(Set(all).count == 1)
    return try #require(all.first)
  }

  private func learner() throws -> Learner {
    try ParitySteps(ParityRun("data", pipeline: ["objective: fine-tune"]), .float64).learner
  }

  @Test
  func `scales make one gradient of all terms`() throws {
    let learner = try learner()
    let scales = try [0.5, -3].map { try Tensor.scalar($0) }
    let sum = try StepSum(together: terms(["keep": 2, "forget": 0.25], learner), scales: scales, learner)
    #expect(!sum.isSeparate && sum.gradients.count == 1)
    #expect(try number(sum.gradients[0]) == 2 * 0.5 - 0.25 * 3)
    // The terms' own values are told as they are, what was differentiated is not.
    let plain = try StepSum(together: terms(["keep": 2, "forget": 0.25], learner), learner)
    #expect(try zip(sum.values, plain.values).allSatisfy { try $0.item() == $1.item() })
    #expect(try sum.loss.item() != plain.loss.item())
  }

  @Test
  func `a term that a batch lacks counts as zero there`() throws {
    let learner = try learner()
    let sum = try StepSum(separately: terms(["keep": 2], learner), learner)
    try sum.add(StepSum(separately: terms(["forget": 0.25], learner), learner))
    try sum.add(StepSum(separately: terms(["forget": 0.5, "keep": 1], learner), learner))
    #expect(sum.terms.map(\.name) == ["keep", "forget"])
    #expect(try sum.gradients.map(number) == [3, 0.75])
    let whole = try StepSum(together: terms(["keep": 2], learner), learner)
    try whole.add(StepSum(together: terms(["forget": 0.25], learner), learner))
    #expect(try number(whole.gradients[0]) == 2.25)
    #expect(whole.values.count == 2)
  }

  @Test
  func `scales for some batches of a step alone are refused`() throws {
    let learner = try learner()
    let sum = try StepSum(separately: terms(["keep": 2], learner), learner)
    let other = try StepSum(together: terms(["keep": 2], learner), learner)
    #expect(throws: EngineError.self) { try sum.add(other) }
  }
}
