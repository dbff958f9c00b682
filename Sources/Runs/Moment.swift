/// A moment of a run: when so many epochs or steps are done, or when a metric crosses a value.
package enum Moment: Sendable, Equatable, Codable {
  /// When so many epochs are done, before the next begins. Written `epoch 3`.
  case epoch(Int)
  /// When so many optimizer steps are done, before the next begins. Written `step 120`.
  case step(Int)
  /// The first time that a metric of `evaluate.every` lies beyond a value. Written `va > 90`.
  case crossing(Crossing)

  /// As it is written.
  package var text: String {
    switch self {
    case .epoch(let number): "epoch \(number)"
    case .step(let number): "step \(number)"
    case .crossing(let crossing): crossing.text
    }
  }

  /// Reads `epoch N`, `step N`, `METRIC > VALUE` and `METRIC < VALUE`; nil for anything else.
  package init?(text: String) {
    let words = text.split(separator: " ")
    if words.count == 2, let number = Int(words[1]) {
      switch words[0] {
      case "epoch": self = .epoch(number)
      case "step": self = .step(number)
      default: return nil
      }
    } else if let crossing = Crossing(text: text) {
      self = .crossing(crossing)
    } else {
      return nil
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let moment = Moment(text: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no moment of a run")
    }
    self = moment
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// A metric beyond a value.
package struct Crossing: Sendable, Equatable {
  /// The id of a metric that `evaluate.every` measures, with or without its protocol: `va`, `va@acc`.
  package var metric: String
  /// Whether it must be above the value; else below.
  package var isAbove: Bool
  /// The value; finite.
  package var value: Double

  /// Reads `METRIC > VALUE` or `METRIC < VALUE`; nil for anything else.
  package init?(text: String) {
    let words = text.split(separator: " ")
    guard words.count == 3, [">", "<"].contains(words[1]), let value = Double(words[2]), value.isFinite else {
      return nil
    }
    metric = String(words[0])
    isAbove = words[1] == ">"
    self.value = value
  }

  /// As it is written.
  package var text: String { "\(metric) \(isAbove ? ">" : "<") \(Tree.float(value).flow)" }

  /// Whether a metric with that id is meant: `loss-validation` means `loss-validation@mean-cross-entropy`.
  package func means(_ id: String) -> Bool { id == metric || id.split(separator: "@").first.map(String.init) == metric }

  /// Whether a measured value lies beyond.
  package func holds(for measured: Double) -> Bool { isAbove ? measured > value : measured < value }
}
