import Foundation
import Learning
package import Runs
import Tensors

extension Engine {
  /// Makes the plan's mask in several densities from one walk and one selection, and writes them. Nothing is unlearned.
  ///
  /// - Parameter shares: of weights that may move, above 0 and at most 1, rising.
  /// - Throws: `EngineError.mismatch` where the plan has no mask, or one that has a single density.
  package func masks(keeping shares: [Double]) throws -> MaskReport {
    guard let mask = plan.pipeline?.mask ?? plan.procedure?.mask else {
      throw EngineError.mismatch("the plan has no mask")
    }
    let reporter = try begin()
    do {
      try reporter.say(.runStarted(try start(resumedAt: nil)))
      let shared = try prepare(reporter)
      let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
      try model.load(shared.original.state)
      let world = World(plan: plan, model: model, shared: shared, cancel: cancel, reporter: reporter)
      let stage = MaskStage(
        plan: plan, shared: shared, model: model, loader: PartLoader(world: world, cancel: cancel), cancel: cancel,
        reporter: reporter)
      let masks = try stage.masks(mask, keeping: shares)
      return try write(zip(shares, masks).map { ($0, $1) }, of: model, by: mask.part)
    } catch LearningError.interrupted(let signal) {
      throw EngineError.startsAnew(what: "the making of masks", signal: signal)
    }
  }

  private func write(_ masks: [(keep: Double, mask: WeightMask)], of model: TrainableModel, by part: PartPlan) throws
    -> MaskReport
  {
    let hash = digest(plan.canonicalJSON())
    let names = model.parameters.map(\.name)
    let entries = try masks.map { keep, mask in
      let file = "mask-\(keep).safetensors"
      try SafeTensors.write(
        zip(names, mask.active).map { ($0, $1) },
        metadata: [
          "format": "lethe-mask-1", "made-by": "lethe", "plan": hash, "plugin": part.id, "plugin-sha256": part.sha256,
          "keep": "\(keep)", "kept": String(mask.kept), "total": String(mask.total),
        ], to: folder.url.appendingPathComponent(file).path)
      return MaskReport.Entry(
        keep: keep, file: file,
        parameters: zip(model.parameters, mask.counts).map { parameter, kept in
          ParameterDensity(name: parameter.name, kept: kept, total: parameter.tensor.count)
        })
    }
    let report = MaskReport(name: plan.name, planHash: hash, plugin: part.use(as: .mask), masks: entries)
    for (file, text) in [("masks.json", report.json()), ("masks.html", report.html())] {
      try RunFolder.write(Data(text.utf8), to: folder.url.appendingPathComponent(file))
    }
    return report
  }
}
