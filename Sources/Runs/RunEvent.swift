/// Something that happened in a run: one JSON object on a line of `events.jsonl`.
package struct RunEvent: Sendable, Equatable, Codable {
  /// Seconds since the run began; a run that goes on counts on from its last event.
  package var seconds: Double
  /// What happened.
  package var what: What

  /// Makes an event of its two halves.
  package init(seconds: Double, _ what: What) {
    self.seconds = seconds
    self.what = what
  }

  /// What happened.
  package enum What: Sendable, Equatable {
    /// The run began, or goes on.
    case runStarted(RunStart)
    /// Samples are loaded and split.
    case splitReady(SplitSummary)
    /// A phase began.
    case phaseStarted(Phase)
    /// A phase ended after so many seconds; `cached` when an earlier run's result served.
    case phaseFinished(Phase, seconds: Double, cached: Bool)
    /// How far a phase is. For terminals; never written to a file.
    case progress(Progress)
    /// What one optimizer step computed.
    case stepLosses(StepLosses)
    /// A model was measured.
    case evaluated(MeasuredModel, [MetricValue])
    /// How the losses of a set's samples lie, under one model.
    case histogram(LossHistogram)
    /// Accuracy and loss of each class in a set, under one model.
    case classes(ClassNumbers)
    /// How the original model's loss over a set depends on the timestep.
    case referenceCurve(ReferenceCurve)
    /// Which weights may move from now on, layer by layer.
    case maskDensity(MaskDensity)
    /// A change that the plan does not say was accepted.
    case changed(ChangeRecord)
    /// Parts changed.
    case swapped(SwapRecord)
    /// The state was saved after so many steps, in a file of the run's folder.
    case checkpointed(step: Int, file: String)
    /// Something the user should know.
    case warning(String)
    /// A plugin said something.
    case log(plugin: String, level: String, message: String)
    /// A signal stopped the run after so many steps; the state is saved.
    case interrupted(signal: Int32, step: Int)
    /// A loss, weight or gradient was no finite number at this step, which changed nothing; the last good state is saved.
    case stoppedOnNaN(step: Int, reason: String)
    /// The run is done.
    case finished(RunEnd)
  }
}

/// The phases of a run, in order.
package enum Phase: String, Sendable, Codable, CaseIterable {
  /// Loading and splitting samples.
  case data
  /// Training or loading the original model.
  case base
  /// Training or loading the retrained model.
  case retrain
  /// Drawing images from the original model in place of a retain set.
  case replay
  /// Scoring weights and choosing which may move.
  case mask
  /// The pipeline's steps.
  case unlearn
  /// Training or loading the classifier that looks at generated images.
  case judge
  /// Measuring.
  case evaluate
}

/// What a run began with.
package struct RunStart: Sendable, Equatable, Codable {
  /// SHA-256 of the plan's canonical JSON.
  package var planHash: String
  /// The plan's name.
  package var name: String
  /// The plan's variant.
  package var variant: String?
  /// The plan's seed.
  package var seed: UInt64
  /// What made the original and the retrained model, as SHA-256 by model; the same for runs that share them.
  package var origins: [String: String]?
  /// Steps already done when a run goes on; nil at its beginning.
  package var resumedAt: Int?
  /// Versions by name: lethe, libtorch, swift; and what the machine is: device, threads, cpu.
  package var versions: [String: String]
  /// The plugins in use.
  package var plugins: [PluginUse]
  /// SHA-256 of the files of weights that the plan names, by their paths; nil for none.
  package var inputs: [String: String]?
  /// The file of weights from elsewhere that is measured; nil where the run makes its models itself.
  package var weights: String?

  enum CodingKeys: String, CodingKey {
    case planHash = "plan_hash"
    case name, variant, seed, origins
    case resumedAt = "resumed_at"
    case versions, plugins, inputs, weights
  }

  /// Makes a beginning of all its values.
  package init(
    planHash: String, name: String, variant: String?, seed: UInt64, origins: [String: String]? = nil,
    resumedAt: Int? = nil, versions: [String: String], plugins: [PluginUse], inputs: [String: String]? = nil
  ) {
    self.planHash = planHash
    self.name = name
    self.variant = variant
    self.seed = seed
    self.origins = origins
    self.resumedAt = resumedAt
    self.versions = versions
    self.plugins = plugins
    self.inputs = inputs
  }
}

/// Exactly which bytes were used for a role.
package struct PluginUse: Sendable, Equatable, Codable {
  /// The role.
  package var role: PartRole
  /// The strategy's id, or the symbol of a plain C function.
  package var id: String
  /// The plugin's version; empty for a plain C function.
  package var version: String
  /// SHA-256 of the file; of a plain C function's library, where the record has it.
  package var sha256: String

  /// Makes a record of all its values.
  package init(role: PartRole, id: String, version: String, sha256: String) {
    self.role = role
    self.id = id
    self.version = version
    self.sha256 = sha256
  }
}

/// How samples were split.
package struct SplitSummary: Sendable, Equatable, Codable {
  /// Samples in each set, by its name.
  package var samples: [String: Int]
  /// Number of classes.
  package var classes: Int
  /// SHA-256 of the whole split.
  package var hash: String

  /// Makes a summary of all its values.
  package init(samples: [String: Int], classes: Int, hash: String) {
    self.samples = samples
    self.classes = classes
    self.hash = hash
  }
}

/// How far a phase is.
package struct Progress: Sendable, Equatable, Codable {
  /// The phase.
  package var phase: Phase
  /// How much is done.
  package var done: Int
  /// How much there is.
  package var total: Int
  /// Units a second of late; 0 when not known yet.
  package var rate: Double
  /// What is counted: `images`, `steps`, `kernel rows`.
  package var unit: String
  /// The latest loss, when there is one.
  package var loss: Double?

  /// Makes a report of all its values.
  package init(phase: Phase, done: Int, total: Int, rate: Double, unit: String, loss: Double? = nil) {
    self.phase = phase
    self.done = done
    self.total = total
    self.rate = rate
    self.unit = unit
    self.loss = loss
  }
}

/// What one optimizer step computed.
package struct StepLosses: Sendable, Equatable, Codable {
  /// Steps done, this one included.
  package var step: Int
  /// Epochs done before this step.
  package var epoch: Int
  /// The terms of the objective.
  package var terms: [TermLoss]
  /// The learning rate of the step.
  package var learningRate: Double

  enum CodingKeys: String, CodingKey {
    case step, epoch, terms
    case learningRate = "learning_rate"
  }

  /// Makes a record of all its values.
  package init(step: Int, epoch: Int, terms: [TermLoss], learningRate: Double) {
    self.step = step
    self.epoch = epoch
    self.terms = terms
    self.learningRate = learningRate
  }
}

/// One term of the objective in one step.
package struct TermLoss: Sendable, Equatable, Codable {
  /// The term's name.
  package var name: String
  /// Plain mean over its samples, weights aside.
  package var mean: Double
  /// How many samples it had.
  package var samples: Int
  /// The smallest and the largest weight times the number of samples: 1 and 1 when all count the same.
  package var weights: [Double]?
  /// How many samples have which weight, in bins equally wide from the smallest to the largest; see ``weightBins``.
  package var weightCounts: [Int]?

  enum CodingKeys: String, CodingKey {
    case name, mean, samples, weights
    case weightCounts = "weight_counts"
  }

  /// Makes a record of all its values.
  package init(name: String, mean: Double, samples: Int, weights: [Double]? = nil, weightCounts: [Int]? = nil) {
    self.name = name
    self.mean = mean
    self.samples = samples
    self.weights = weights
    self.weightCounts = weightCounts
  }
}

/// What a swap replaced.
package struct SwapRecord: Sendable, Equatable, Codable {
  /// Steps done when it happened.
  package var step: Int
  /// Epochs done when it happened.
  package var epoch: Int
  /// The roles that changed, with what they are now (`none` for removed): `reweighter: loreun`.
  package var roles: [String: String]
  /// The plugins that came in.
  package var plugins: [PluginUse]

  /// Makes a record of all its values.
  package init(step: Int, epoch: Int, roles: [String: String], plugins: [PluginUse]) {
    self.step = step
    self.epoch = epoch
    self.roles = roles
    self.plugins = plugins
  }
}

/// A change that somebody asked for during the run, or that a metric brought about.
package struct ChangeRecord: Sendable, Equatable, Codable {
  /// Steps done when it was accepted.
  package var step: Int
  /// How the user wrote it; the metric and its value for a swap of the recipe.
  package var words: String
  /// Which of the plan's swaps it is, from 0, where a metric crossed its value; nil for what somebody asked for.
  package var crossing: Int?
  /// What changes, and when.
  package var swap: SwapPlan

  /// Makes a record of all its values.
  package init(step: Int, words: String, crossing: Int? = nil, swap: SwapPlan) {
    self.step = step
    self.words = words
    self.crossing = crossing
    self.swap = swap
  }
}

/// What a run ended with.
package struct RunEnd: Sendable, Equatable, Codable {
  /// Optimizer steps taken.
  package var steps: Int
  /// Seconds of the unlearning alone: mask and steps, without measuring.
  package var unlearnSeconds: Double
  /// Files in the run's folder by what they are, `weights: unlearned.safetensors`.
  package var files: [String: String]
  /// SHA-256 of them, by what they are; those that are folders have none. Nil in records that were written without.
  package var hashes: [String: String]?

  enum CodingKeys: String, CodingKey {
    case steps
    case unlearnSeconds = "unlearn_seconds"
    case files, hashes
  }

  /// Makes an end of all its values.
  package init(steps: Int, unlearnSeconds: Double, files: [String: String], hashes: [String: String]? = nil) {
    self.hashes = hashes
    self.steps = steps
    self.unlearnSeconds = unlearnSeconds
    self.files = files
  }
}
