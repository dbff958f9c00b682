package import Foundation
package import Learning
import PluginHost
package import Runs
import Tensors

/// Carries out a plan, step by step, and says so in events.
package struct Engine {
  let plan: RunPlan
  let folder: RunFolder
  let cancel: CancelFlag
  private let workbench: Workbench
  private let tensorBoard: Bool
  let sink: (RunEvent) -> Void
  let desk: ControlDesk

  /// An engine for one plan.
  ///
  /// - Parameters:
  ///   - folder: where the run's files go; made when it is not there.
  ///   - workbench: what runs of one comparison share.
  ///   - tensorBoard: whether an event file for TensorBoard is among the run's files.
  ///   - cancel: raised by the user's signal; answered within a step.
  ///   - sink: gets every event, on the thread of the run.
  package init(
    plan: RunPlan, folder: URL, workbench: Workbench = Workbench(), tensorBoard: Bool = true, cancel: CancelFlag,
    sink: @escaping (RunEvent) -> Void
  ) {
    self.plan = plan
    self.folder = RunFolder(url: folder)
    FlightRecorder.note(folder: folder.path)
    self.workbench = workbench
    self.tensorBoard = tensorBoard
    self.cancel = cancel
    let desk = ControlDesk(plan: plan, cancel: cancel)
    self.desk = desk
    self.sink = { event in
      desk.hear(event)
      sink(event)
    }
  }

  /// Carries out the plan from its beginning.
  package func carryOut() throws -> RunReport {
    if plan.isSequence {
      return try StagedRun(plan, folder.url, workbench, tensorBoard: tensorBoard, cancel, sink).carryOut()
    }
    try folder.prepare()
    try RunFolder.write(Data(plan.yaml().utf8), to: folder.plan)
    for leftover in folder.results + folder.tensorBoardFiles {
      try? FileManager.default.removeItem(at: leftover)
    }
    let reporter = Reporter(sink: sink)
    try reporter.record(in: folder, appending: false, tensorBoard: tensorBoard)
    return try run(reporter, from: nil)
  }

  /// Goes on with the run of a folder, bit for bit, from its last checkpoint.
  ///
  /// - Parameter without: roles whose part is taken away before the first step: `reweighter`, `updater`.
  package static func resume(
    _ folder: URL, without: [String] = [], tensorBoard: Bool = true, cancel: CancelFlag,
    sink: @escaping (RunEvent) -> Void
  ) throws -> RunReport {
    let files = RunFolder(url: folder)
    let (plan, events) = try files.record()
    if plan.isSequence {
      return try StagedRun(plan, folder, Workbench(), tensorBoard: tensorBoard, cancel, sink).goOn(after: events)
    }
    if case .finished = events.last?.what { throw EngineError.alreadyFinished(path: folder.path) }
    try ControlSocket.checkFree(in: folder)
    var checkpoint: Checkpoint?
    if FileManager.default.fileExists(atPath: files.checkpoint.path) {
      checkpoint = try Checkpoint(reading: files.checkpoint)
      guard checkpoint?.planHash == digest(plan.canonicalJSON()) else {
        throw EngineError.foreignCheckpoint(path: files.checkpoint.path, reason: "it was made by another plan")
      }
    }
    if plan.isMeasurement(events) { throw EngineError.onlyMeasures(path: folder.path) }
    guard without.isEmpty || plan.pipeline != nil else { throw EngineError.noPipeline }
    let engine = Engine(plan: plan, folder: folder, tensorBoard: tensorBoard, cancel: cancel, sink: sink)
    let reporter = Reporter(earlier: events, sink: engine.sink)
    try reporter.record(in: files, appending: true, tensorBoard: tensorBoard)
    var changes = RunPlan.changes(in: events)
    if !without.isEmpty {
      // What was asked for after the checkpoint was asked of a run with all its parts.
      changes.removeAll { $0.step > checkpoint?.step ?? 0 }
      let removal = ChangeRecord(removing: without, step: checkpoint?.step ?? 0)
      try reporter.say(.changed(removal))
      changes.append(removal)
      checkpoint?.takeAway(number: plan.swaps.count + changes.count { $0.crossing == nil } - 1)
    }
    return try engine.run(reporter, from: checkpoint, changes: changes)
  }

  /// Measures weights from elsewhere: no unlearning, no plugin.
  package func evaluate(weights: String) throws -> RunReport {
    try folder.prepare()
    try RunFolder.write(Data(plan.yaml().utf8), to: folder.plan)
    let reporter = Reporter(sink: sink)
    try reporter.record(in: folder, appending: false, tensorBoard: tensorBoard)
    do {
      return try answeringInterrupts(reporter, step: { 0 }) {
        var start = try start(resumedAt: nil)
        start.weights = weights
        try reporter.say(.runStarted(start))
        let shared = try prepare(reporter)
        let library = ModelLibrary(
          plan: plan, task: shared.task, data: shared.data, device: shared.device, cache: cacheFolder(), cancel: cancel,
          reporter: reporter)
        let model = try library.loaded(weights)
        let pictures = try measure(shared, model, seconds: nil, reporter)
        return try finish(
          reporter, RunEnd(steps: 0, unlearnSeconds: 0, files: ["weights": weights].merging(pictures) { $1 }))
      }
    } catch EngineError.interrupted(let signal, _) {
      throw EngineError.startsAnew(what: "a measurement", signal: signal)
    }
  }

  private func run(
    _ reporter: Reporter, from checkpoint: Checkpoint?, changes: [ChangeRecord] = []
  ) throws -> RunReport {
    if let procedure = plan.procedure { return try run(procedure, reporter) }
    guard let pipeline = plan.pipeline else { return try measureModels(reporter) }
    var unlearning: Unlearning?
    return try attended(reporter, from: checkpoint, step: { unlearning?.step ?? checkpoint?.step ?? 0 }) {
      let shared = try prepare(reporter)
      let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
      try model.load(shared.original.state)
      let work = try Unlearning(
        plan: plan, pipeline: pipeline, model: model, shared: shared, folder: folder, changes: changes, desk: desk,
        cancel: cancel, reporter: reporter, recorder: plan.stepRecorder(on: shared.device))
      unlearning = work
      try work.begin(from: checkpoint)
      try reporter.phase(.unlearn) { (try work.run(), cached: false) }
      desk.close("all steps of the run are taken; it is being measured")
      try model.save(file: folder.weights.path, metadata: weightsMetadata)
      var files = try measure(shared, model, seconds: work.seconds, reporter)
      files["weights"] = folder.weights.lastPathComponent
      files["split"] = folder.split.lastPathComponent
      if let exported = try export(model, shared) { files["diffusers"] = exported }
      if work.hasBest { files["best"] = folder.bestWeights.lastPathComponent }
      return try finish(reporter, RunEnd(steps: work.step, unlearnSeconds: work.seconds, files: files))
    }
  }

  /// Takes the steps of the plan, with changes that were asked for on the way, and writes the weights: no more.
  func repeatSteps(_ changes: [ChangeRecord]) throws -> Int {
    guard let pipeline = plan.pipeline else { throw EngineError.noPipeline }
    try folder.prepare()
    let reporter = Reporter(sink: sink)
    try reporter.record(in: folder, appending: false, tensorBoard: false)
    do {
      try reporter.say(.runStarted(try start(resumedAt: nil)))
      let shared = try prepare(reporter)
      let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
      try model.load(shared.original.state)
      let work = try Unlearning(
        plan: plan, pipeline: pipeline, model: model, shared: shared, folder: folder, changes: changes, cancel: cancel,
        reporter: reporter, recorder: plan.stepRecorder(on: shared.device))
      try work.begin(from: nil)
      try reporter.phase(.unlearn) { (try work.run(), cached: false) }
      try model.save(file: folder.weights.path, metadata: weightsMetadata)
      try? FileManager.default.removeItem(at: folder.checkpoint)
      return work.step
    } catch LearningError.interrupted(let signal) {
      throw EngineError.replayInterrupted(signal: signal)
    }
  }

  private func run(_ procedure: ProcedurePlan, _ reporter: Reporter) throws -> RunReport {
    try attended(reporter) {
      let shared = try prepare(reporter)
      let model = try ModelLibrary.blank(plan, shared.data, shared.device, seed: 0)
      try model.load(shared.original.state)
      let stage = ProcedureStage(
        plan: plan, procedure: procedure, model: model, shared: shared, cancel: cancel, reporter: reporter)
      let seconds = try reporter.phase(.unlearn) { (try stage.carryOut(), cached: false) }
      try model.save(file: folder.weights.path, metadata: weightsMetadata)
      var files = try measure(shared, model, seconds: seconds, reporter)
      files["weights"] = folder.weights.lastPathComponent
      files["split"] = folder.split.lastPathComponent
      return try finish(reporter, RunEnd(steps: 0, unlearnSeconds: seconds, files: files))
    }
  }

  /// `pipeline: none`: makes or finds the original and the retrained model, and measures them.
  private func measureModels(_ reporter: Reporter) throws -> RunReport {
    try attended(reporter) {
      var files = try measure(try prepare(reporter), nil, seconds: nil, reporter)
      files["split"] = folder.split.lastPathComponent
      return try finish(reporter, RunEnd(steps: 0, unlearnSeconds: 0, files: files))
    }
  }

  /// A run from its first event to its end: it can be asked things by `lethe ctl`, and a stop says how to go on.
  private func attended(
    _ reporter: Reporter, from checkpoint: Checkpoint? = nil, step: () -> Int = { 0 }, _ body: () throws -> RunReport
  ) throws -> RunReport {
    var socket: ControlSocket?
    defer {
      desk.close("the run has ended")
      socket?.close()
    }
    return try answeringInterrupts(reporter, step: step) {
      try reporter.say(.runStarted(try start(resumedAt: checkpoint?.step)))
      socket = try listen(reporter)
      return try body()
    }
  }

  /// The socket for `lethe ctl`; nil, with a word about it, where there can be none.
  private func listen(_ reporter: Reporter) throws -> ControlSocket? {
    do throws(EngineError) { return try ControlSocket(in: folder.url, desk: desk) } catch {
      if case .busy = error { throw error }
      try reporter.say(.log(plugin: "lethe", level: "warning", message: "\(error)"))
      return nil
    }
  }

  private var weightsMetadata: [String: String] {
    ["made-by": "lethe", "plan": digest(plan.canonicalJSON()), "name": plan.name]
  }

  func prepare(_ reporter: Reporter) throws -> Workbench.Shared {
    try PartLoader.checkTrust(plan)
    try FunctionChecks(plan).run()
    return try workbench.prepare(plan, cancel: cancel, reporter: reporter) { data in
      try RunFolder.write(Data(data.split.json()), to: folder.split)
      try reporter.say(.splitReady(data.summary))
      // Found out now, not after an hour of training.
      if let attack = plan.evaluate.metrics.first(where: \.isSupportVectorAttack),
        data.split.retain.count < data.split.test.count
      {
        throw LearningError.tooFewRetained(
          metric: attack.rawValue, retain: data.split.retain.count, test: data.split.test.count)
      }
    }
  }

  /// The unlearned U-Net as a folder that diffusers loads; nil for a network that diffusers does not have.
  private func export(_ model: TrainableModel, _ shared: Workbench.Shared) throws -> String? {
    guard let model = model as? Denoiser, let task = shared.task as? DiffusionTask else { return nil }
    let target = folder.url.appendingPathComponent("unlearned-diffusers")
    switch plan.model {
    case .unetFolder(let source): try DiffusersFolder.read(source).write(model, to: target.path)
    case .unet(let unet):
      let config = try unet.config(inputShape: model.inputShape, classes: shared.data.classNames.count)
      try DiffusersFolder(config: config, schedule: task.table.schedule).write(model, to: target.path)
    default: return nil
    }
    return target.lastPathComponent
  }

  private func measure(
    _ shared: Workbench.Shared, _ model: TrainableModel?, seconds: Double?, _ reporter: Reporter
  ) throws -> [String: String] {
    if let task = shared.task as? DiffusionTask {
      let measuring = DiffusionMeasuring(
        plan: plan, shared: shared, task: task, folder: folder, cancel: cancel, reporter: reporter)
      return try reporter.phase(.evaluate) { (try measuring.carryOut(model, seconds: seconds), cached: false) }
    }
    let measuring = Measuring(plan: plan, shared: shared, cancel: cancel, reporter: reporter)
    try reporter.phase(.evaluate) { (try measuring.carryOut(model, seconds: seconds), cached: false) }
    return [:]
  }

  private func finish(_ reporter: Reporter, _ end: RunEnd) throws -> RunReport {
    var end = end
    end.hashes = folder.hashes(of: end.files)
    try reporter.say(.finished(end))
    let report = try RunReport(folding: reporter.events)
    try RunFolder.write(Data(report.json().utf8), to: folder.reportJSON)
    try RunFolder.write(Data(report.markdown().utf8), to: folder.reportMarkdown)
    let page = report.html(plan: plan.yaml(), pictures: folder.pictures(report.files))
    try RunFolder.write(Data(page.utf8), to: folder.reportHTML)
    try RunFolder.write(Data(report.csv().utf8), to: folder.metricsCSV)
    for leftover in [folder.checkpoint, folder.artifacts] { try? FileManager.default.removeItem(at: leftover) }
    return report
  }

  func start(resumedAt step: Int?) throws -> RunStart {
    let runtime = try TorchRuntime.shared()
    var versions = ["lethe": letheVersion, "libtorch": runtime.version, "swift": swiftVersion]
    versions["device"] = plan.device
    versions["threads"] = String(plan.threads ?? runtime.threads)
    return RunStart(
      planHash: digest(plan.canonicalJSON()), name: plan.name, variant: plan.variant, seed: plan.seed,
      origins: plan.origins, resumedAt: step, versions: versions, plugins: plan.plugins, inputs: plan.inputs)
  }

  /// Turns a stop into an event and the error that says how to go on.
  private func answeringInterrupts(
    _ reporter: Reporter, step: () -> Int, _ body: () throws -> RunReport
  ) throws -> RunReport {
    do {
      return try body()
    } catch LearningError.interrupted(let signal) {
      reporter.trySaying(.interrupted(signal: signal, step: step()))
      throw EngineError.interrupted(signal: signal, folder: folder.url.path)
    } catch let error as EngineError {
      if case .notFinite(let step, let what, _) = error {
        reporter.trySaying(.stoppedOnNaN(step: step, reason: what))
      }
      throw error
    }
  }
}

extension RunFolder {
  /// SHA-256 of those of its files that are single files, by what they are.
  fileprivate func hashes(of files: [String: String]) -> [String: String] {
    files.compactMapValues { fileDigest($0.hasPrefix("/") ? $0 : url.appendingPathComponent($0).path) }
  }
}

extension RunPlan {
  /// SHA-256 of the weights that it begins with, by their paths; nil where it trains all of them.
  fileprivate var inputs: [String: String]? {
    var inputs: [String: String] = [:]
    for case .weights(let file) in [base, retrained] { inputs[file] = fileDigest(file) }
    return inputs.isEmpty ? nil : inputs
  }

  /// What makes the original and the retrained model, as SHA-256 by model.
  fileprivate var origins: [String: String] {
    var origins: [String: String] = [:]
    for (model, source, key) in [
      (MeasuredModel.original, base, baseKeyJSON()), (.retrained, retrained, retrainedKeyJSON()),
    ] {
      switch source {
      case .none: break
      case .weights(let file): origins[model.text] = digest("weights \(file)")
      case .train: origins[model.text] = key.map(digest)
      }
    }
    return origins
  }
}

extension RunPlan {
  /// Whether a folder with these events is one in which weights from elsewhere were to be measured, or may be.
  func isMeasurement(_ events: [RunEvent]) -> Bool {
    for case .runStarted(let start) in events.map(\.what) { return start.weights != nil }
    return pipeline == nil && procedure == nil
  }
}

extension PipelinePlan {
  /// Exactly which bytes carry it out.
  var plugins: [PluginUse] {
    var uses = [objective.use(as: .objective)]
    if let transform { uses.append(transform.plain.use(as: .transform)) }
    switch reweighter {
    case .part(let part)?: uses.append(part.use(as: .reweighter))
    case .function(let function)?:
      uses.append(function.use(as: .reweighter))
    case nil: break
    }
    if let mask { uses.append(mask.part.use(as: .mask)) }
    if let updater { uses.append(updater.use(as: .updater)) }
    return uses
  }
}

extension PartPlan {
  /// Exactly which bytes carry it out.
  func use(as role: PartRole) -> PluginUse { PluginUse(role: role, id: id, version: version, sha256: sha256) }
}
