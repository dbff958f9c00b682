/// Accuracy and loss of each class in one set, under one model.
package struct ClassNumbers: Sendable, Equatable, Codable {
  /// One class.
  package struct Row: Sendable, Equatable, Codable {
    /// The class's name.
    package var name: String
    /// How many samples of it the set has.
    package var samples: Int
    /// Top-1 accuracy in percent; nil without samples.
    package var accuracy: Double?
    /// Mean cross-entropy in nats; nil without samples.
    package var loss: Double?

    /// Makes a row of all its values.
    package init(name: String, samples: Int, accuracy: Double?, loss: Double?) {
      self.name = name
      self.samples = samples
      self.accuracy = accuracy
      self.loss = loss
    }
  }

  /// The protocol of the accuracies.
  package static let accuracyID = "class-accuracy@acc"
  /// The protocol of the losses.
  package static let lossID = "class-loss@mean-cross-entropy"

  /// The model.
  package var model: MeasuredModel
  /// The set.
  package var set: SampleSet
  /// Which procedures gave the numbers, by what they are: `accuracy`, `loss`.
  package var protocols: [String: String]
  /// The run's seed.
  package var seed: UInt64?
  /// SHA-256 of the positions of the set's samples.
  package var setHash: String?
  /// The classes, in the order of their numbers from 0.
  package var classes: [Row]

  enum CodingKeys: String, CodingKey {
    case model, set, protocols, seed
    case setHash = "set_hash"
    case classes
  }

  /// Makes numbers of all their values.
  package init(model: MeasuredModel, set: SampleSet, classes: [Row], seed: UInt64? = nil, setHash: String? = nil) {
    self.model = model
    self.set = set
    protocols = ["accuracy": ClassNumbers.accuracyID, "loss": ClassNumbers.lossID]
    self.seed = seed
    self.setHash = setHash
    self.classes = classes
  }
}
