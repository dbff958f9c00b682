/// Which way of a metric is good.
package enum MetricDirection: String, Sendable, Codable, CaseIterable {
  /// More is better.
  case higher
  /// Less is better.
  case lower
  /// As near to the retrained model as can be.
  case retrained
  /// None: it says what was done, not how well.
  case neutral
}

/// A number with all that is needed to know what it is.
package struct MetricValue: Sendable, Equatable, Codable {
  /// The protocol that gave it, `ua@100-acc` or `mia-svc@confidence,rbf,C=3,gamma=1`. The same id: comparable numbers.
  package var id: String
  /// What a table's heading calls it.
  package var name: String
  /// The number.
  package var value: Double
  /// Its unit: `%`, `s`, or empty.
  package var unit: String
  /// Which way is good.
  package var direction: MetricDirection
  /// The set it was measured on, when it is one.
  package var set: SampleSet?
  /// How many samples it was measured on.
  package var samples: Int?
  /// The seed it used, when it used one.
  package var seed: UInt64?
  /// SHA-256 of the positions of the samples it was measured on.
  package var setHash: String?
  /// The ends of the 95 % interval; nil where none is known.
  package var interval: [Double]?
  /// True where measuring was given up at this value: the true one is at least as large. Else nil.
  package var isCapped: Bool?
  /// True where tables leave it to the details further down. Else nil.
  package var isDetail: Bool?
  /// Id and version of the plugin that measured it, or the library of the function; nil for a metric of the host.
  package var plugin: String?

  enum CodingKeys: String, CodingKey {
    case id, name, value, unit, direction, set, samples, seed
    case setHash = "set_hash"
    case interval
    case isCapped = "capped"
    case isDetail = "detail"
    case plugin
  }

  /// Makes a number; what it did not use is left out.
  package init(
    id: String, name: String, value: Double, unit: String = "", direction: MetricDirection, set: SampleSet? = nil,
    samples: Int? = nil, seed: UInt64? = nil, setHash: String? = nil, isCapped: Bool = false, isDetail: Bool = false
  ) {
    self.id = id
    self.name = name
    self.value = value
    self.unit = unit
    self.direction = direction
    self.set = set
    self.samples = samples
    self.seed = seed
    self.setHash = setHash
    self.isCapped = isCapped ? true : nil
    self.isDetail = isDetail ? true : nil
  }

  /// How far it is from the retrained model's number; nil where that is no question, or where that number is only known
  /// to be at least so large.
  package func gap(to retrained: MetricValue?) -> Double? {
    guard direction == .retrained, let retrained, retrained.isCapped != true else { return nil }
    return (value - retrained.value).magnitude
  }
}

/// A model that was measured.
package enum MeasuredModel: Sendable, Hashable, Codable {
  /// The model before anything was forgotten.
  case original
  /// The model that never saw what is forgotten.
  case retrained
  /// The result.
  case unlearned
  /// The model during the run, after so many steps.
  case step(Int)

  /// As it is written.
  package var text: String {
    switch self {
    case .original: "original"
    case .retrained: "retrained"
    case .unlearned: "unlearned"
    case .step(let number): "step \(number)"
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    switch text {
    case "original": self = .original
    case "retrained": self = .retrained
    case "unlearned": self = .unlearned
    default:
      guard case .step(let number) = Moment(text: text) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "no model '\(text)'")
      }
      self = .step(number)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
