import Foundation
import Learning
package import Runs
import Tensors

extension Engine {
  /// Makes the plan's mask in several densities from one walk and one selection, and writes them. Nothing is unlearned, and
  /// the folder does not become that of a run: there is no record to go on from.
  ///
  /// - Parameter shares: of weights that may move, above 0 and at most 1, rising.
  /// - Throws: `EngineError.mismatch` where the plan has no mask, or one that has a single density.
  package func masks(keeping shares: [Double]) throws -> MaskReport {
    guard let mask = plan.pipeline?.mask ?? plan.procedure?.mask else {
      throw EngineError.mismatch("the plan has no mask")
    }
    try folder.prepare()
    try RunFolder.write(Data(plan.yaml().utf8), to: folder.plan)
    let reporter = Reporter(sink: sink)
    do {
      let shared = try prepare(reporter)
      let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
      try model.load(shared.original.state)
      let world = World(plan: plan, model: model, shared: shared, cancel: cancel, reporter: reporter)
      let stage = MaskStage(
        plan: plan, shared: shared, model: model, loader: PartLoader(world: world, cancel: cancel), cancel: cancel,
        reporter: reporter)
      var report = MaskReport(
        name: plan.name, planHash: digest(plan.canonicalJSON()), plugin: mask.part.use(as: .mask), masks: [])
      try stage.masks(mask, keeping: shares) { keep, active in
        report.masks.append(try write(active, keep, of: model, for: report))
      }
      for (file, text) in [("masks.json", report.json()), ("masks.html", report.html())] {
        try RunFolder.write(Data(text.utf8), to: folder.url.appendingPathComponent(file))
      }
      return report
    } catch LearningError.interrupted(let signal) {
      throw EngineError.startsAnew(what: "a choice of weights", signal: signal)
    }
  }

  private func write(
    _ active: [Tensor], _ keep: Double, of model: TrainableModel, for report: MaskReport
  ) throws -> MaskReport.Entry {
    let counts = try Tensor.stack(active.map { try $0.sum() }).int64s()
    let parameters = zip(model.parameters, counts).map { parameter, kept in
      ParameterDensity(name: parameter.name, kept: Int(kept), total: parameter.tensor.count)
    }
    let entry = MaskReport.Entry(keep: keep, file: "mask-\(keep).safetensors", parameters: parameters)
    try SafeTensors.write(
      zip(model.parameters, active).map { ($0.name, $1) },
      metadata: [
        "format": "lethe-mask-1", "made-by": "lethe", "plan": report.planHash, "plugin": report.plugin.id,
        "plugin-sha256": report.plugin.sha256, "keep": "\(keep)", "kept": String(entry.kept),
        "total": String(parameters.reduce(0) { $0 + $1.total }),
      ], to: folder.url.appendingPathComponent(entry.file).path)
    return entry
  }
}
