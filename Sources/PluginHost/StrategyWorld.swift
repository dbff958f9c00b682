package import Tensors

/// What strategies can reach of a run: the engine's side of the services. All calls come on the run's one thread, from
/// inside a callback of a plugin. An error that is thrown here reaches the plugin as a status with the error's text.
package protocol StrategyWorld: AnyObject {
  /// Where the run computes.
  var device: Device { get }
  /// Seed of every stream of random numbers.
  var seed: UInt64 { get }
  /// What the model is for.
  var task: TaskFacts { get }
  /// The noise of a run on a diffusion model; nil in a run on a classifier.
  var diffusion: DiffusionFacts? { get }

  /// The model of that name: "model" is the one being unlearned, "original" the frozen one from before.
  func model(named name: String) -> ModelHandle?
  /// Outputs for `inputs`, in the thread's present gradient mode: float `[n, C, H, W]` in [0, 1] gives logits
  /// `[n, classes]`. `evaluation` takes running statistics, else those of the batch are taken and updated.
  func forward(_ model: ModelHandle, inputs: Tensor, evaluation: Bool) throws -> Tensor
  /// Trainable parameters in a stable order, leaves of the graph.
  func parameters(of model: ModelHandle) throws -> NamedTensors
  /// Running statistics and counters in a stable order.
  func buffers(of model: ModelHandle) throws -> NamedTensors
  /// Gives a parameter another size along its first dimension. Only where the engine allows it: at the beginning and the
  /// end of a run.
  func resize(_ parameter: String, of model: ModelHandle, to value: Tensor) throws
  /// The task's loss of each sample, `[n]`, never reduced.
  func losses(outputs: Tensor, labels: Tensor) throws -> Tensor
  /// Mean of that loss of the original model over one set, with running statistics and without augmentation.
  func referenceLoss(over set: SampleSet) throws -> Double
  /// Passes a batch through a model as training does and gives the task's loss of each sample, `[n]`, never reduced:
  /// cross-entropy with the true labels, or |ε − ε_θ(x_t, t)|² at timesteps and noise drawn for the set, the step and the
  /// micro-batch. `progress` is where the step under way stands; nil in `prepare` and `run`.
  func batchLosses(
    _ model: ModelHandle, of batch: Batch, progress: Progress?
  ) throws -> (losses: Tensor, timesteps: Tensor?)
  /// The noise that a denoiser predicts, float32 `[n, C, H, W]`, in the thread's present gradient mode. Called only where
  /// `diffusion` is not nil, with shapes, types and devices that fit.
  func denoise(_ model: ModelHandle, _ input: DenoiseInput) throws -> Tensor
  /// |prediction − target|² of each sample, `[n]`: summed over the elements, or their mean where the recipe says so. Called
  /// only where `diffusion` is not nil, with tensors of one shape.
  func diffusionLosses(prediction: Tensor, target: Tensor) throws -> Tensor
  /// The reference loss at each of these timesteps, with fixed noise, over at most 256 samples of the set. Called only
  /// where `diffusion` is not nil, with timesteps in range.
  func referenceCurve(over set: SampleSet, at timesteps: [Int]) throws -> [Double]

  /// Batch `number` of a walk over a set in dataset order; the number and the set are within their ranges.
  func batch(_ number: Int, of pass: DataPass) throws -> Batch
  /// Shows how far a procedure is, in parts of its own.
  func progress(done: Int, total: Int)

  /// Tensors that a part stored, on the run's device; nil where there are none.
  func artifact(_ name: ArtifactName) throws -> [Tensor]?
  /// Stores tensors of a part for when the run is resumed.
  func store(_ tensors: [Tensor], as name: ArtifactName) throws

  /// Takes a line for the run's record.
  func log(_ line: PluginLog)
  /// Takes a number or text about the present step.
  func report(_ report: PluginReport)
}

/// A model of the engine, by a number that means something to the engine alone; from 0, below a million.
package struct ModelHandle: Hashable, Sendable {
  package let number: Int

  package init(_ number: Int) { self.number = number }
}

/// What a part stored something under.
package struct ArtifactName: Hashable, Sendable, CustomStringConvertible {
  /// Instance, strategy and the values it was made with: one text for each part of a run.
  package let part: String
  /// The part's own word for it.
  package let key: String

  package var description: String { "\(part) \(key)" }
}

/// A walk over one set.
package struct DataPass: Sendable, Equatable {
  /// One of the two.
  package var set: SampleSet
  /// Samples a batch, above 0.
  package var batch: Int
  /// Whether images are cropped and flipped as in training.
  package var isAugmented: Bool

  package init(set: SampleSet, batch: Int, isAugmented: Bool = false) {
    self.set = set
    self.batch = batch
    self.isAugmented = isAugmented
  }
}

/// What a run's model is for.
package struct TaskFacts: Sendable, Equatable {
  /// "classification" or "diffusion".
  package var kind: String
  package var classes: Int
  /// Samples in each set.
  package var forget: Int
  package var retain: Int

  package init(kind: String = "classification", classes: Int, forget: Int, retain: Int) {
    self.kind = kind
    self.classes = classes
    self.forget = forget
    self.retain = retain
  }
}

/// Which set samples belong to.
package struct SampleSet: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let forget = SampleSet(rawValue: 1)
  package static let retain = SampleSet(rawValue: 2)
  package static let both: SampleSet = [.forget, .retain]

  /// The sets by name.
  package var names: [String] { (contains(.forget) ? ["forget"] : []) + (contains(.retain) ? ["retain"] : []) }
}

/// Tensors with names, in a stable order. A nil tensor is one of zeros.
package struct NamedTensors {
  package var names: [String]
  package var tensors: [Tensor?]

  /// As many names as tensors.
  package init(names: [String], tensors: [Tensor?]) {
    precondition(names.count == tensors.count, "every tensor needs a name")
    self.names = names
    self.tensors = tensors
  }
}

/// Where a run stands. All counts from 0.
package struct Progress: Sendable, Equatable {
  /// Optimizer steps of the whole run.
  package var step: Int
  package var steps: Int
  /// Passes of the schedule.
  package var epoch: Int
  package var epochs: Int
  package var stepInEpoch: Int
  package var stepsInEpoch: Int

  package init(step: Int, steps: Int, epoch: Int, epochs: Int, stepInEpoch: Int, stepsInEpoch: Int) {
    self.step = step
    self.steps = steps
    self.epoch = epoch
    self.epochs = epochs
    self.stepInEpoch = stepInEpoch
    self.stepsInEpoch = stepsInEpoch
  }
}

/// Samples that go through the model together, those of the forget set first.
package struct Batch {
  package var forgetCount: Int
  package var retainCount: Int
  /// Float `[n, C, H, W]` in [0, 1], or for diffusion in [-1, 1].
  package var inputs: Tensor
  /// `int64 [n]`.
  package var labels: Tensor
  /// `int64 [n]`, positions in the training data.
  package var indices: Tensor

  package init(forgetCount: Int, retainCount: Int, inputs: Tensor, labels: Tensor, indices: Tensor) {
    self.forgetCount = forgetCount
    self.retainCount = retainCount
    self.inputs = inputs
    self.labels = labels
    self.indices = indices
  }
}

/// One term of a step's loss.
package struct Term {
  /// Unique in the step.
  package var name: String
  /// One set, or none for a penalty.
  package var set: SampleSet
  package var coefficient: Double
  /// Float `[n]`, part of the graph; nil for a penalty.
  package var losses: Tensor?
  /// `[n]`: the task's loss with the true labels, where `losses` is something else.
  package var cleanLosses: Tensor?
  /// `[n]`, not negative; multiplies the weights.
  package var importance: Tensor?
  /// `int64 [n]`.
  package var timesteps: Tensor?
  /// `int64 [n]`.
  package var indices: Tensor?
  /// A penalty's scalar, part of the graph.
  package var penalty: Tensor?
  /// Whether the samples' own loss is known: `cleanLosses`, or `losses` where that is nil.
  package var knowsCleanLosses = true

  package init(
    name: String, set: SampleSet, coefficient: Double = 1, losses: Tensor?, cleanLosses: Tensor? = nil,
    importance: Tensor? = nil, timesteps: Tensor? = nil, indices: Tensor? = nil, penalty: Tensor? = nil
  ) {
    self.name = name
    self.set = set
    self.coefficient = coefficient
    self.losses = losses
    self.cleanLosses = cleanLosses
    self.importance = importance
    self.timesteps = timesteps
    self.indices = indices
    self.penalty = penalty
  }
}

/// A line of text from a plugin, or about one.
package struct PluginLog: Sendable, Equatable {
  package enum Level: String, Sendable {
    case debug, info, warning
    /// The host says that the plugin used what it must not use.
    case misbehaving = "plugin-misbehaving"
  }

  package var level: Level
  package var plugin: String
  /// `objective.terms`; nil for a line from outside a callback.
  package var call: String?
  package var step: Int?
  package var text: String
}

/// A value that a plugin reports about a step.
package struct PluginReport {
  package enum Value {
    case number(Double)
    case text(String)
    /// One element, detached, to be read when the next event is due.
    case tensor(Tensor)
  }

  package var strategy: String
  package var key: String
  package var step: Int?
  package var value: Value
}
