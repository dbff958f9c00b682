// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Sets of samples.
public struct SampleSet: OptionSet, Sendable {
  /// `LETHE_SET_*`.
  public let rawValue: UInt32
  /// Takes a bit set.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  /// The samples to be forgotten.
  public static let forget = SampleSet(rawValue: LETHE_SET_FORGET)
  /// The samples to be kept.
  public static let retain = SampleSet(rawValue: LETHE_SET_RETAIN)
}

/// Where the run stands; all counts from 0.
public struct Progress: Sendable {
  /// Optimizer steps before this one, and of the whole run.
  public let step, steps: Int
  /// Passes of the schedule before this one, and of the whole run.
  public let epoch, epochs: Int
  /// Steps of this epoch before this one, and of the epoch.
  public let stepInEpoch, stepsInEpoch: Int

  init(_ source: UnsafePointer<lethe_progress>?) {
    let progress = snapshot(source, lethe_progress())
    step = Int(progress.step)
    steps = Int(progress.steps)
    epoch = Int(progress.epoch)
    epochs = Int(progress.epochs)
    stepInEpoch = Int(progress.step_in_epoch)
    stepsInEpoch = Int(progress.steps_in_epoch)
  }
}

/// Samples that go through the model together: first those of the forget set, then those of the retain set.
public struct Batch {
  /// How many samples of the forget set there are.
  public let forgetCount: Int
  /// How many samples of the retain set follow them.
  public let retainCount: Int
  /// Float [n, C, H, W] in [0, 1], for diffusion in [-1, 1]; n = forgetCount + retainCount.
  public let inputs: Tensor
  /// int64 [n], the true labels.
  public let labels: Tensor
  /// int64 [n], positions in the training data.
  public let indices: Tensor

  init(_ source: UnsafeRawPointer, _ call: Call) throws {
    let batch = snapshot(source, lethe_batch())
    forgetCount = Int(batch.forget_count)
    retainCount = Int(batch.retain_count)
    inputs = try call.tensor(batch.inputs)
    labels = try call.tensor(batch.labels)
    indices = try call.tensor(batch.indices)
  }

  /// How many samples of a set there are.
  public func count(of set: SampleSet) -> Int { set == .forget ? forgetCount : retainCount }

  /// The rows of one set in a tensor of n rows; the tensor itself where all rows are of that set.
  public func rows(of set: SampleSet, in tensor: Tensor) throws -> Tensor {
    if count(of: set) == forgetCount + retainCount { return tensor }
    return try tensor.narrowed(to: set == .forget ? 0 : forgetCount, count: count(of: set))
  }
}

/// One step of the run as an objective sees it.
public struct Step {
  /// Where the run stands.
  public let progress: Progress
  /// The sets whose terms are wanted; terms of other sets are ignored.
  public let sets: SampleSet
  /// The model being unlearned.
  public let model: Model
  /// What goes through it, one forward pass each.
  public let batches: [Batch]
  /// Counts the calls within a step when gradients are accumulated over several, from 0.
  public let microBatch: Int
  /// How the batches were drawn, a word of the manifest's "schedules"; nil where the host does not say.
  public let schedule: String?

  init(_ source: UnsafePointer<lethe_objective_in>?, microBatch: (Progress) -> Int, _ call: Call) throws {
    let input = snapshot(source, lethe_objective_in())
    progress = Progress(input.progress)
    sets = SampleSet(rawValue: input.sets)
    model = Model(handle: try offered(input.model, "the model"), call: call)
    // A host that says which one it is may show a step's batches more than once.
    let says = source.map { $0.pointee.size > UInt32(MemoryLayout<lethe_objective_in>.offset(of: \.micro_batch) ?? 0) }
    self.microBatch = says ?? false ? Int(input.micro_batch) : microBatch(progress)
    schedule = input.schedule.map { String(cString: $0) }
    let first = UnsafeRawPointer(try offered(input.batches, "batches"))
    batches = try (0..<Int(input.batch_count)).map { index in
      try Batch(first + index * Int(input.batch_stride), call)
    }
  }

  /// Whether a batch has samples of a set whose terms are wanted.
  public func wants(_ set: SampleSet, in batch: Batch) -> Bool { sets.contains(set) && batch.count(of: set) > 0 }
}

/// One term of the loss: `coefficient * sum_i weight_i * importance_i * losses_i`. The weights are the reweighter's, 1/n
/// without one; an objective never reduces over samples.
public struct Term {
  /// [a-z][a-z0-9_-]*, unique in the step.
  public var name: String
  /// Which set its samples are of; empty for a penalty.
  public var set: SampleSet
  /// Finite. Under the schedule `joint` the host multiplies it by the set's share of the batch.
  public var coefficient: Double
  /// float [n], part of the graph.
  public var losses: Tensor?
  /// [n]: the task's loss with the true labels, where `losses` is something else.
  public var cleanLosses: Tensor?
  /// [n], >= 0: multiplies the weights.
  public var importance: Tensor?
  /// int64 [n], for diffusion.
  public var timesteps: Tensor?
  /// int64 [n], positions in the training data.
  public var indices: Tensor?
  /// A scalar that is part of the graph, for a term without samples.
  public var penalty: Tensor?
  /// Whether the samples' own loss is known: `cleanLosses`, or `losses` where that is nil.
  public var knowsCleanLosses = true

  /// A term over samples.
  public init(
    _ name: String, over set: SampleSet, coefficient: Double = 1, losses: Tensor, cleanLosses: Tensor? = nil,
    importance: Tensor? = nil, timesteps: Tensor? = nil, indices: Tensor? = nil
  ) {
    self.name = name
    self.set = set
    self.coefficient = coefficient
    self.losses = losses
    self.cleanLosses = cleanLosses
    self.importance = importance
    self.timesteps = timesteps
    self.indices = indices
  }

  /// A term without samples: `coefficient * penalty`.
  public init(_ name: String, coefficient: Double, penalty: Tensor) {
    self.name = name
    self.set = []
    self.coefficient = coefficient
    self.penalty = penalty
  }

  func add(to sink: UnsafePointer<lethe_term_sink>?, _ call: Call) throws {
    let add = try offered(snapshot(sink, lethe_term_sink()).add, "a sink for terms")
    try name.withCString { name in
      var term = lethe_term()
      term.size = UInt32(MemoryLayout<lethe_term>.size)
      term.set = set.rawValue
      term.name = name
      term.coefficient = coefficient
      term.losses = losses?.handle
      term.clean_losses = cleanLosses?.handle
      term.importance = importance?.handle
      term.timesteps = timesteps?.handle
      term.indices = indices?.handle
      term.penalty = penalty?.handle
      term.flags = knowsCleanLosses ? 0 : LETHE_TERM_NO_CLEAN_LOSS
      try ask { add(call.context, &term, $0) }
    }
  }
}

/// One term as a reweighter sees it: numbers without a graph.
public struct SeenTerm {
  /// Which set its samples are of.
  public let set: SampleSet
  /// Where the run stands.
  public let progress: Progress
  /// The term's name.
  public let name: String
  /// n.
  public let count: Int
  /// float32 or float64 [n].
  public let losses: Tensor
  /// [n]: the loss with the true labels; `losses` itself where the term has no other.
  public let cleanLosses: Tensor
  /// Whether `cleanLosses` means anything: false where the objective says that nobody knows the samples' own loss.
  public let knowsCleanLosses: Bool
  /// [n], >= 0, or nil for 1.
  public let importance: Tensor?
  /// int64 [n], for diffusion.
  public let timesteps: Tensor?
  /// int64 [n], positions in the training data.
  public let indices: Tensor?

  init(_ source: UnsafePointer<lethe_reweigh_in>?, _ call: Call) throws {
    let input = snapshot(source, lethe_reweigh_in())
    set = SampleSet(rawValue: input.set)
    progress = Progress(input.progress)
    name = input.term.map { String(cString: $0) } ?? ""
    count = Int(input.count)
    losses = try call.tensor(input.losses)
    cleanLosses = call.optional(input.clean_losses) ?? losses
    knowsCleanLosses = input.clean_losses != nil
    importance = call.optional(input.importance)
    timesteps = call.optional(input.timesteps)
    indices = call.optional(input.indices)
  }
}
