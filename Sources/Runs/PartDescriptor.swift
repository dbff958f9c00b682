/// What a strategy is for.
package enum PartRole: String, Sendable, Codable, CaseIterable {
  /// Which losses a step has.
  case objective
  /// How much each sample counts.
  case reweighter
  /// Which weights may move.
  case mask
  /// How gradients become one direction.
  case updater
  /// A method that is no loop of steps.
  case procedure
  /// A number in a report.
  case metric
  /// What each loss is mapped to: a plain C function, never a strategy.
  case transform

  /// The word with its article.
  package var withArticle: String { self == .objective || self == .updater ? "an \(rawValue)" : "a \(rawValue)" }
}

/// The type of a plugin's parameter.
package enum ParameterType: String, Sendable, Codable, CaseIterable {
  /// True or false.
  case bool
  /// A whole number.
  case int
  /// A binary64 number.
  case float
  /// Text.
  case string

  /// The word in a sentence.
  package var words: String {
    switch self {
    case .bool: "true or false"
    case .int: "a whole number"
    case .float: "a number"
    case .string: "text"
    }
  }
}

/// A parameter as the plugin's manifest describes it.
package struct ParameterDescriptor: Sendable, Equatable, Codable {
  /// The key in a recipe.
  package var key: String
  /// The type of its value.
  package var type: ParameterType
  /// The value when none is written; nil for none.
  package var defaultValue: ParameterValue?
  /// The smallest number allowed; nil for any.
  package var min: Double?
  /// The largest number allowed; nil for any.
  package var max: Double?
  /// The texts allowed; empty for any.
  package var choices: [String]
  /// Whether a recipe must give it.
  package var isRequired: Bool
  /// Whether it may change between steps.
  package var isTunable: Bool
  /// The unit, when there is one.
  package var unit: String?
  /// One sentence on what it does.
  package var doc: String

  enum CodingKeys: String, CodingKey {
    case key, type
    case defaultValue = "default"
    case min, max, choices
    case isRequired = "required"
    case isTunable = "tunable"
    case unit, doc
  }

  /// Makes a description; only key and type have no default.
  package init(
    key: String, type: ParameterType, defaultValue: ParameterValue? = nil, min: Double? = nil, max: Double? = nil,
    choices: [String] = [], isRequired: Bool = false, isTunable: Bool = false, unit: String? = nil, doc: String = ""
  ) {
    self.key = key
    self.type = type
    self.defaultValue = defaultValue
    self.min = min
    self.max = max
    self.choices = choices
    self.isRequired = isRequired
    self.isTunable = isTunable
    self.unit = unit
    self.doc = doc
  }
}

/// What a reweighter promises about its weights.
package enum WeightKind: String, Sendable, Codable, CaseIterable {
  /// Not negative, sum 1.
  case normalised
  /// Not negative, any sum.
  case free
  /// Any finite values.
  case signed
}

/// A strategy as the manifest of its plugin describes it: all that can be known without running it.
package struct PartDescriptor: Sendable, Equatable, Codable {
  /// The strategy's id, as a recipe names it.
  package var id: String
  /// The id of the plugin that has it.
  package var pluginID: String
  /// That plugin's version.
  package var version: String
  /// That plugin's file, absolute.
  package var file: String
  /// SHA-256 of that file, 64 hexadecimal digits; empty in a list that was asked for without hashes.
  package var sha256: String
  /// What it is for.
  package var role: PartRole
  /// The tasks it knows: `classification`, `diffusion`.
  package var tasks: [String]
  /// The sets of samples it reads: `forget`, `retain`, `all`.
  package var streams: [String]
  /// Objective: the schedules it accepts, its default first.
  package var schedules: [DataSchedule]
  /// Its parameters in manifest order.
  package var parameters: [ParameterDescriptor]
  /// Reweighter: what it promises about its weights.
  package var output: WeightKind?
  /// Updater: the sets it needs in one step (`forget`, `retain`). Metric: the sets it is shown; empty for all.
  package var sets: [String]
  /// Further models it needs: `original`, `retrained`.
  package var models: [String]
  /// Objective, reweighter: whether its steps can be recorded and replayed.
  package var isCapturable: Bool
  /// One sentence on what it does.
  package var doc: String

  enum CodingKeys: String, CodingKey {
    case id
    case pluginID = "plugin"
    case version, file, sha256, role, tasks, streams, schedules, parameters, output, sets, models, doc
    case isCapturable = "capturable"
  }

  /// Makes a description; what does not apply to the role is left out.
  package init(
    id: String, pluginID: String, version: String, file: String, sha256: String, role: PartRole,
    tasks: [String] = ["classification"], streams: [String] = [], schedules: [DataSchedule] = [],
    parameters: [ParameterDescriptor] = [], output: WeightKind? = nil, sets: [String] = [],
    models: [String] = [], isCapturable: Bool = false, doc: String = ""
  ) {
    self.id = id
    self.pluginID = pluginID
    self.isCapturable = isCapturable
    self.version = version
    self.file = file
    self.sha256 = sha256
    self.role = role
    self.tasks = tasks
    self.streams = streams
    self.schedules = schedules
    self.parameters = parameters
    self.output = output
    self.sets = sets
    self.models = models
    self.doc = doc
  }
}

/// A file in a plugin folder that is no usable plugin.
package struct PartRefusal: Sendable, Equatable, Codable {
  /// The file.
  package var file: String
  /// Why it was refused.
  package var reason: String

  /// Makes a refusal of its two halves.
  package init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }
}

/// The strategies there are, and where they were looked for.
package struct PartCatalog: Sendable, Equatable, Codable {
  /// All strategies, in the order found.
  package var parts: [PartDescriptor]
  /// The folders searched, in order.
  package var folders: [String]
  /// Files that were refused.
  package var refusals: [PartRefusal]

  /// Makes a catalogue of what was found.
  package init(parts: [PartDescriptor], folders: [String] = [], refusals: [PartRefusal] = []) {
    self.parts = parts
    self.folders = folders
    self.refusals = refusals
  }

  /// The strategy of that id.
  package subscript(id: String) -> PartDescriptor? { parts.first { $0.id == id } }
}
