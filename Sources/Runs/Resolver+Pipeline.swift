extension Resolver {
  /// The five parts and how they are stepped; nil when weights from elsewhere are measured.
  ///
  /// - Parameter requests: how many forget sets the recipe has, one after the other.
  func pipeline(_ top: SectionReader, requests: Int) throws(RunError) -> PipelinePlan? {
    if isWithoutPipeline(top) {
      try top.refuse("swaps", with: "'pipeline: none'", hint: "nothing is done in steps")
      if requests > 1 {
        let hint = "nothing is forgotten, so there is no request after the first"
        try top.refuse("forget", with: "'pipeline: none'", hint: hint)
      }
      return nil
    }
    let section = try top.section("pipeline", .pipeline)
    guard purpose == .run, section["procedure"] == nil else { return nil }
    guard let written = section["objective"] else {
      throw .missing(section.place, key: "pipeline.objective", hint: "it names the plugin whose losses a step has")
    }
    let objective = try part(written, section.name("objective"), .objective)
    let updater: PartPlan? =
      if let written = section["updater"] { try part(written, section.name("updater"), .updater) } else { nil }
    let reweighter: ReweighterPlan? =
      if let written = section["reweighter"] { try reweighter(written, section.name("reweighter")) } else { nil }
    let mask: MaskPlan? = if let written = section["mask"] { try mask(written, section.name("mask")) } else { nil }
    let steps = try steps(section)
    let epochs = try section.int("epochs", in: 1...1_000_000)
    return PipelinePlan(
      objective: objective, transform: try transform(section), reweighter: reweighter, mask: mask, updater: updater,
      schedule: try schedule(
        try section.choice("schedule", DataSchedule.self), objective, updater,
        at: (section["schedule"] ?? written).place),
      epochs: steps ?? epochs ?? 10, steps: steps,
      batch: try section.int("batch", in: 1...1_000_000) ?? (task == .diffusion ? 64 : 256),
      optimizer: try optimizer(
        section.section("optimizer", .optimizer),
        defaults: task == .diffusion
          ? .standard(.adam, learningRate: 1e-4, clip: 1) : .standard(.sgd, learningRate: 0.01)),
      freezeBatchnorm: try section.bool("freeze_batchnorm", default: false))
  }

  /// A method that takes no steps; nil where there is none.
  func procedure(_ top: SectionReader) throws(RunError) -> ProcedurePlan? {
    guard !isWithoutPipeline(top) else { return nil }
    let section = try top.section("pipeline", .pipeline)
    guard purpose == .run, let written = section["procedure"] else { return nil }
    for key in ["objective", "transform", "reweighter", "updater"] {
      try section.refuse(key, with: "'procedure'", hint: "a procedure takes no steps; leave one of them out")
    }
    try top.refuse("swaps", with: "'pipeline.procedure'", hint: "a procedure takes no steps")
    let mask: MaskPlan? = if let written = section["mask"] { try mask(written, section.name("mask")) } else { nil }
    return ProcedurePlan(
      part: try part(written, section.name("procedure"), .procedure), mask: mask,
      batch: try section.int("batch", in: 1...1_000_000) ?? 256)
  }

  /// Whether the recipe says that nothing is made to forget: `pipeline: none`.
  private func isWithoutPipeline(_ top: SectionReader) -> Bool {
    top["pipeline"]?.content == .scalar(.string("none"))
  }

  /// A strategy: its id or its Python file, or a map with `plugin` and its parameters.
  ///
  /// - Parameter hostKeys: keys of the map that are not the strategy's.
  func part(
    _ written: Written, _ key: String, _ role: PartRole, hostKeys: [String] = []
  ) throws(RunError) -> PartPlan {
    var id: String
    var values: [Written.Entry] = []
    switch written.content {
    case .scalar(.string(let text)): id = text
    case .map(let entries):
      guard let name = written["plugin"], !name.isNull else {
        throw .missing(written.place, key: "\(key).plugin", hint: "it names the \(role.rawValue)")
      }
      guard case .scalar(.string(let text)) = name.content else {
        throw .wrongType(name.place, key: "\(key).plugin", expected: "a plugin's id", found: name.words)
      }
      id = text
      values = entries.filter { $0.key != "plugin" && !hostKeys.contains($0.key) }
    default:
      throw .wrongType(
        written.place, key: key, expected: "a plugin's id or a map with 'plugin'", found: written.words)
    }
    let place = written["plugin"]?.place ?? written.place
    if Self.isSource(id) { id = try strategy(in: id, key, role, place) }
    let descriptor = try descriptor(id, key, role, place)
    return PartPlan(
      id: id, pluginID: descriptor.pluginID, version: descriptor.version, file: descriptor.file,
      sha256: descriptor.sha256,
      parameters: try parameters(values, of: descriptor, key, hostKeys: hostKeys, place: place))
  }

  private func descriptor(
    _ id: String, _ key: String, _ role: PartRole, _ place: Place
  ) throws(RunError) -> PartDescriptor {
    guard let descriptor = catalog[id] else {
      let sameRole = catalog.parts.filter { $0.role == role }.map(\.id)
      throw .unknownPlugin(
        place, key: key, id: id, nearest: nearest(to: id, in: sameRole) ?? nearest(to: id, in: catalog.parts.map(\.id)),
        catalog: catalog)
    }
    let files = catalog.parts.filter { $0.id == id }.map(\.file)
    guard files.count == 1 else { throw .severalPlugins(place, key: key, id: id, files: files) }
    guard descriptor.role == role else {
      throw .wrongRole(place, key: key, id: id, actual: descriptor.role, expected: role)
    }
    guard descriptor.tasks.isEmpty || descriptor.tasks.contains(task.rawValue) else {
      throw .wrongTask(place, id: id, tasks: descriptor.tasks, task: task.rawValue)
    }
    return descriptor
  }

  private func parameters(
    _ values: [Written.Entry], of descriptor: PartDescriptor, _ key: String, hostKeys: [String], place: Place
  ) throws(RunError) -> Parameters {
    let known = descriptor.parameters.map(\.key)
    for entry in values where !known.contains(entry.key) {
      let all = known + hostKeys
      throw .unknownParameter(
        entry.place, id: descriptor.id, key: entry.key, nearest: nearest(to: entry.key, in: all), known: all)
    }
    let section = try SectionReader(
      Written(content: .map(values), place: place), path: key, in: nil, missingAt: place)
    var parameters: [Parameter] = []
    for parameter in descriptor.parameters where !hostKeys.contains(parameter.key) {
      guard let written = section[parameter.key] else {
        guard !parameter.isRequired else {
          throw .missing(
            place, key: section.name(parameter.key), hint: "'\(descriptor.id)' needs it: \(parameter.type.words)")
        }
        if let value = parameter.defaultValue { parameters.append(Parameter(parameter.key, value)) }
        continue
      }
      parameters.append(Parameter(parameter.key, try value(written, of: parameter, section)))
    }
    return Parameters(parameters)
  }

  private func value(
    _ written: Written, of parameter: ParameterDescriptor, _ section: SectionReader
  ) throws(RunError) -> ParameterValue {
    let wrong = RunError.wrongType(
      written.place, key: section.name(parameter.key), expected: parameter.type.words, found: written.words)
    switch (parameter.type, written.content) {
    case (.bool, .scalar(.bool(let value))): return .bool(value)
    case (.int, .scalar(.int(let value))):
      try check(Double(value), of: parameter, written, section)
      return .int(value)
    case (.float, .scalar(.int(let value))):
      try check(Double(value), of: parameter, written, section)
      return .float(Double(value))
    case (.float, .scalar(.float(let value))):
      try check(value, of: parameter, written, section)
      return .float(value)
    case (.string, .scalar(.string(let value))):
      guard parameter.choices.isEmpty || parameter.choices.contains(value) else {
        throw .notAChoice(
          written.place, key: section.name(parameter.key), value: value, choices: parameter.choices,
          nearest: nearest(to: value, in: parameter.choices))
      }
      return .string(value)
    default: throw wrong
    }
  }

  private func check(
    _ value: Double, of parameter: ParameterDescriptor, _ written: Written, _ section: SectionReader
  ) throws(RunError) {
    guard value.isFinite, value >= parameter.min ?? -.infinity, value <= parameter.max ?? .infinity else {
      func text(_ bound: Double) -> String {
        Int64(exactly: bound).map(String.init) ?? "\(bound)"
      }
      let allowed =
        switch (parameter.min, parameter.max) {
        case (let low?, let high?): "between \(text(low)) and \(text(high))"
        case (let low?, nil): "at least \(text(low))"
        case (nil, let high?): "at most \(text(high))"
        case (nil, nil): "a finite number"
        }
      throw .outOfRange(
        written.place, key: section.name(parameter.key), value: written.tree.flow, allowed: allowed)
    }
  }

  /// A strategy that scores weights, and what the host makes of the scores.
  func mask(_ written: Written, _ key: String) throws(RunError) -> MaskPlan {
    let hostKeys = RecipeSection.mask.keys.map(\.name)
    let part = try part(written, key, .mask, hostKeys: hostKeys)
    let map = written.entries == nil ? nil : written
    let section = try SectionReader(map, path: key, in: nil, missingAt: written.place)
    let keep = try section.double("keep", "above 0 and at most 1") { $0 > 0 && $0 <= 1 }
    let threshold = try section.double("threshold", "a finite number") { _ in true }
    guard keep == nil || threshold == nil else {
      throw .notExactlyOne(section.place, section: key, keys: ["keep", "threshold"], found: ["keep", "threshold"])
    }
    return MaskPlan(
      part: part, selection: threshold.map(MaskSelection.threshold) ?? .keep(keep ?? 0.5),
      batch: try section.int("batch", in: 1...1_000_000), freeze: try section.choice("freeze", MaskFreeze.self) ?? .hard
    )
  }

  /// A schedule that objective and updater both accept: the one written, else the objective's default, else its next.
  func schedule(
    _ written: DataSchedule?, _ objective: PartPlan, _ updater: PartPlan?, at place: Place
  ) throws(RunError) -> DataSchedule {
    let accepted = catalog[objective.id]?.schedules ?? []
    let choices = accepted.isEmpty ? DataSchedule.allCases : accepted
    if let written, !choices.contains(written) {
      throw .scheduleRefused(
        place, schedule: written.rawValue, objective: objective.id, accepted: choices.map(\.rawValue))
    }
    let sets = updater.flatMap { catalog[$0.id]?.sets } ?? []
    let serving = choices.filter { $0.serves(sets) }
    let schedule = written ?? serving.first ?? choices[0]
    guard serving.contains(schedule) else {
      throw .updaterNeeds(
        place, updater: updater?.id ?? "", sets: sets, schedule: schedule.rawValue, accepted: serving.map(\.rawValue))
    }
    return schedule
  }
}

extension DataSchedule {
  /// Whether every step has samples of all these sets.
  func serves(_ sets: [String]) -> Bool {
    switch self {
    case .paired, .pairs: true
    case .forgetOnly: sets.allSatisfy { $0 == "forget" }
    case .retainOnly: sets.allSatisfy { $0 == "retain" }
    case .sequential, .joint: sets.isEmpty
    }
  }
}
