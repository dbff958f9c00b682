import PluginHost

/// The checks that need an instance of a strategy, by the rule that each is about.
enum StrategyChecks {
  struct Check {
    let roles: Set<StrategyRole>
    let body: (StrategyProbe) throws -> Void

    init(_ roles: Set<StrategyRole> = Set(StrategyRole.allCases), _ body: @escaping (StrategyProbe) throws -> Void) {
      self.roles = roles
      self.body = body
    }
  }

  static func named(_ rule: String) -> Check? { all[rule] }

  private static var all: [String: Check] {
    [
      "life-cycle": Check { try $0.lifeCycle() },
      "many-instances": Check { try $0.manyInstances() },
      "instance-memory": Check { try $0.instanceMemory() },
      "cancel": Check { try $0.cancel() },
      "terms": Check([.objective]) { try $0.promises() },
      "weights": Check([.reweighter]) { try $0.promises() },
      "scores": Check([.mask]) { try $0.promises() },
      "direction": Check([.updater]) { try $0.promises() },
      "procedure": Check([.procedure]) { try $0.procedure() },
      "results": Check([.metric]) { try $0.promises() },
      "begin-again": Check([.metric]) { try $0.beginsAnew() },
      "stale-context": Check { try $0.misuse() },
      "wrong-thread": Check { try $0.misuse() },
      "stale-handle": Check { try $0.misuse() },
      "struct-tails": Check { try $0.structTails() },
      "unknown-set": Check([.objective]) { try $0.unknownSet() },
      "masked-entries": Check([.updater]) { try $0.maskedEntries() },
      "ignored-failure": Check { try $0.ignoredFailure() },
      "error-message": Check { try $0.errorMessages() },
      "error-capacity": Check { try $0.errorCapacity() },
      "known-status": Check { try $0.errorMessages() },
      "state-repeats": Check { try $0.stateRepeats() },
      "state-resumes": Check([.objective, .reweighter, .updater]) { try $0.stateResumes() },
      "state-refused": Check { try $0.stateRefused() },
      "state-survives": Check { try $0.stateSurvives() },
      "state-version": Check { try $0.stateVersion() },
      "state-short-reads": Check { try $0.stateShortReads() },
      "determinism": Check { try $0.determinism() },
      "not-finite": Check { try $0.notFinite() },
      "batch-of-one": Check([.objective, .reweighter, .metric]) { try $0.batchOfOne() },
      "empty-batch": Check([.objective, .reweighter]) { try $0.emptyBatch() },
      "batch-size": Check([.metric]) { try $0.batchSize() },
      "bf16": Check([.objective, .reweighter]) { try $0.halfPrecision() },
      "non-contiguous": Check([.objective, .reweighter, .metric]) { try $0.gaps() },
      "gradients": Check([.objective]) { try $0.gradients() },
      "order-free": Check([.reweighter]) { try $0.orderFree() },
      "capturable": Check([.objective, .reweighter]) { try $0.capturable() },
      "lent-tensors": Check { try $0.lentTensors() },
      "kept-handles": Check([.objective, .reweighter, .mask, .updater, .metric]) { try $0.keptHandles() },
      "leaked-tensors": Check { try $0.leakedTensors() },
      "left-threads": Check { try $0.leftThreads() },
      "output": Check { try $0.promises() },
      "call-time": Check { try $0.callTime() },
      "defaults": Check { try $0.defaults() },
      "bounds": Check { try $0.bounds() },
      "tunable": Check { try $0.tunable() },
    ]
  }
}
