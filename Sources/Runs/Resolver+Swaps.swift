extension Resolver {
  /// What changes during the run. Each swap must fit to what the ones before it left.
  func swaps(_ top: SectionReader, _ pipeline: PipelinePlan?) throws(RunError) -> [SwapPlan] {
    guard let items = try top.list("swaps", of: "maps"), let pipeline else { return [] }
    var swaps: [SwapPlan] = []
    var parts = pipeline
    for (index, item) in items.enumerated() {
      let section = try SectionReader(item, path: "swaps.\(index)", in: .swap, missingAt: item.place)
      let at = try moment(section, epochs: pipeline.epochs)
      if case .crossing = at { try checkMeasured(section, top) }
      let swap = try swap(section, at: at, parts: parts)
      parts = parts.applying(swap)
      swaps.append(swap)
    }
    return swaps
  }

  /// What changes at a moment, given the parts that are in force then.
  func swap(_ section: SectionReader, at moment: Moment, parts: PipelinePlan) throws(RunError) -> SwapPlan {
    guard section.entries.contains(where: { $0.key != "at" }) else { throw .emptySwap(section.place) }
    for role in ["objective", "schedule", "learning_rate"] where section.isNull(role) {
      throw .wrongType(
        section.place, key: section.name(role), expected: "what takes its place (it cannot be taken away)",
        found: "null")
    }
    var swap = SwapPlan(at: moment, schedule: try section.choice("schedule", DataSchedule.self))
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
    swap.learningRate = try section.double("learning_rate", "a number above 0") { $0 > 0 }
    if let tuned = section["tune"] { swap.tune = try tune(tuned, section, swap, parts) }
    let after = parts.applying(swap)
    _ = try schedule(after.schedule, after.objective, after.updater, at: section.place)
    return swap
  }

  private func moment(_ section: SectionReader, epochs: Int) throws(RunError) -> Moment {
    let expected = "'epoch N', 'step N' or 'METRIC > NUMBER'"
    guard let written = section["at"] else {
      throw .missing(section.place, key: section.name("at"), hint: "it is \(expected)")
    }
    guard case .scalar(.string(let text)) = written.content, let at = Moment(text: text) else {
      throw .wrongType(written.place, key: section.name("at"), expected: expected, found: written.words)
    }
    switch at {
    case .epoch(let number):
      guard number >= 1, number < epochs else { throw .swapOutside(written.place, at: text, epochs: epochs) }
    case .step(let number):
      // How many steps there are is known once the samples are.
      guard number >= 1 else { throw .swapOutside(written.place, at: text, epochs: epochs) }
      for role in ["objective", "mask", "schedule"] where section.entries.contains(where: { $0.key == role }) {
        throw .swapWithinEpoch(written.place, at: text, role: role)
      }
    case .crossing: break
    }
    return at
  }

  /// A metric can cross a value only where it is measured on the way.
  private func checkMeasured(_ section: SectionReader, _ top: SectionReader) throws(RunError) {
    guard let at = section["at"], try top.section("evaluate", .evaluate)["every"] == nil else { return }
    throw .needs(at.place, what: "a swap at a metric", need: "'evaluate.every', which says when metrics are measured")
  }

  /// The parts in force with new values; whatever is not written stays.
  private func tune(
    _ written: Written, _ swap: SectionReader, _ changes: SwapPlan, _ parts: PipelinePlan
  ) throws(RunError) -> TunePlan {
    let section = try SectionReader(written, path: swap.name("tune"), in: .tune, missingAt: written.place)
    func tuned(_ role: PartRole, _ part: PartPlan?, replaced isReplaced: Bool) throws(RunError) -> PartPlan? {
      guard let values = section[role.rawValue] else { return nil }
      let key = section.name(role.rawValue)
      guard let part else {
        throw .needs(values.place, what: "'\(key)'", need: "\(role.withArticle) in force that is a plugin's")
      }
      guard !isReplaced else {
        throw .doesNotGoWith(
          values.place, key: key, other: "'\(swap.name(role.rawValue))'", hint: "write the values there")
      }
      return try self.tuned(part, role, values, key)
    }
    var reweighter: PartPlan?
    if case .part(let part)? = parts.reweighter { reweighter = part }
    let plan = TunePlan(
      objective: try tuned(.objective, parts.objective, replaced: changes.objective != nil),
      reweighter: try tuned(.reweighter, reweighter, replaced: changes.reweighter != nil),
      updater: try tuned(.updater, parts.updater, replaced: changes.updater != nil))
    guard plan != TunePlan() else { throw .emptySwap(section.place) }
    return plan
  }

  private func tuned(
    _ part: PartPlan, _ role: PartRole, _ values: Written, _ key: String
  ) throws(RunError) -> PartPlan {
    guard let new = values.entries else {
      throw .wrongType(values.place, key: key, expected: "a map of parameters", found: values.words)
    }
    let known = catalog[part.id]?.parameters ?? []
    for entry in new {
      guard let parameter = known.first(where: { $0.key == entry.key }), !parameter.isTunable else { continue }
      let tunable = known.filter(\.isTunable).map { "'\($0.key)'" }
      throw .needs(
        entry.place, what: "another '\(entry.key)' of '\(part.id)'",
        need: "a swap to the same plugin with that value: it cannot be tuned, "
          + (tunable.isEmpty ? "as none of its parameters can" : "\(tunable.joined(separator: ", ")) can"))
    }
    var entries = [Written.Entry(key: "plugin", place: values.place, value: scalar(.string(part.id), values.place))]
    for old in part.parameters.entries where !new.contains(where: { $0.key == old.key }) {
      entries.append(Written.Entry(key: old.key, place: values.place, value: scalar(old.value.tree, values.place)))
    }
    let whole = Written(content: .map(entries + new), place: values.place)
    // The bytes in force stay, whatever lies on the disk by now.
    var result = part
    result.parameters = try self.part(whole, key, role).parameters
    return result
  }

  private func scalar(_ value: Tree, _ place: Place) -> Written { Written(content: .scalar(value), place: place) }
}
