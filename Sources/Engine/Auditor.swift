package import Foundation
package import Learning
package import Runs
import Tensors

/// Makes the models of an audit one by one, each once for all audits that need it, and measures what comes out.
///
/// Several processes make models of one audit side by side, each with an auditor of its own.
package final class Auditor {
  private let plan: AuditPlan
  private let cancel: CancelFlag
  private let sink: (RunEvent) -> Void
  private var loaded: Loaded?

  private struct Loaded {
    let data: PreparedData
    let device: Device
    let design: AuditDesign
  }

  /// An auditor; opens nothing.
  ///
  /// - Parameter sink: gets warnings and progress, on the thread that makes models.
  package init(plan: AuditPlan, cancel: CancelFlag, sink: @escaping (RunEvent) -> Void) {
    self.plan = plan
    self.cancel = cancel
    self.sink = sink
  }

  /// What is to be made, and how much of it is in the cache already.
  package func budget(processes: Int) throws -> AuditBudget {
    let ready = try ready()
    let model = try ModelLibrary.blank(plan.run, ready.data, ready.device, seed: 0)
    let rows = try AuditJob.Kind.allCases.compactMap { kind -> AuditBudget.Row? in
      let jobs = plan.jobs.filter { $0.kind == kind }
      guard let job = jobs.first else { return nil }
      let made = try jobs.compactMap { try stored($0)?.seconds }
      let trained = try jobs.count { try stored($0) == nil && isTrained($0, ready.design) }
      let training = kind == .retrained ? plan.retraining : plan.training
      return AuditBudget.Row(
        kind: kind.rawValue, count: jobs.count, cached: made.count, trained: trained, samples: samples(of: jobs),
        epochs: training?.epochs ?? 0, unlearns: plan.unlearns(job),
        seconds: made.isEmpty ? nil : made.reduce(0, +) / Double(made.count))
    }
    return AuditBudget(
      rows: rows, parameters: model.parameterCount, processes: processes, samples: ready.design.counts)
  }

  /// The jobs that are not in the cache yet, in order.
  package func open() throws -> [AuditJob] {
    try PartLoader.checkTrust(plan.run)
    return try plan.jobs.filter { try stored($0) == nil }
  }

  /// Makes a job's models and keeps their margins; trained weights are kept as those of any run.
  ///
  /// - Returns: the seconds that it took.
  package func make(_ job: AuditJob) throws -> Double {
    let ready = try ready()
    if let stored = try stored(job) { return stored.seconds }
    let clock = ContinuousClock()
    let began = clock.now
    let run = plan.run(of: job)
    // Sets the threads of this job.
    _ = try run.openDevice()
    let data =
      job.kind == .shadow ? PreparedData(ready.data, split: ready.design.split(of: job.number)) : ready.data
    let reporter = Reporter(sink: sink)
    let library = ModelLibrary(
      plan: run, task: ClassificationTask(plan: run), data: data, device: ready.device,
      cache: cacheFolder().appendingPathComponent("models"),
      cancel: cancel, reporter: reporter)
    var models: [String: [Float]] = [:]
    func measure(_ name: String, _ model: TrainableModel) throws {
      models[name] = try AuditMargins.measure(model, run, data, ready.design, cancel: cancel)
    }
    let trained = try library.model(
      run.base, key: run.baseKeyJSON(), positions: data.baseSamples, phase: .base)?.model
    let retrained = try library.model(
      run.retrained, key: run.retrainedKeyJSON(), positions: data.split.retain, phase: .retrain)?.model
    if let trained { try measure(job.kind == .target ? "original" : "trained", trained) }
    if let retrained { try measure(job.kind == .retrained ? "trained" : "retrained", retrained) }
    if job.kind == .target, let weights = plan.weights {
      try measure("unlearned", try library.loaded(weights))
    } else if plan.unlearns(job), let trained {
      try measure("unlearned", try unlearned(trained, run, data, ready.device, reporter))
    }
    try makeFolder(folder)
    let margins = AuditMargins(models: models, seconds: (clock.now - began).seconds)
    try margins.write(to: try file(of: job))
    return margins.seconds
  }

  /// Measures the audit, once all jobs are made.
  ///
  /// - Parameter folder: where the margins of all models are put for others to check the numbers.
  package func report(in folder: URL) throws -> AuditReport {
    let ready = try ready()
    var margins: [AuditJob: AuditMargins] = [:]
    for job in plan.jobs {
      guard let stored = try stored(job) else { throw EngineError.mismatch("'\(job.name)' was not made") }
      margins[job] = stored
    }
    let model = try ModelLibrary.blank(plan.run, ready.data, ready.device, seed: 0)
    let measurement = AuditMeasurement(plan: plan, design: ready.design, margins: margins, cancel: cancel)
    let counts = AuditJob.Kind.allCases.compactMap { kind -> AuditReport.ModelCount? in
      let jobs = plan.jobs.filter { $0.kind == kind }
      guard !jobs.isEmpty, kind != .target else { return nil }
      let seconds = jobs.reduce(0) { $0 + (margins[$1]?.seconds ?? 0) } / Double(jobs.count)
      return AuditReport.ModelCount(
        kind: kind.rawValue, count: jobs.count, samples: samples(of: jobs), parameters: model.parameterCount,
        seconds: seconds)
    }
    let runtime = try TorchRuntime.shared()
    var report = AuditReport(
      name: plan.run.name, variant: plan.run.variant, planHash: digest(plan.canonicalJSON()), shadows: plan.shadows,
      variance: plan.variance, samples: ready.design.counts, splitHash: ready.design.split.sha256, models: counts,
      warnings: measurement.warnings,
      versions: ["lethe": letheVersion, "libtorch": runtime.version, "swift": swiftVersion, "device": plan.run.device],
      plugins: plan.run.plugins)
    try measurement.measure(into: &report)
    try measurement.writeMargins(to: folder.appendingPathComponent("margins.safetensors"))
    return report
  }

  private func unlearned(
    _ original: TrainableModel, _ run: RunPlan, _ data: PreparedData, _ device: Device, _ reporter: Reporter
  ) throws -> TrainableModel {
    let model = try ModelLibrary.blank(run, data, device, seed: 0)
    try model.load(original.state)
    let shared = Workbench.Shared(
      key: Workbench.Key(run), device: device, data: data, task: ClassificationTask(plan: run), original: original,
      retrained: nil)
    if let procedure = run.procedure {
      _ = try ProcedureStage(
        plan: run, procedure: procedure, model: model, shared: shared, cancel: cancel, reporter: reporter
      ).carryOut()
      return model
    }
    guard let pipeline = run.pipeline else { throw EngineError.noPipeline }
    // An interrupted unlearning begins anew: its state would cost more to keep than to make.
    let scratch = folder.appendingPathComponent("scratch-\(ProcessInfo.processInfo.processIdentifier)")
    try makeFolder(scratch)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let work = try Unlearning(
      plan: run, pipeline: pipeline, model: model, shared: shared, folder: RunFolder(url: scratch), cancel: cancel,
      reporter: reporter, recorder: run.stepRecorder(on: shared.device))
    do {
      try work.begin(from: nil)
      try work.run()
    } catch EngineError.notFinite(let step, let what, _) {
      // The scratch folder goes, and the state with it.
      throw EngineError.notFinite(step: step, what: what, folder: "")
    }
    return model
  }

  private func ready() throws -> Loaded {
    if let loaded { return loaded }
    let device = try plan.run.openDevice()
    let data = try PreparedData(plan: plan.run, device: device, cancel: cancel)
    let made = Loaded(data: data, device: device, design: try AuditDesign(plan, data))
    loaded = made
    return made
  }

  private func samples(of jobs: [AuditJob]) -> Int {
    guard let design = loaded?.design else { return 0 }
    let counts = jobs.map { job in
      switch job.kind {
      case .target, .original: design.split.forget.count + design.split.retain.count
      case .retrained: design.split.retain.count
      case .shadow:
        design.split.retain.count - design.retain.count + design.isIn(job.number).count { $0 }
      }
    }
    return counts.reduce(0, +) / max(1, counts.count)
  }

  // MARK: The cache

  /// Whether the weights of a job's model are there, so that only its unlearning is left.
  private func isTrained(_ job: AuditJob, _ design: AuditDesign) throws -> Bool {
    let run = plan.run(of: job)
    let split = job.kind == .shadow ? design.split(of: job.number) : design.split
    let everything = job.kind == .shadow ? nil : loaded?.data.baseSamples
    let models = [
      (run.baseKeyJSON(), everything ?? (split.forget + split.retain).sorted()),
      (run.retrainedKeyJSON(), split.retain),
    ]
    return try models.allSatisfy { key, positions in
      guard let key else { return true }
      let name = try ModelLibrary.name(of: key, trainedOn: positions)
      return FileManager.default.fileExists(
        atPath: cacheFolder().appendingPathComponent("models/\(name).safetensors").path)
    }
  }

  private var folder: URL { cacheFolder().appendingPathComponent("audits") }

  /// Margins are kept by all that decides them.
  private func file(of job: AuditJob) throws -> URL {
    let ready = try ready()
    let run = plan.run(of: job)
    let split = job.kind == .shadow ? ready.design.split(of: job.number) : ready.design.split
    var parts = [
      "lethe-audit-1", try TorchRuntime.shared().version, split.sha256, run.canonicalJSON(),
      digest(ready.design.audited.map(String.init).joined(separator: ",")), "\(job.kind)", "\(plan.unlearns(job))",
    ]
    if job.kind == .target {
      var files = plan.weights.map { [$0] } ?? []
      for case .weights(let file) in [plan.run.base, plan.run.retrained] { files.append(file) }
      for file in files { parts.append(fileDigest(file) ?? "missing") }
    }
    return folder.appendingPathComponent("\(digest(parts.joined(separator: "\n"))).safetensors")
  }

  /// What an earlier audit, or an earlier part of this one, made; a damaged file counts as none, with a warning.
  private func stored(_ job: AuditJob) throws -> AuditMargins? {
    let ready = try ready()
    let file = try file(of: job)
    do {
      return try AuditMargins.read(file, samples: ready.design.testRange.upperBound, names: names(of: job))
    } catch {
      sink(RunEvent(seconds: 0, .warning("\(error); it is made again")))
      try? FileManager.default.removeItem(at: file)
      return nil
    }
  }

  private func names(of job: AuditJob) -> Set<String> {
    var names: Set<String> = job.kind == .target ? ["original"] : ["trained"]
    if job.kind == .target, plan.run.retrained != .none { names.insert("retrained") }
    if plan.unlearns(job) || (job.kind == .target && plan.weights != nil) { names.insert("unlearned") }
    return names
  }
}
