/// What a plugin says about itself in its ELF note: all that is known without running it.
package struct Manifest: Codable, Sendable, Equatable {
  /// The plugin's id, `lethe.loreun` or `org.example.scrub`.
  package var id: String
  package var version: String
  package var license: String?
  /// One sentence.
  package var doc: String
  /// The generation of the C ABI it was built for.
  package var generation: Int
  /// The least minor of that generation that it needs.
  package var minimumMinor: Int
  /// Services it cannot do without, `lethe.ops/1`.
  package var requires: [String]
  /// `linux-x86_64`.
  package var platform: String
  /// What it is written in.
  package var language: String?
  /// The Swift it was built with, and whether it uses the shared runtime.
  package var swiftVersion: String?
  package var swiftLinkage: SwiftLinkage?
  /// How far two runs agree.
  package var determinism: Determinism
  package var strategies: [StrategyManifest]
  /// Keys that this host does not know, with their place: `strategies[0].colour`. They are ignored.
  package var unknownKeys: [String]
}

/// Where a Swift plugin's runtime comes from.
package enum SwiftLinkage: String, Codable, Sendable, CaseIterable {
  /// The host's: only the same version fits.
  case dynamic
  /// Its own.
  case `static`
}

/// How far two runs of the same plan agree.
package enum Determinism: String, Codable, Sendable, CaseIterable {
  case bitwise
  case runToRun = "run-to-run"
  case none
}

/// A role that this host knows.
package enum StrategyRole: String, Codable, Sendable, CaseIterable {
  case objective = "lethe.objective/1"
  case reweighter = "lethe.reweighter/1"
  case mask = "lethe.mask/1"
  case updater = "lethe.updater/1"
  case procedure = "lethe.procedure/1"
  case metric = "lethe.metric/1"

  /// The word in a recipe.
  package var word: String {
    switch self {
    case .objective: "objective"
    case .reweighter: "reweighter"
    case .mask: "mask"
    case .updater: "updater"
    case .procedure: "procedure"
    case .metric: "metric"
    }
  }
}

/// A method, or a part of one.
package struct StrategyManifest: Codable, Sendable, Equatable {
  /// What a recipe calls it.
  package var id: String
  /// As written; `knownRole` is what the host makes of it.
  package var role: String
  package var doc: String
  package var paper: String?
  /// The kinds of run it can be part of: `classification`, `diffusion`. A manifest that does not say it means the first;
  /// the resolver refuses a strategy in a run of another kind.
  package var tasks: [String]
  /// Objective, mask: sets it wants, `forget` and `retain`.
  package var streams: [String]
  /// Objective: schedules it accepts, the first is the default.
  package var schedules: [String]
  /// Further models it needs, `original`; a metric also `retrained`.
  package var models: [String]
  /// Reweighter: what its weights promise.
  package var weights: WeightPromise?
  /// Mask: what it answers with.
  package var answer: MaskAnswer?
  /// Reweighter: whether the order of samples means nothing to it.
  package var isOrderFree: Bool
  /// Objective, reweighter: whether what it asks of the device in a step depends on the shapes of what it is shown alone, so
  /// that a step can be recorded once and replayed.
  package var isCapturable: Bool
  /// Updater: sets it needs in one step. Metric: sets it is shown; none for all that a recipe evaluates.
  package var sets: [String]
  /// Metric: what it is shown of a batch.
  package var sees: [MetricSight]
  package var parameters: [ParameterManifest]

  /// The role, or nil where this host has none of that id: then the strategy cannot be used, its plugin can.
  package var knownRole: StrategyRole? { StrategyRole(rawValue: role) }
}

/// What a reweighter promises about its weights.
package enum WeightPromise: String, Codable, Sendable, CaseIterable {
  /// Finite, not negative, sum 1 within 1e-5.
  case normalised
  /// Finite, not negative.
  case free
  /// Finite.
  case signed
}

/// What a mask answers with.
package enum MaskAnswer: String, Codable, Sendable, CaseIterable {
  /// A score for every weight; the host selects.
  case scores
  /// 0 or 1 for every weight.
  case mask
}

/// A value of a parameter.
package enum ParameterValue: Codable, Sendable, Equatable {
  /// Not given, and without default.
  case none
  case bool(Bool)
  case int(Int64)
  case float(Double)
  case string(String)
}

/// The type of a parameter.
package enum ParameterType: String, Codable, Sendable, CaseIterable {
  case bool, int, float, string

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

/// How a parameter's range is best walked.
package enum ParameterScale: String, Codable, Sendable, CaseIterable {
  case linear
  case log
}

/// A parameter of a strategy.
package struct ParameterManifest: Codable, Sendable, Equatable {
  /// What a recipe calls it, `[a-z][a-z0-9_]*`.
  package var key: String
  package var type: ParameterType
  /// What it is when a recipe does not say.
  package var defaultValue: ParameterValue
  /// Bounds, both included; numbers only.
  package var minimum: Double?
  package var maximum: Double?
  package var unit: String?
  package var scale: ParameterScale
  /// The texts allowed; empty for any.
  package var choices: [String]
  package var isRequired: Bool
  /// Whether it may change between steps.
  package var isTunable: Bool
  package var doc: String
}
