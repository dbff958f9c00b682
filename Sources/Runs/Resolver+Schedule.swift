extension Resolver {
  /// What changes during the run. Each swap must fit to what the ones before it left.
  func swaps(_ top: SectionReader, _ pipeline: PipelinePlan?) throws(RunError) -> [SwapPlan] {
    guard let items = try top.list("swaps", of: "maps"), let pipeline else { return [] }
    var swaps: [SwapPlan] = []
    var state = (objective: pipeline.objective, updater: pipeline.updater, schedule: pipeline.schedule)
    for (index, item) in items.enumerated() {
      let section = try SectionReader(item, path: "swaps.\(index)", in: .swap, missingAt: item.place)
      let swap = try swap(section, epochs: pipeline.epochs)
      state.objective = swap.objective ?? state.objective
      switch swap.updater {
      case nil: break
      case .remove: state.updater = nil
      case .use(let part): state.updater = part
      }
      state.schedule = try schedule(
        swap.schedule ?? state.schedule, state.objective, state.updater, at: section.place)
      swaps.append(swap)
    }
    return swaps
  }

  private func swap(_ section: SectionReader, epochs: Int) throws(RunError) -> SwapPlan {
    guard let written = section["at"] else {
      throw .missing(section.place, key: section.name("at"), hint: "it is 'epoch N' or 'step N'")
    }
    guard case .scalar(.string(let text)) = written.content, let at = Moment(text: text) else {
      throw .wrongType(
        written.place, key: section.name("at"), expected: "'epoch N' or 'step N'", found: written.words)
    }
    switch at {
    case .epoch(let number):
      guard number >= 1, number < epochs else {
        throw .swapOutside(written.place, at: text, epochs: epochs)
      }
    case .step(let number):
      // How many steps there are is known once the samples are.
      guard number >= 1 else { throw .swapOutside(written.place, at: text, epochs: epochs) }
      for role in ["objective", "mask", "schedule"] where section.entries.contains(where: { $0.key == role }) {
        throw .swapWithinEpoch(written.place, at: text, role: role)
      }
    }
    guard section.entries.contains(where: { $0.key != "at" }) else { throw .emptySwap(section.place) }
    for role in ["objective", "schedule"] where section.isNull(role) {
      throw .wrongType(
        section.place, key: section.name(role), expected: "what takes its place (it cannot be taken away)",
        found: "null")
    }
    var swap = SwapPlan(at: at, schedule: try section.choice("schedule", DataSchedule.self))
    if let written = section["objective"] {
      swap.objective = try part(written, section.name("objective"), .objective)
    }
    if let written = section["reweighter"] {
      swap.reweighter = .use(try reweighter(written, section.name("reweighter")))
    } else if section.isNull("reweighter") {
      swap.reweighter = .remove
    }
    if let written = section["mask"] {
      swap.mask = .use(try mask(written, section.name("mask")))
    } else if section.isNull("mask") {
      swap.mask = .remove
    }
    if let written = section["updater"] {
      swap.updater = .use(try part(written, section.name("updater"), .updater))
    } else if section.isNull("updater") {
      swap.updater = .remove
    }
    return swap
  }

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
      relearn: try relearn(section, metrics), batch: try section.int("batch", in: 1...1_000_000) ?? 256,
      generation: try generation(
        section, timesteps: diffusion?.timesteps ?? 1000))
  }
}
