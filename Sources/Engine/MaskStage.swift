import Foundation
import Learning
import PluginHost
import Runs
import Tensors

/// Makes masks: walks over the data as a mask plugin asks, and turns its scores into a choice of weights.
///
/// Scores are kept by what decided them, so that every density of the same scores costs one walk.
struct MaskStage {
  let plan: RunPlan
  let shared: Workbench.Shared
  let model: TrainableModel
  let loader: PartLoader
  let cancel: CancelFlag
  let reporter: Reporter

  /// The mask of a plan for the model as it is now, after so many steps.
  func mask(_ mask: MaskPlan, after step: Int) throws -> WeightMask {
    try reporter.phase(.mask) {
      let instance = try loader.mask(mask.part, step: nil)
      let (scores, isCached) = try scores(instance, mask)
      let active: [Tensor]
      if instance.answer == .mask {
        active = try scores.map { try $0.differs(from: 0) }
      } else {
        switch mask.selection {
        case .keep(let share): active = try WeightMask.selecting(scores, keep: share)
        case .threshold(let least): active = try WeightMask.selecting(scores, threshold: least)
        }
      }
      let made = try WeightMask(active: active, like: model.parameters.map(\.tensor))
      try reporter.say(
        .log(plugin: mask.part.id, level: "info", message: "\(made.kept) of \(made.total) weights may move"))
      let parameters = zip(model.parameters, made.counts).map { parameter, kept in
        ParameterDensity(name: parameter.name, kept: kept, total: parameter.tensor.count)
      }
      try reporter.say(.maskDensity(MaskDensity(step: step, plugin: mask.part.id, parameters: parameters)))
      return (made, cached: isCached)
    }
  }

  /// A plan's mask for the model as it is now, once for each share of weights that may move, whatever the plan selects.
  ///
  /// - Parameter body: takes a share and, for each parameter, booleans of its shape.
  /// - Throws: `EngineError.mismatch` where the plugin makes a mask itself.
  func masks(
    _ mask: MaskPlan, keeping shares: [Double], _ body: (_ keep: Double, _ active: [Tensor]) throws -> Void
  ) throws {
    try reporter.phase(.mask) {
      let instance = try loader.mask(mask.part, step: nil)
      guard instance.answer == .scores else {
        throw EngineError.mismatch(
          "'\(mask.part.id)' says itself which weights may move, so its mask has one density; take it with: lethe run")
      }
      let (scores, isCached) = try scores(instance, mask)
      try WeightMask.selecting(scores, keeping: shares) { number, active in
        try cancel.check()
        try body(shares[number], active)
      }
      return ((), cached: isCached)
    }
  }

  /// Scores for each parameter, from the cache where the same walk was made before.
  private func scores(_ instance: MaskInstance, _ mask: MaskPlan) throws -> (scores: [Tensor], cached: Bool) {
    let folder = cacheFolder().appendingPathComponent("scores")
    let file = folder.appendingPathComponent("\(try key(mask)).safetensors")
    let names = model.parameters.map(\.name)
    if FileManager.default.fileExists(atPath: file.path) {
      let stored = try SafeTensors.read(file.path).tensors
      if stored.map(\.name) == names { return (try stored.map { try $0.tensor.to(shared.device) }, true) }
    }
    let scores = try walk(instance, mask)
    try makeFolder(folder)
    try SafeTensors.write(
      zip(names, scores).map { ($0, $1) }, metadata: ["made-by": "lethe", "plugin": mask.part.id], to: file.path)
    return (scores, false)
  }

  /// Everything that decides the scores: the weights, the data, the plugin's bytes and parameters, the arithmetic.
  private func key(_ mask: MaskPlan) throws -> String {
    var hash = SHA256()
    for (_, tensor) in model.state { hash.update(try tensor.contiguous().bytes()) }
    let decisive =
      "\(shared.seen.split.sha256) \(mask.part.sha256) \(mask.part.id) \(mask.part.parameters) \(mask.batch ?? 0) "
      + "\(plan.seed) \(plan.precision) \(plan.channelsLast) \(plan.device) \(plan.data) \(plan.walkBatch) "
      + "\(plan.walkOptimizer) \(plan.diffusion.map { "\($0)" } ?? "")"
    hash.update(Array(decisive.utf8))
    return hash.hexadecimal()
  }

  private func walk(_ instance: MaskInstance, _ mask: MaskPlan) throws -> [Tensor] {
    try instance.prepare()
    let names = model.parameters.map(\.name)
    let parameters = NamedTensors(names: names, tensors: model.parameters.map(\.tensor))
    let walk = try instance.begin(parameters: parameters, walk: Walk(batch: mask.batch ?? plan.walkBatch))
    // A walk that takes steps or moves running statistics does so on the model itself, which is put back afterwards.
    let before = try model.state.map { try $0.tensor.detach().clone() }
    defer { putBack(before) }
    let walker = try Learner(model: model, settings: plan.walkOptimizer.settings)
    let source = try BatchSource(
      store: shared.seen.train,
      augmentation: Augmentation(crop: plan.data.augment.crop, flip: plan.data.augment.flip),
      channelsLast: plan.channelsLast, seed: plan.seed, device: shared.device)
    let split = shared.seen.split
    let streams = instance.strategy.manifest.streams
    let order = EpochPlan(
      seed: plan.seed, epoch: 0, forget: streams.contains("forget") ? split.forget : [],
      retain: streams.contains("retain") ? split.retain : [], batch: walk.batch, schedule: .sequential)
    try source.begin(order)
    for (number, slice) in order.steps.enumerated() {
      try cancel.check()
      try seedStep(plan.seed, number)
      try walker.begin()
      let batch = try source.batch(slice, step: number)
      let loss = try shared.task.losses(
        model, batch.images, batch.labels, training: walk.trains, guidance: walk.guidance
      ).losses.mean()
      let gradients = try gradient(of: [loss], withRespectTo: walker.parameters, allowUnused: true)
      try instance.accumulate(gradients: NamedTensors(names: names, tensors: gradients), count: batch.count)
      if walk.steps {
        try walker.step(
          gradients.compactMap(\.self), loss: loss.detach(), learningRate: plan.walkOptimizer.learningRate)
      }
      reporter.progress(.mask, done: number + 1, total: order.steps.count, unit: "batches")
    }
    let scores = try instance.scores(parameters: parameters)
    try instance.finish()
    return scores
  }

  private func putBack(_ before: [Tensor]) {
    withoutGradients {
      for (entry, old) in zip(model.state, before) {
        do { try entry.tensor.assign(old) } catch { preconditionFailure("a tensor takes a copy of itself: \(error)") }
      }
    }
  }
}
