extension Resolver {
  /// What is measured. What is not written leaves out what cannot be measured; what is written must be possible.
  func evaluate(
    _ top: SectionReader, hasRetrained: Bool, _ validation: ValidationPlan, _ diffusion: DiffusionPlan?
  ) throws(RunError) -> EvaluatePlan {
    let section = try top.section("evaluate", .evaluate)
    let hasValidation = validation != .amount(.count(0))
    let every = try section.interval("every")
    // A diffusion model is measured on forget and retain samples on the way.
    if let written = section["every"], !hasValidation, task == .classification {
      throw .needs(written.place, what: "'evaluate.every'", need: "a validation set; 'data.validation' is 0")
    }
    var sets: [SampleSet] = []
    if let items = try section.list("sets", of: "sets") {
      for item in items {
        let set = try section.choice(item, "sets", SampleSet.self)
        if set == .validation, !hasValidation {
          throw .needs(item.place, what: "the set 'validation'", need: "a validation set; 'data.validation' is 0")
        }
        guard !sets.contains(set) else { throw .twice(item.place, key: "evaluate.sets", value: set.rawValue) }
        sets.append(set)
      }
    } else {
      sets = hasValidation ? SampleSet.allCases : [.forget, .retain, .test]
    }
    let metrics = try metrics(section, sets, hasRetrained: hasRetrained)
    return EvaluatePlan(
      every: purpose == .run ? every : nil, sets: sets, metrics: metrics, table: try table(section, metrics),
      plugins: try plugins(section, sets, hasRetrained: hasRetrained),
      relearn: try relearn(section, metrics), batch: try section.int("batch", in: 1...1_000_000) ?? 256,
      generation: try generation(
        section, timesteps: diffusion?.timesteps ?? 1000))
  }
}
