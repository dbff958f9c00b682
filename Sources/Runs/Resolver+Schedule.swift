extension Resolver {
  /// What is measured. What is not written leaves out what cannot be measured; what is written must be possible.
  func evaluate(
    _ top: SectionReader, hasRetrained: Bool, _ validation: ValidationPlan, _ diffusion: DiffusionPlan?
  ) throws(RunError) -> EvaluatePlan {
    let section = try top.section("evaluate", .evaluate)
    let hasValidation = validation != .amount(.count(0))
    let every = try section.interval("every")
    let during = try self.sets(section, "during", hasValidation)
    // A diffusion model is measured on forget and retain samples on the way.
    if let written = section["every"], !hasValidation, during == nil, task == .classification {
      throw .needs(written.place, what: "'evaluate.every'", need: "a validation set; 'data.validation' is 0")
    }
    if let written = section["during"] {
      guard every != nil || purpose != .run else {
        throw .needs(written.place, what: "'evaluate.during'", need: "'evaluate.every', which says how often")
      }
      guard task == .classification else {
        throw .needs(
          written.place, what: "'evaluate.during'",
          need: "a classifier; a diffusion model is measured on forget and retain samples")
      }
    }
    let sets =
      try self.sets(section, "sets", hasValidation)
      ?? (hasValidation ? SampleSet.allCases : [.forget, .retain, .test])
    let metrics = try metrics(section, sets, hasRetrained: hasRetrained)
    return EvaluatePlan(
      every: purpose == .run ? every : nil, during: purpose == .run ? during : nil, sets: sets, metrics: metrics,
      table: try table(section, metrics),
      plugins: try plugins(section, sets, hasRetrained: hasRetrained),
      relearn: try relearn(section, metrics), batch: try section.int("batch", in: 1...1_000_000) ?? 256,
      generation: try generation(
        section, timesteps: diffusion?.timesteps ?? 1000))
  }

  /// The sets that a key lists, each once and at least one; nil where it is not written.
  private func sets(
    _ section: SectionReader, _ key: String, _ hasValidation: Bool
  ) throws(RunError) -> [SampleSet]? {
    guard let items = try section.list(key, of: "sets") else { return nil }
    var sets: [SampleSet] = []
    for item in items {
      let set = try section.choice(item, key, SampleSet.self)
      if set == .validation, !hasValidation {
        throw .needs(item.place, what: "the set 'validation'", need: "a validation set; 'data.validation' is 0")
      }
      guard !sets.contains(set) else { throw .twice(item.place, key: "evaluate.\(key)", value: set.rawValue) }
      sets.append(set)
    }
    if let written = section[key], sets.isEmpty {
      throw .needs(written.place, what: "'evaluate.\(key)'", need: "at least one set")
    }
    return sets
  }
}
