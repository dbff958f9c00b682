extension RunPlan {
  /// The swap that a request to a run asks for, checked like one of a recipe.
  ///
  /// - Parameters:
  ///   - request: with `set` or `swap`.
  ///   - parts: those in force.
  ///   - step: optimizer steps done: when it happens, unless it must wait for an epoch's end.
  ///   - nextEpoch: how many epochs are done when the next begins; nil where none does any more.
  ///   - catalog: the plugins as they lie there now.
  package func swap(
    asked request: ControlRequest, parts: PipelinePlan, step: Int, nextEpoch: Int?, catalog: PartCatalog,
    environment: ResolverEnvironment
  ) throws(RunError) -> SwapPlan {
    var environment = environment
    if let folder = request.folder, folder.hasPrefix("/") { environment.currentFolder = folder }
    let config = RunConfig(file: request.words, folder: environment.currentFolder, text: "")
    var resolver = Resolver(config: config, catalog: catalog, environment: environment, purpose: .run)
    resolver.task = task
    let written = try Written.parse(value: request.change ?? "", override: request.words)
    let section = try SectionReader(written, path: "", in: .swap, missingAt: written.place)
    guard section["at"] == nil else {
      throw .badRequest(request.words, reason: "a change that is asked for happens now, or at the epoch's end: no 'at'")
    }
    var swap = try resolver.swap(section, at: .step(step), parts: parts)
    guard let role = swap.waitingRole else { return swap }
    guard let nextEpoch else {
      throw .badRequest(
        request.words, reason: "the \(role) changes only before an epoch begins, and no other one begins in this run")
    }
    swap.at = .epoch(nextEpoch)
    return swap
  }

  /// What was asked of a run while it went on, in order. Together with the plan it decides the run.
  package static func changes(in events: [RunEvent]) -> [ChangeRecord] {
    var changes: [ChangeRecord] = []
    for event in events {
      switch event.what {
      case .changed(let change): changes.append(change)
      case .runStarted(let start):
        // A metric that crossed its value after the checkpoint does so again.
        if let step = start.resumedAt { changes.removeAll { $0.crossing != nil && $0.step > step } }
      default: break
      }
    }
    return changes
  }
}

extension ChangeRecord {
  /// The parts of these roles go.
  package init(removing roles: [String], step: Int) {
    self.init(
      step: step, words: "--without \(roles.joined(separator: ","))",
      swap: SwapPlan(
        at: .step(step), reweighter: roles.contains("reweighter") ? .remove : nil,
        updater: roles.contains("updater") ? .remove : nil))
  }
}
