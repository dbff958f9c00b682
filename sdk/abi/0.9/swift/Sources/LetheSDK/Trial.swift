// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Weights on trial, in `combine` only: the objective is evaluated again, and steps are taken that do not stay. Whatever was
/// tried, weights and running statistics are as they were when `combine` returns.
extension Call {
  /// The objective's terms at the weights as they are now; empty where no sample is of these sets. `stepTerms` shows them too,
  /// until `restore`.
  /// - Parameters:
  ///   - round: 0 for the step's own batches and random numbers; from 1 on other ones, the same for the same step and round.
  ///   - gradients: false for values only, which costs no backward pass.
  public func evaluate(_ sets: SampleSet, round: Int = 0, gradients: Bool = true) throws -> [StepTerm] {
    let evaluate = try offered(services.steps.evaluate, "lethe.step/1 evaluate")
    var asked = lethe_evaluation()
    asked.size = UInt32(MemoryLayout<lethe_evaluation>.size)
    asked.sets = sets.rawValue
    asked.round = UInt32(round)
    asked.flags = gradients ? 0 : LETHE_EVALUATE_LOSSES
    try ask { evaluate(context, &asked, $0) }
    return try stepTerms(gradients: gradients)
  }

  /// One step on trial by the run's rule, not clipped; nil is a gradient of zero. Masked weights keep their bits.
  /// - Parameter sharingMoments: with the moments of the run's optimizer, which keep what they gather; else with moments
  ///   that begin at zero in every `combine`.
  public func advance(along direction: [Tensor?], learningRate: Double, sharingMoments: Bool = false) throws {
    let advance = try offered(services.steps.advance, "lethe.step/1 advance")
    let handles: [lethe_tensor?] = direction.map(\.?.handle)
    let flags = sharingMoments ? LETHE_ADVANCE_SHARED : 0
    try ask { advance(context, handles, UInt32(handles.count), learningRate, flags, $0) }
  }

  /// Puts weights, running statistics and the step's own terms back.
  public func restore() throws {
    let restore = try offered(services.steps.restore, "lethe.step/1 restore")
    try ask { restore(context, $0) }
  }

  /// The sum of these terms' gradients in parameter order; nil without any term.
  public func sum(_ terms: [StepTerm]) throws -> [Tensor?]? {
    guard let first = terms.first else { return nil }
    guard terms.count > 1 else { return first.gradients }
    let one = try tensor([1 as Float], shape: [])
    return try terms.dropFirst().reduce(first.gradients) { try sum($0, scale: one, $1.gradients) }
  }
}
