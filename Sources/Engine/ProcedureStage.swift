import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// Carries out a method that takes no steps: one call that changes the weights, under a mask or not.
struct ProcedureStage {
  let plan: RunPlan
  let procedure: ProcedurePlan
  let model: TrainableModel
  let shared: Workbench.Shared
  let cancel: CancelFlag
  let reporter: Reporter

  /// Changes the model; gives the seconds that it took, mask included.
  ///
  /// - Throws: `EngineError.mismatch` where a weight is not finite afterwards.
  func carryOut() throws -> Double {
    let clock = ContinuousClock()
    let began = clock.now
    let world = World(plan: plan, model: model, shared: shared, cancel: cancel, reporter: reporter)
    let loader = PartLoader(world: world, cancel: cancel)
    let stage = MaskStage(
      plan: plan, shared: shared, model: model, loader: loader, cancel: cancel, reporter: reporter)
    let instance = try loader.procedure(procedure.part)
    try instance.prepare()
    let mask = try procedure.mask.map { try stage.mask($0, after: 0) }
    let held = try mask.map { try HeldWeights(model.parameters.map(\.tensor), active: $0.active) }
    try instance.run(ModelHandle(0))
    try withoutGradients { try held?.putBack() }
    try instance.finish()
    for (name, tensor) in model.parameters where try tensor.detach().isFinite().all().item() == 0 {
      throw EngineError.mismatch(
        "'\(procedure.part.id)' left a value in '\(name)' that is not finite; a smaller step may help")
    }
    try world.tellReports()
    return (clock.now - began).seconds
  }
}

extension RunPlan {
  /// The rule of the steps that a mask's walk may take; a procedure has none of its own.
  var walkOptimizer: OptimizerPlan { pipeline?.optimizer ?? .standard(.sgd, learningRate: 0.01) }

  /// Samples a batch of a mask's walk, where the mask does not say.
  var walkBatch: Int { pipeline?.batch ?? procedure?.batch ?? 256 }

  /// Exactly which bytes carry it out.
  var plugins: [PluginUse] { changing + (evaluate.plugins ?? []).map(\.use) }

  private var changing: [PluginUse] {
    guard let procedure else { return pipeline?.plugins ?? [] }
    return [procedure.part.use(as: .procedure)] + (procedure.mask.map { [$0.part.use(as: .mask)] } ?? [])
  }
}
