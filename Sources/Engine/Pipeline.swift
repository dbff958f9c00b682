import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// The exchangeable parts in force, and what the host does between them.
///
///     terms   = objective.terms, each loss mapped by `transform` where there is one
///     weights = reweighter(term), 1/n without one
///     value   = coefficient · Σ weight · importance · loss
///     gradient of the sum, or of each term for an updater that combines → masked → updater.combine → optimizer
final class Pipeline {
  /// The parts that the plan begins with.
  let planned: PipelinePlan
  /// The parts in force.
  private(set) var parts: PipelinePlan
  private let plan: RunPlan
  private let learner: Learner
  private let maskStage: MaskStage
  private let world: World
  private let loader: PartLoader
  private var loadedObjective: ObjectiveInstance?
  private var transform: LossTransform?
  private var reweighter: (any Reweighting)?
  private var updater: UpdaterInstance?
  /// What parts that were swapped out had kept, handed back when they return.
  private var kept: [String: SavedState] = [:]
  /// Checks that the step under way has made.
  private var checks: [ValueCheck] = []
  /// Flags of the steps since somebody looked, with what they mean.
  private var promises: [(isBroken: Tensor, error: PluginError)] = []
  private var uniform: [Int: Tensor] = [:]
  /// Optimizer steps done, for messages of plugins.
  var step = 0

  init(
    plan: RunPlan, parts: PipelinePlan, model: TrainableModel, shared: Workbench.Shared, learner: Learner,
    cancel: CancelFlag, reporter: Reporter, folder: RunFolder? = nil
  ) throws {
    self.plan = plan
    planned = parts
    self.parts = parts
    self.learner = learner
    world = World(plan: plan, model: model, shared: shared, cancel: cancel, reporter: reporter, folder: folder)
    loader = PartLoader(world: world, cancel: cancel)
    maskStage = MaskStage(
      plan: plan, shared: shared, model: model, loader: loader, cancel: cancel, reporter: reporter)
  }

  private var objective: ObjectiveInstance {
    get {
      guard let loadedObjective else { preconditionFailure("parts are loaded by 'begin' or 'restore'") }
      return loadedObjective
    }
    set { loadedObjective = newValue }
  }

  // MARK: Life

  /// Loads and readies the parts at the beginning of a run and makes the mask.
  func begin() throws {
    try loadParts()
    try prepareParts()
    let mask = try parts.mask.map { try maskStage.mask($0, after: step) }
    try learner.setMask(mask, hard: parts.mask?.freeze != .gradient)
  }

  /// Loads and readies the parts that were in force at a checkpoint, and gives model, optimizer and parts the state they had.
  func restore(_ checkpoint: Checkpoint) throws {
    step = checkpoint.step
    try loadParts()
    try prepareParts()
    try checkpoint.restore(learner)
    kept = try checkpoint.kept()
    if let state = try checkpoint.state(of: "objective") { try objective.loadState(state, step: step) }
    if let state = try checkpoint.state(of: "reweighter") { try reweighter?.loadState(state, step: step) }
    if let state = try checkpoint.state(of: "updater") { try updater?.loadState(state, step: step) }
    try learner.setMask(try checkpoint.mask(for: learner), hard: parts.mask?.freeze != .gradient)
  }

  /// Adds the states of the parts in force to a checkpoint.
  func save(into checkpoint: inout Checkpoint) throws {
    try checkpoint.add(try objective.saveState(step: step), of: "objective")
    try checkpoint.add(try reweighter?.saveState(step: step), of: "reweighter")
    try checkpoint.add(try updater?.saveState(step: step), of: "updater")
    for (part, state) in kept.sorted(by: { $0.key < $1.key }) { try checkpoint.keep(state, of: part) }
  }

  /// Tells the parts that all steps are taken.
  func finish() throws {
    world.mayResize = true
    defer { world.mayResize = false }
    try objective.finish(step: step)
    try reweighter?.finish(step: step)
    try updater?.finish(step: step)
  }

  /// Loads the parts in force and no others: one that was swapped out may be gone, or be what ended the run before.
  private func loadParts() throws {
    objective = try loader.objective(parts.objective, step: nil)
    transform = try parts.transform.map { try loader.transform($0) }
    reweighter = try parts.reweighter.map { try loader.reweighter($0, step: nil) }
    updater = try parts.updater.map { try loader.updater($0, step: nil) }
  }

  private func prepareParts() throws {
    world.mayResize = true
    defer { world.mayResize = false }
    try objective.prepare(step: step)
    try reweighter?.prepare(step: step)
    try updater?.prepare(step: step)
    if world.isResized { try learner.refit() }
  }

  // MARK: Swaps

  /// Puts new parts in force; a new mask is made from the model as it is now. Any failure leaves the old parts.
  func apply(_ swap: SwapPlan) throws -> (roles: [String: String], plugins: [PluginUse]) {
    try checkShape(swap)
    let before = parts
    let new = parts.applying(swap)
    world.swaps += 1
    let objective = try swap.objective.map { try ready(loader.objective($0, step: step), "objective", $0.id) }
    let reweighter: (any Reweighting)? = try swap.reweighter?.part.map {
      let made = try loader.reweighter($0, step: step)
      try ready(made, "reweighter", $0.id)
      return made
    }
    let updater = try swap.updater?.part.map { try ready(loader.updater($0, step: step), "updater", $0.id) }
    let mask = try swap.mask?.part.map { try maskStage.mask($0, after: step) }
    if let tune = swap.tune { try apply(tune) }
    if swap.mask != nil { try learner.setMask(mask, hard: new.mask?.freeze != .gradient) }
    if let objective {
      try retire(self.objective, "objective", before.objective.id)
      self.objective = objective
    }
    if swap.reweighter != nil {
      try self.reweighter.map { try retire($0, "reweighter", before.reweighter?.id) }
      self.reweighter = reweighter
    }
    if swap.updater != nil {
      try self.updater.map { try retire($0, "updater", before.updater?.id) }
      self.updater = updater
    }
    parts = new
    return (swap.roles, new.plugins.filter { !before.plugins.contains($0) })
  }

  /// Creates the parts of a swap and lets them go: what is wrong with their parameters is found before the swap is due.
  func tryOut(_ swap: SwapPlan) throws {
    try checkShape(swap)
    if let part = swap.objective { _ = try loader.objective(part, step: step) }
    if let part = swap.reweighter?.part { _ = try loader.reweighter(part, step: step) }
    if let part = swap.updater?.part { _ = try loader.updater(part, step: step) }
    if let part = swap.mask?.part { _ = try loader.mask(part.part, step: step) }
  }

  /// Puts the parts of a swap in force without loading them, on the way to a checkpoint that lies after it.
  func skip(to swap: SwapPlan) {
    parts = parts.applying(swap)
    world.swaps += 1
  }

  private func checkShape(_ swap: SwapPlan) throws {
    guard swap.objective == nil || !world.isResized else {
      throw EngineError.mismatch(
        "the objective '\(parts.objective.id)' changed the model's shape, so no other one can take its place")
    }
  }

  /// Gives parts in force new values.
  private func apply(_ tune: TunePlan) throws {
    if let part = tune.objective {
      try retune(&objective, from: parts.objective, to: part) { try loader.objective($0, step: $1) }
    }
    if let part = tune.reweighter, case .part(let old)? = parts.reweighter,
      var instance = reweighter as? ReweighterInstance
    {
      defer { reweighter = instance }
      try retune(&instance, from: old, to: part) { part, step in
        guard let made = try loader.reweighter(.part(part), step: step) as? ReweighterInstance else {
          preconditionFailure("a plugin's reweighter is an instance")
        }
        return made
      }
    }
    if let part = tune.updater, let old = parts.updater, var instance = updater {
      defer { updater = instance }
      try retune(&instance, from: old, to: part) { try loader.updater($0, step: $1) }
    }
  }

  /// A part that refuses its new values is over; another one with the old values and its state takes its place.
  private func retune<Instance: StrategyInstance>(
    _ instance: inout Instance, from old: PartPlan, to new: PartPlan, make: (PartPlan, Int?) throws -> Instance
  ) throws {
    let state = try instance.saveState(step: step)
    do { try loader.retune(instance, to: new, step: step) } catch {
      let again = try make(old, step)
      try again.prepare(step: step)
      if let state { try again.loadState(state, step: step) }
      instance = again
      throw error
    }
  }

  /// Readies a part that comes in, and hands it back what the same part had kept when it went.
  @discardableResult
  private func ready<Instance: Part>(_ part: Instance, _ role: String, _ id: String) throws -> Instance {
    try part.prepare(step: step)
    if let state = kept["\(role).\(id)"], state.version == part.stateVersion {
      try part.loadState(state, step: step)
    }
    return part
  }

  /// Takes over what a part that goes had kept, and ends it.
  private func retire(_ part: any Part, _ role: String, _ id: String?) throws {
    if let state = try part.saveState(step: step) { kept["\(role).\(id ?? "")"] = state }
    try part.finish(step: step)
  }

  // MARK: One step

  /// Why steps with the parts in force cannot be recorded; nil where they can.
  var obstacleToRecording: String? {
    if let updater = parts.updater { return "the updater '\(updater.id)' may look at what a step did" }
    if parts.transform != nil { return "the transform of the losses is a function on the processor" }
    if case .function(let function)? = parts.reweighter {
      return "the reweighter '\(function.symbol)' is a function on the processor"
    }
    let others: [StrategyInstance?] = [objective, reweighter as? ReweighterInstance]
    let manifests = others.compactMap { $0?.strategy.manifest }
    return manifests.first { !$0.isCapturable }.map { "the manifest of '\($0.id)' does not say that it is capturable" }
  }

  /// Does a step in which parts draw in a way that can be recorded.
  func drawing<Result>(from draws: StepDraws, _ body: () throws -> Result) throws -> Result {
    loader.draws = draws
    defer { loader.draws = nil }
    let result = try body()
    do { try draws.end() } catch { throw EngineError.mismatch("\(error)") }
    return result
  }

  /// The terms of a batch with their weights and values. `share` is the batch's part of the step's samples, `part` which
  /// batch of the step it is.
  func terms(
    of batch: BatchSource.Batch, _ progress: PluginHost.Progress, share: Double, part: Int = 0,
    sets: PluginHost.SampleSet = .both
  ) throws -> [WeighedTerm] {
    let shown = Batch(
      forgetCount: batch.forgetCount, retainCount: batch.retainCount, inputs: batch.images, labels: batch.labels,
      indices: batch.indices)
    let terms = try objective.terms(
      progress: progress, batches: [shown], sets: sets, schedule: parts.schedule.rawValue, microBatch: part)
    return try terms.map { found in
      let term = try transform?.apply(to: found, progress: progress) ?? found
      guard let losses = term.losses else {
        guard let penalty = term.penalty else { preconditionFailure("a term is losses or a penalty") }
        let scale = term.coefficient * share
        return WeighedTerm(
          name: term.name, set: [], scale: scale, losses: nil, weights: nil, value: try penalty * scale)
      }
      let n = losses.count
      // Under a joint schedule a term counts by its share of the batch.
      let isJoint = parts.schedule == .joint
      let scale = term.coefficient * share * (isJoint ? Double(n) / Double(batch.count) : 1)
      var weights: Tensor?
      if let reweighter {
        let answer = try reweighter.weights(for: term, progress: progress)
        weights = answer.tensor
        if let check = answer.valueCheck { checks.append(check) }
      }
      var factors = try weights ?? uniformWeights(n, like: losses)
      if let importance = term.importance { factors = try factors * importance }
      return WeighedTerm(
        name: term.name, set: term.set, scale: scale, losses: try losses.detach(), weights: weights,
        value: try (factors * losses).sum() * scale)
    }
  }

  /// The gradients of a batch's terms: one of their sum in one backward pass, or one for each term where an updater joins
  /// them and does not know their factors beforehand.
  func sum(_ terms: [WeighedTerm], _ progress: PluginHost.Progress, learningRate: Double) throws -> StepSum {
    guard let updater, updater.combines else { return try StepSum(together: terms, learner) }
    if updater.scalesTerms {
      let shown = try terms.map {
        StepTerm(name: $0.name, set: $0.set, coefficient: $0.scale, loss: try $0.value.detach())
      }
      if let scales = try updater.scales(progress: progress, terms: shown, learningRate: learningRate) {
        return try StepSum(together: terms, scales: scales, learner)
      }
    }
    return try StepSum(separately: terms, learner)
  }

  /// What the optimizer gets: masked gradients, combined where an updater says so; whole ones where the update masks.
  ///
  /// - Parameter window: the step's batches, for updaters that evaluate terms again.
  func direction(
    _ sum: StepSum, _ progress: PluginHost.Progress, learningRate: Double, window: @escaping StepWindow
  ) throws -> [Tensor] {
    guard let updater, sum.isSeparate else {
      if !learner.masksInUpdate { try learner.masked(sum.gradients[0]) }
      return sum.gradients[0]
    }
    for gradients in sum.gradients { try learner.masked(gradients) }
    let step = CombinedStep(sum, learner, learningRate: learningRate) { sets, round, takesGradients in
      try self.sum(of: sets, inRound: round, progress, takesGradients: takesGradients, window)
    }
    let direction = try updater.combine(
      progress: progress, step: step, parameters: try world.parameters(of: ModelHandle(0)))
    try step.restore()
    return direction
  }

  /// The terms of some sets at the weights as they are now.
  private func sum(
    of sets: PluginHost.SampleSet, inRound round: Int, _ progress: PluginHost.Progress, takesGradients: Bool,
    _ window: StepWindow
  ) throws -> StepSum? {
    try seedStep(plan.seed, progress.step, round: round)
    var sum: StepSum?
    try window(round) { batch, share, part in
      let isShown = sets.contains(.forget) && batch.forgetCount > 0 || sets.contains(.retain) && batch.retainCount > 0
      guard isShown else { return }
      let terms = try terms(of: batch, progress, share: share, part: part, sets: sets)
      let new = try takesGradients ? StepSum(separately: terms, learner) : StepSum(valuesOf: terms)
      if let old = sum { try old.add(new) } else { sum = new }
    }
    for gradients in sum?.gradients ?? [] { try learner.masked(gradients) }
    return sum
  }

  /// What runs after the optimizer's step; nil where nothing does.
  func afterStep(_ progress: PluginHost.Progress, _ learningRate: Double) -> (() throws -> Void)? {
    guard let updater, updater.actsAfterStep else { return nil }
    return { try updater.afterStep(progress: progress, learningRate: learningRate) }
  }

  /// The checks of the step under way, which is over.
  func takeChecks() -> [ValueCheck] {
    defer { checks = [] }
    return checks
  }

  /// Remembers the checks of a step until somebody looks; `copies` where the next step writes over their flags.
  func remember(_ checks: [ValueCheck], of step: Int, copies: Bool) throws {
    for check in checks {
      promises.append((copies ? try check.isBroken.clone() : check.isBroken, check.error(step)))
    }
  }

  /// Reads whether reweighters kept their promises since the last check, and tells what plugins reported.
  func checkPromises() throws {
    defer { promises = [] }
    for promise in promises where try promise.isBroken.item() != 0 { throw promise.error }
    try world.tellReports()
  }

  private func uniformWeights(_ n: Int, like losses: Tensor) throws -> Tensor {
    if let known = uniform[n] { return known }
    let made = try Tensor.full([n], 1 / Double(n), dtype: losses.dtype, device: losses.device)
    uniform[n] = made
    return made
  }
}

extension SwapPlan {
  /// What it changes, by role, with what there is afterwards.
  fileprivate var roles: [String: String] {
    var roles: [String: String] = [:]
    roles["objective"] = objective?.id
    roles["reweighter"] = reweighter.map { $0.part?.id ?? "none" }
    roles["mask"] = mask.map { $0.part?.part.id ?? "none" }
    roles["updater"] = updater.map { $0.part?.id ?? "none" }
    roles["schedule"] = schedule?.rawValue
    roles["learning rate"] = learningRate.map { "\($0)" }
    if let part = tune?.objective { roles["objective"] = part.text }
    if let part = tune?.reweighter { roles["reweighter"] = part.text }
    if let part = tune?.updater { roles["updater"] = part.text }
    return roles
  }
}

extension ReweighterPlan {
  /// The strategy's id, or the function's symbol.
  fileprivate var id: String {
    switch self {
    case .part(let part): part.id
    case .function(let function): function.symbol
    }
  }
}
