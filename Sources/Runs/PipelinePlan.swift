/// A value of a plugin's parameter.
package enum ParameterValue: Sendable, Equatable, Codable {
  /// True or false.
  case bool(Bool)
  /// A whole number.
  case int(Int64)
  /// A binary64 number.
  case float(Double)
  /// Text.
  case string(String)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? container.decode(Double.self) {
      self = .float(value)
    } else {
      self = .string(try container.decode(String.self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .float(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    }
  }

  /// The value as a recipe would have it.
  package var tree: Tree {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let value): .string(value)
    }
  }
}

/// One named value.
package struct Parameter: Sendable, Equatable {
  /// The name.
  package var key: String
  /// The value.
  package var value: ParameterValue

  /// Makes a parameter of its two halves.
  package init(_ key: String, _ value: ParameterValue) {
    self.key = key
    self.value = value
  }
}

/// Named values in a fixed order, a map in text. For a plugin: one for each entry of its manifest, in that order.
package struct Parameters: Sendable, Equatable, Codable {
  /// The values in order.
  package var entries: [Parameter]

  /// Takes the values as they are.
  package init(_ entries: [Parameter] = []) { self.entries = entries }

  /// The value of `key`, when there is one.
  package subscript(key: String) -> ParameterValue? { entries.first { $0.key == key }?.value }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    entries = try container.allKeys.map {
      Parameter($0.stringValue, try container.decode(ParameterValue.self, forKey: $0))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    for entry in entries { try container.encode(entry.value, forKey: AnyKey(entry.key)) }
  }
}

/// A key that is only known when it is met.
struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ key: String) { stringValue = key }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

/// A strategy of a plugin with its parameters.
package struct PartPlan: Sendable, Equatable, Codable {
  /// The strategy's id, as a recipe names it.
  package var id: String
  /// The id of the plugin that has it.
  package var pluginID: String
  /// That plugin's version.
  package var version: String
  /// That plugin's file, absolute.
  package var file: String
  /// SHA-256 of that file, 64 hexadecimal digits.
  package var sha256: String
  /// Every parameter of the strategy, in the order of its manifest, except optional ones that have neither value nor default.
  package var parameters: Parameters

  enum CodingKeys: String, CodingKey {
    case id = "plugin"
    case pluginID = "package"
    case version, file, sha256, parameters
  }
}

/// How a plain C function's weights are brought to a sum.
package enum FunctionNormalisation: String, Sendable, Codable, CaseIterable {
  /// Divided by their sum over the batch.
  case batch
  /// Left as they are.
  case none
}

/// A plain C function as reweighter.
package struct FunctionPlan: Sendable, Equatable, Codable {
  /// The shared library, absolute.
  package var library: String
  /// The function's name.
  package var symbol: String
  /// Its C prototype without a name, `double(double loss, double eta)`.
  package var signature: String
  /// Values for arguments that the host does not give, in the order written.
  package var arguments: Parameters
  /// What is done to its weights.
  package var normalise: FunctionNormalisation
  /// What it has to give for some input; nil for no test.
  package var test: FunctionTestPlan?

  enum CodingKeys: String, CodingKey {
    case library, symbol, signature
    case arguments = "args"
    case normalise, test
  }

  /// Makes a function of its values.
  package init(
    library: String, symbol: String, signature: String, arguments: Parameters, normalise: FunctionNormalisation,
    test: FunctionTestPlan? = nil
  ) {
    self.library = library
    self.symbol = symbol
    self.signature = signature
    self.arguments = arguments
    self.normalise = normalise
    self.test = test
  }
}

/// What decides how much each sample counts.
package enum ReweighterPlan: Sendable, Equatable, Codable {
  /// A plugin.
  case part(PartPlan)
  /// A plain C function.
  case function(FunctionPlan)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    if container.contains(AnyKey("library")) {
      self = .function(try FunctionPlan(from: decoder))
    } else {
      self = .part(try PartPlan(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .part(let part): try part.encode(to: encoder)
    case .function(let function): try function.encode(to: encoder)
    }
  }
}

/// Which weights a mask lets move, given their scores.
package enum MaskSelection: Sendable, Equatable {
  /// The floor of this share of all weights, those with the highest scores (ties: lower index); above 0, at most 1.
  case keep(Double)
  /// Those with a score of at least this.
  case threshold(Double)
}

/// How weights that a mask leaves out are kept from moving.
package enum MaskFreeze: String, Sendable, Codable, CaseIterable {
  /// They keep the bits they had: they are put back in every step.
  case hard
  /// Only their gradients are masked: weight decay still moves them, as in SalUn's scripts before 2026 (decay on masked weights).
  case gradient
}

/// What decides which weights may move.
package struct MaskPlan: Sendable, Equatable, Codable {
  /// The plugin that scores weights.
  package var part: PartPlan
  /// What the host makes of the scores.
  package var selection: MaskSelection
  /// Samples a batch of the walk that the scores come from; nil for what the plugin's manifest says.
  package var batch: Int?
  /// How weights that it leaves out are kept from moving.
  package var freeze: MaskFreeze

  private enum CodingKeys: String, CodingKey {
    case keep, threshold, batch, freeze
  }

  /// Makes a mask of its four values.
  package init(part: PartPlan, selection: MaskSelection, batch: Int?, freeze: MaskFreeze = .hard) {
    self.part = part
    self.selection = selection
    self.batch = batch
    self.freeze = freeze
  }

  package init(from decoder: any Decoder) throws {
    part = try PartPlan(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    batch = try container.decodeIfPresent(Int.self, forKey: .batch)
    freeze = try container.decode(MaskFreeze.self, forKey: .freeze)
    if let threshold = try container.decodeIfPresent(Double.self, forKey: .threshold) {
      selection = .threshold(threshold)
    } else {
      selection = .keep(try container.decode(Double.self, forKey: .keep))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    try part.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch selection {
    case .keep(let share): try container.encode(share, forKey: .keep)
    case .threshold(let score): try container.encode(score, forKey: .threshold)
    }
    try container.encodeIfPresent(batch, forKey: .batch)
    try container.encode(freeze, forKey: .freeze)
  }
}

/// How forget and retain samples meet.
package enum DataSchedule: String, Sendable, Codable, CaseIterable {
  /// A pass over the forget samples, then one over the retain samples.
  case sequential
  /// A batch of each a step; the shorter set starts over.
  case paired
  /// The same, the second batch drawn from forget and retain samples alike.
  case pairs
  /// Shuffled together.
  case joint
  /// Forget samples alone.
  case forgetOnly = "forget-only"
  /// Retain samples alone.
  case retainOnly = "retain-only"
}

/// How the original model is made to forget.
package struct PipelinePlan: Sendable, Equatable, Codable {
  /// Which losses a step has.
  package var objective: PartPlan
  /// What each loss is mapped to before it is weighed; nil for itself.
  package var transform: TransformPlan?
  /// How much each sample counts; nil for all the same.
  package var reweighter: ReweighterPlan?
  /// Which weights may move; nil for all.
  package var mask: MaskPlan?
  /// How gradients of several terms become one direction; nil for their sum.
  package var updater: PartPlan?
  /// How forget and retain samples meet.
  package var schedule: DataSchedule
  /// Passes over what the schedule gives; with `steps` the most that are begun.
  package var epochs: Int
  /// Optimizer steps after which it is over; nil for those of `epochs`.
  package var steps: Int?
  /// Samples a step, of each set.
  package var batch: Int
  /// The rule of the steps.
  package var optimizer: OptimizerPlan
  /// Whether running means and variances of batch normalisation stay as they are.
  package var freezeBatchnorm: Bool

  enum CodingKeys: String, CodingKey {
    case objective, transform, reweighter, mask, updater, schedule, epochs, steps, batch, optimizer
    case freezeBatchnorm = "freeze_batchnorm"
  }
}

/// A method that takes no steps.
package struct ProcedurePlan: Sendable, Equatable, Codable {
  /// What changes the weights.
  package var part: PartPlan
  /// Which weights may change; nil for all.
  package var mask: MaskPlan?
  /// Samples a batch of the walk that the mask's scores come from.
  package var batch: Int

  enum CodingKeys: String, CodingKey {
    case part = "procedure"
    case mask, batch
  }
}
