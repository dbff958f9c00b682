// SPDX-License-Identifier: Apache-2.0
import CLethe

/// A method, or a part of one: a value that the host makes from parameters and then calls, always on the run's one thread.
///
///     init -> prepare -> (the role's calls)* -> finish
///
/// A `throw` out of any of them ends the run with its message.
public protocol Strategy {
  /// Cheap; checks what the manifest cannot say and throws `Failure.parameter`. Touches no tensor.
  init(parameters: Parameters) throws
  /// Sees the models, may compute at length, polls `Call.checkCancelled`. Nothing by default.
  mutating func prepare(_ call: Call) throws
  /// After the last step. Nothing by default.
  mutating func finish(_ call: Call) throws
}

extension Strategy {
  /// Nothing.
  public mutating func prepare(_ call: Call) throws {}
  /// Nothing.
  public mutating func finish(_ call: Call) throws {}
}

/// A strategy that remembers something between steps. Others are functions of their parameters and of what they see.
public protocol Stateful: Strategy {
  /// Of what `save` writes; `load` sees the version that wrote it.
  static var stateVersion: UInt32 { get }
  /// Writes all that a resumed strategy needs to go on bit for bit.
  func save(to state: StateWriter, _ call: Call) throws
  /// Reads it back.
  mutating func load(from state: StateReader, version: UInt32, _ call: Call) throws
}

/// A strategy whose tunable parameters may change between steps.
public protocol Tunable: Strategy {
  /// Takes new values; all parameters are given, as in `init`.
  mutating func retune(_ parameters: Parameters) throws
}

/// Role `lethe.objective/1`: which differentiable losses a step has.
public protocol Objective: Strategy {
  /// The terms of one step, at least one. Called once for each micro-batch.
  mutating func terms(of step: Step, _ call: Call) throws -> [Term]
}

/// Role `lethe.reweighter/1`: how much each sample of a term counts.
public protocol Reweighter: Strategy {
  /// Weights [n] of the losses' type and device, or nil for uniform weights 1/n. The manifest's "output" says what they
  /// promise: "normalised" (sum 1 within 1e-5), "free" (finite, >= 0) or "signed" (finite). No gradient flows through.
  mutating func weights(for term: SeenTerm, _ call: Call) throws -> Tensor?
}

/// How the host walks over the data for a mask.
public struct Walk: Sendable {
  /// Samples a batch, > 0.
  public var batch: Int
  /// Batch statistics instead of running ones.
  public var trains: Bool
  /// An optimizer step on a copy of the model after every batch, undone at the end.
  public var steps: Bool
  /// s, so that the loss is that of (1+s) eps(c) - s eps(null) on a network with classes; 0 for the task's loss.
  public var guidance = 0.0
}

/// Role `lethe.mask/1`: which weights may move. The host walks over the sets of the manifest's "streams", hands over the
/// gradient of every batch's mean loss, and keeps the best-scoring weights.
public protocol Mask: Strategy {
  /// Starts a walk; may change how it is made.
  mutating func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws
  /// The gradients of one batch of `count` samples in parameter order; nil is a gradient of zero.
  mutating func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws
  /// Scores for each parameter, of its shape: float, finite, >= 0; higher means kept first.
  mutating func scores(_ call: Call) throws -> [Tensor]
}

/// Role `lethe.updater/1`: how the gradients of the terms become one direction, and what happens after the step.
public protocol Updater: Strategy {
  /// Whether `combine` is to be called. Without it the host takes the gradient of the summed loss in one pass.
  static var combines: Bool { get }
  /// Reads the terms with `Call.stepTerms` and sets a direction with `Call.setDirection`.
  mutating func combine(_ progress: Progress, _ call: Call) throws
  /// Whether `scales` is to be called, before `combine`.
  static var scalesTerms: Bool { get }
  /// Factors of the terms of one micro-batch, one-element tensors without a graph, where they are known before any gradient
  /// is taken: the host then makes one backward pass of sum_i scale_i * term_i and does not call `combine`. Nil: each
  /// term's gradient is taken and `combine` is called. The same kind of answer for all micro-batches of a step.
  mutating func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]?
  /// Runs after the optimizer's step and before masked weights are restored; the model's parameters may be changed in
  /// place, nothing is recorded.
  mutating func afterStep(_ progress: Progress, _ call: Call) throws
}

extension Updater {
  /// No.
  public static var combines: Bool { false }
  /// No.
  public static var scalesTerms: Bool { false }
  /// Nil.
  public mutating func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]? { nil }
  /// Nothing.
  public mutating func combine(_ progress: Progress, _ call: Call) throws {}
  /// Nothing.
  public mutating func afterStep(_ progress: Progress, _ call: Call) throws {}
}
