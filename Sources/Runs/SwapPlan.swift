/// What a swap does to an optional part.
package enum Replacement<Part: Sendable & Equatable & Codable>: Sendable, Equatable {
  /// The part goes; the host's default takes its place.
  case remove
  /// The part gives way to this one.
  case use(Part)

  /// The part that is there afterwards.
  package var part: Part? {
    switch self {
    case .remove: nil
    case .use(let part): part
    }
  }
}

/// Parts in force that get new values for their tunable parameters. Each is whole: with every parameter.
package struct TunePlan: Sendable, Equatable, Codable {
  /// The objective with its new values; nil where they stay.
  package var objective: PartPlan?
  /// The reweighter with its new values; nil where they stay.
  package var reweighter: PartPlan?
  /// The updater with its new values; nil where they stay.
  package var updater: PartPlan?

  /// Makes a change of its parts.
  package init(objective: PartPlan? = nil, reweighter: PartPlan? = nil, updater: PartPlan? = nil) {
    self.objective = objective
    self.reweighter = reweighter
    self.updater = updater
  }
}

/// What changes at one moment of a run. A role whose field is nil stays as it is.
package struct SwapPlan: Sendable, Equatable, Codable {
  /// When. Objective, mask and schedule change only at an epoch's end.
  package var at: Moment
  /// The new objective.
  package var objective: PartPlan?
  /// The new reweighter, or none.
  package var reweighter: Replacement<ReweighterPlan>?
  /// The new mask, or none.
  package var mask: Replacement<MaskPlan>?
  /// The new updater, or none.
  package var updater: Replacement<PartPlan>?
  /// The new schedule.
  package var schedule: DataSchedule?
  /// The new peak of the learning rate, which goes on along its schedule.
  package var learningRate: Double?
  /// New values for parts that stay.
  package var tune: TunePlan?

  private enum CodingKeys: String, CodingKey {
    case at, objective, reweighter, mask, updater, schedule
    case learningRate = "learning_rate"
    case tune
  }

  /// Makes a swap; what is left out stays as it is.
  package init(
    at: Moment, objective: PartPlan? = nil, reweighter: Replacement<ReweighterPlan>? = nil,
    mask: Replacement<MaskPlan>? = nil, updater: Replacement<PartPlan>? = nil, schedule: DataSchedule? = nil,
    learningRate: Double? = nil, tune: TunePlan? = nil
  ) {
    self.at = at
    self.objective = objective
    self.reweighter = reweighter
    self.mask = mask
    self.updater = updater
    self.schedule = schedule
    self.learningRate = learningRate
    self.tune = tune
  }

  /// The role that makes it wait for an epoch's end; nil where it may happen before any step.
  package var waitingRole: String? {
    if objective != nil { return "objective" }
    if mask != nil { return "mask" }
    return schedule != nil ? "schedule" : nil
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func replacement<Part>(_ key: CodingKeys) throws -> Replacement<Part>? {
      guard container.contains(key) else { return nil }
      if try container.decodeNil(forKey: key) { return .remove }
      return .use(try container.decode(Part.self, forKey: key))
    }
    at = try container.decode(Moment.self, forKey: .at)
    objective = try container.decodeIfPresent(PartPlan.self, forKey: .objective)
    reweighter = try replacement(.reweighter)
    mask = try replacement(.mask)
    updater = try replacement(.updater)
    schedule = try container.decodeIfPresent(DataSchedule.self, forKey: .schedule)
    learningRate = try container.decodeIfPresent(Double.self, forKey: .learningRate)
    tune = try container.decodeIfPresent(TunePlan.self, forKey: .tune)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    func encode<Part>(_ replacement: Replacement<Part>?, _ key: CodingKeys) throws {
      switch replacement {
      case nil: break
      case .remove: try container.encodeNil(forKey: key)
      case .use(let part): try container.encode(part, forKey: key)
      }
    }
    try container.encode(at, forKey: .at)
    try container.encodeIfPresent(objective, forKey: .objective)
    try encode(reweighter, .reweighter)
    try encode(mask, .mask)
    try encode(updater, .updater)
    try container.encodeIfPresent(schedule, forKey: .schedule)
    try container.encodeIfPresent(learningRate, forKey: .learningRate)
    try container.encodeIfPresent(tune, forKey: .tune)
  }
}

extension PipelinePlan {
  /// The same with what a swap changes.
  package func applying(_ swap: SwapPlan) -> PipelinePlan {
    var parts = self
    if let objective = swap.objective ?? swap.tune?.objective { parts.objective = objective }
    if let reweighter = swap.reweighter { parts.reweighter = reweighter.part }
    if let reweighter = swap.tune?.reweighter { parts.reweighter = .part(reweighter) }
    if let mask = swap.mask { parts.mask = mask.part }
    if let updater = swap.updater { parts.updater = updater.part }
    if let updater = swap.tune?.updater { parts.updater = updater }
    if let schedule = swap.schedule { parts.schedule = schedule }
    if let rate = swap.learningRate { parts.optimizer.learningRate = rate }
    return parts
  }
}
