import Foundation
import Learning
import Runs

/// Several requests that are forgotten one after another: a run for each, in a folder of its own inside the run's.
///
/// A stage begins with the weights that the one before it left. The folder's own report is the last stage's; the
/// comparison beside it has a row for each stage. A stage that is finished is never done again.
struct StagedRun {
  private let plan: RunPlan
  private let folder: RunFolder
  private let workbench: Workbench
  private let tensorBoard: Bool
  private let cancel: CancelFlag
  private let sink: (RunEvent) -> Void

  init(
    _ plan: RunPlan, _ folder: URL, _ workbench: Workbench, tensorBoard: Bool, _ cancel: CancelFlag,
    _ sink: @escaping (RunEvent) -> Void
  ) {
    self.plan = plan
    self.folder = RunFolder(url: folder)
    self.workbench = workbench
    self.tensorBoard = tensorBoard
    self.cancel = cancel
    self.sink = sink
  }

  /// Carries out all stages from the first.
  func carryOut() throws -> RunReport {
    try folder.prepare()
    try RunFolder.write(Data(plan.yaml().utf8), to: folder.plan)
    for stage in plan.requests.indices {
      try? FileManager.default.removeItem(atPath: RunPlan.stageFolder(stage + 1, of: folder.url.path))
    }
    for leftover in folder.results + folder.comparisons { try? FileManager.default.removeItem(at: leftover) }
    return try run(Reporter(sink: { _ in }), appending: false)
  }

  /// Goes on with the first stage that is not finished.
  func goOn(after events: [RunEvent]) throws -> RunReport {
    if case .finished = events.last?.what { throw EngineError.alreadyFinished(path: folder.url.path) }
    return try run(Reporter(earlier: events, sink: { _ in }), appending: true)
  }

  private func run(_ reporter: Reporter, appending: Bool) throws -> RunReport {
    // The stages have event files for TensorBoard of their own.
    try reporter.record(in: folder, appending: appending, tensorBoard: false)
    let engine = Engine(plan: plan, folder: folder.url, workbench: workbench, cancel: cancel, sink: sink)
    let start = try engine.start(resumedAt: nil)
    try reporter.say(.runStarted(start))
    var reports: [RunReport] = []
    do {
      for stage in plan.stages(in: folder.url.path) { reports.append(try report(of: stage)) }
    } catch EngineError.interrupted(let signal, _) {
      reporter.trySaying(.interrupted(signal: signal, step: reports.count))
      throw EngineError.interrupted(signal: signal, folder: folder.url.path)
    }
    return try finish(reports, start, reporter)
  }

  private func report(of stage: RunPlan) throws -> RunReport {
    let files = RunFolder(
      url: URL(fileURLWithPath: RunPlan.stageFolder(stage.stage ?? 1, of: folder.url.path)))
    if let data = FileManager.default.contents(atPath: files.reportJSON.path) {
      return try RunReport(json: data, file: files.reportJSON.path)
    }
    let isOpen = [files.plan, files.events].allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
    if isOpen { return try Engine.resume(files.url, tensorBoard: tensorBoard, cancel: cancel, sink: sink) }
    return try Engine(
      plan: stage, folder: files.url, workbench: workbench, tensorBoard: tensorBoard, cancel: cancel, sink: sink
    ).carryOut()
  }

  private func finish(_ reports: [RunReport], _ start: RunStart, _ reporter: Reporter) throws -> RunReport {
    guard var report = reports.last else { preconditionFailure("a sequence has stages") }
    let comparison = RunReport.comparison(ofStages: reports, name: plan.name)
    report.variant = plan.variant
    report.planHash = start.planHash
    report.files = report.files.mapValues { "stage-\(reports.count)/\($0)" }
    for (text, file) in zip(
      [
        comparison.markdown(), comparison.json(), report.markdown(),
        report.html(plan: plan.yaml(), pictures: folder.pictures(report.files)), comparison.csv(), report.json(),
      ],
      folder.comparisons.prefix(2) + [folder.reportMarkdown, folder.reportHTML, folder.metricsCSV, folder.reportJSON])
    { try RunFolder.write(Data(text.utf8), to: file) }
    let folders = (1...reports.count).map {
      URL(fileURLWithPath: RunPlan.stageFolder($0, of: folder.url.path))
    }
    try ComparisonFiles(comparison, folders: folders).write(to: folder.url)
    try reporter.say(
      .finished(
        RunEnd(steps: report.steps, unlearnSeconds: report.unlearnSeconds ?? 0, files: report.files)))
    return report
  }
}
