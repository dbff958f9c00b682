extension StrategyManifest {
  private static let knownSets = ["forget", "retain"]
  private static let knownSchedules = ["sequential", "paired", "pairs", "joint", "forget-only", "retain-only"]
  private static let knownTasks = ["classification", "diffusion"]

  /// Reads and checks one entry of `strategies`.
  static func read(
    _ value: JSONValue, at place: String, _ unknown: inout [String]
  ) throws(ManifestProblem) -> StrategyManifest {
    var reader = try ManifestReader(value, at: place)
    let id = try reader.requiredText("id")
    guard id.isIdentifier else { throw .badName(key: reader.path("id"), found: id, pattern: identifierPattern) }
    let role = try reader.requiredText("role")
    let known = StrategyRole(rawValue: role)
    // For kits that make the table themselves; of others the table says it.
    _ = try reader.whole("state_version")
    // Of a role that this host does not know it cannot say which words are right.
    let sets = known == nil ? nil : knownSets
    let measured = known == .metric ? MeasuredSet.allCases.map(\.rawValue) : sets
    let schedules = known == nil ? nil : knownSchedules
    let strategy = StrategyManifest(
      id: id, role: role, doc: try reader.text("doc") ?? "", paper: try reader.text("paper"),
      tasks: try tasks(&reader, known), streams: try reader.texts("streams", allowed: sets),
      schedules: try reader.texts("schedules", allowed: schedules), models: try reader.texts("models"),
      weights: known == .reweighter ? try reader.word("output", WeightPromise.self) : nil,
      answer: known == .mask ? try reader.word("output", MaskAnswer.self) ?? .scores : nil,
      isOrderFree: try reader.flag("order_free"),
      isCapturable: known == .objective || known == .reweighter ? try reader.flag("capturable") : false,
      sets: try reader.texts("sets", allowed: measured),
      sees: known == .metric ? try sights(&reader) : [],
      parameters: try parameters(&reader, &unknown))
    try strategy.check(reader)
    // "output" is a key of two roles; for the others it is ignored like any unknown one.
    unknown += reader.unknownKeys
    return strategy
  }

  private static func sights(_ reader: inout ManifestReader) throws(ManifestProblem) -> [MetricSight] {
    try reader.texts("sees", allowed: MetricSight.allCases.map(\.rawValue)).compactMap { MetricSight(rawValue: $0) }
  }

  /// What the strategy can do; one that does not say so is for classification alone.
  private static func tasks(
    _ reader: inout ManifestReader, _ role: StrategyRole?
  ) throws(ManifestProblem) -> [String] {
    guard reader.find("tasks") != nil else { return role == nil ? [] : ["classification"] }
    return try reader.texts("tasks", allowed: role == nil ? nil : knownTasks)
  }

  private func check(_ reader: ManifestReader) throws(ManifestProblem) {
    guard let knownRole else { return }
    if tasks.isEmpty { throw .missing(key: reader.path("tasks")) }
    switch knownRole {
    case .objective:
      if streams.isEmpty { throw .missing(key: reader.path("streams")) }
      if schedules.isEmpty { throw .missing(key: reader.path("schedules")) }
    case .reweighter:
      if weights == nil { throw .missing(key: reader.path("output")) }
    case .mask:
      if streams.isEmpty { throw .missing(key: reader.path("streams")) }
    case .metric:
      if sees.isEmpty { throw .missing(key: reader.path("sees")) }
      // What no run of its tasks can show would be waited for in vain.
      if tasks == ["classification"], sees.contains(.samples) {
        throw .notOneOf(key: reader.path("sees"), found: "samples", allowed: ["inputs", "outputs", "losses"])
      }
      if tasks == ["diffusion"], sees.contains(.outputs) {
        throw .notOneOf(key: reader.path("sees"), found: "outputs", allowed: ["inputs", "losses", "samples"])
      }
    case .updater, .procedure: break
    }
  }

  private static func parameters(
    _ reader: inout ManifestReader, _ unknown: inout [String]
  ) throws(ManifestProblem) -> [ParameterManifest] {
    var parameters: [ParameterManifest] = []
    for (index, value) in try reader.list("params").enumerated() {
      let parameter = try ParameterManifest.read(value, at: reader.path("params[\(index)]"), &unknown)
      guard !parameters.contains(where: { $0.key == parameter.key }) else {
        throw .twice(key: reader.path("params"), value: parameter.key)
      }
      parameters.append(parameter)
    }
    return parameters
  }
}

extension ParameterManifest {
  /// Reads and checks one entry of `params`.
  static func read(
    _ value: JSONValue, at place: String, _ unknown: inout [String]
  ) throws(ManifestProblem) -> ParameterManifest {
    var reader = try ManifestReader(value, at: place)
    let key = try reader.requiredText("key")
    guard key.isParameterKey else {
      throw .badName(key: reader.path("key"), found: key, pattern: "[a-z][a-z0-9_]*")
    }
    guard let type = try reader.word("type", ParameterType.self) else { throw .missing(key: reader.path("type")) }
    let written = reader.find("default")
    var parameter = ParameterManifest(
      key: key, type: type, defaultValue: .none, minimum: try reader.number("min"),
      maximum: try reader.number("max"), unit: try reader.text("unit"),
      scale: try reader.word("scale", ParameterScale.self) ?? .linear, choices: try reader.texts("choices"),
      isRequired: try reader.flag("required"), isTunable: try reader.flag("tunable"),
      doc: try reader.text("doc") ?? "")
    try parameter.checkRange(reader)
    if let written {
      guard let value = type.value(written) else {
        throw .wrongType(key: reader.path("default"), found: written.kind, wanted: type.words)
      }
      guard !parameter.isRequired else { throw .needlessDefault(key: reader.path("default")) }
      if let problem = parameter.problem(with: value) {
        throw .badDefault(key: reader.path("default"), problem: problem)
      }
      parameter.defaultValue = value
    }
    unknown += reader.unknownKeys
    return parameter
  }

  private func checkRange(_ reader: ManifestReader) throws(ManifestProblem) {
    let isNumber = type == .int || type == .float
    if !isNumber, minimum != nil { throw .onlyFor(key: reader.path("min"), type: "numbers") }
    if !isNumber, maximum != nil { throw .onlyFor(key: reader.path("max"), type: "numbers") }
    if type != .string, !choices.isEmpty { throw .onlyFor(key: reader.path("choices"), type: "text") }
    if let minimum, let maximum, minimum > maximum {
      throw .emptyRange(key: reader.path("min"), minimum: minimum, maximum: maximum)
    }
    if scale == .log, !isNumber || (minimum ?? 0) <= 0 { throw .logScale(key: reader.path("scale")) }
  }
}

extension ParameterType {
  /// The value of this type that JSON text stands for, or nil where it stands for none.
  func value(_ written: JSONValue) -> ParameterValue? {
    switch (self, written) {
    case (.bool, .bool(let value)): .bool(value)
    case (.int, .int(let value)): .int(value)
    case (.float, .int(let value)): .float(Double(value))
    case (.float, .float(let value)): .float(value)
    case (.string, .string(let value)): .string(value)
    default: nil
    }
  }
}
