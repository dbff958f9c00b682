import ArgumentParser
import Foundation
import Runs

/// `lethe audit`.
struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack an unlearned model with many models trained for it: LiRA, U-LiRA, KLOM.",
    discussion: """
      One model against one retrained model says little about single samples. An audit trains many:

        lira     was the sample trained on? Shadow models learn random halves of the audited samples; a Gaussian for \
      each sample and answer (Carlini et al. 2022)
        u-lira   was it unlearned, or never trained on? The recipe's own pipeline makes each shadow model forget \
      (Hayes et al. 2024)
        klom     how far are margins of unlearned models from those of retrained ones, over as many training runs a \
      side (Georgiev et al. 2024)

      The budget is told first. Models are trained in processes side by side and kept: an audit that was interrupted \
      goes on with the same command, and the next method needs only its unlearning.

        lethe audit recipe.yaml --budget
        lethe audit recipe.yaml --shadows 16 --method Mask
        lethe audit recipe.yaml --audits lira,u-lira --jobs 8
        lethe audit recipe.yaml --audits lira weights=theirs.safetensors

      What the numbers mean, and what they do not: docs/metrics.md.
      """)

  @Argument(help: "The recipe, a YAML file.")
  var recipe: String

  @Argument(
    help: ArgumentHelp(
      "Changes to the recipe; weights=FILE audits that model instead of the recipe's result.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Shadow models, and models on each side of klom: an even number from \(AuditPlan.leastShadows). 16 show a "
        + "large leak; papers use 64 to 256.",
      valueName: "number"))
  var shadows: Int = 16

  @Option(
    help: ArgumentHelp("Which audits [all that the recipe allows].", valueName: "lira,u-lira,klom"))
  var audits: String?

  @Option(
    help: ArgumentHelp("Processes side by side, one thread each [one a core; on a GPU one].", valueName: "number"))
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "pooled: one variance for all samples; per-sample: one each [pooled under "
        + "\(AuditPlan.shadowsForOwnVariance) shadow models].", valueName: "pooled|per-sample"))
  var variance: String?

  @Option(help: ArgumentHelp("One of the recipe's methods instead of its plain pipeline.", valueName: "name"))
  var method: String?

  @Option(help: ArgumentHelp("The folder in which the audit's folder is made ['runs'].", valueName: "folder"))
  var output: String?

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "Tell the budget and end.")
  var budget = false

  @Flag(help: "Write what happens as lines of JSON to standard output, the report last; with --budget the budget.")
  var json = false

  @OptionGroup var locked: Locked

  @OptionGroup var talk: Talk

  func validate() throws {
    if shadows < AuditPlan.leastShadows || !shadows.isMultiple(of: 2) {
      throw ValidationError(
        "--shadows \(shadows): it must be an even number of at least \(AuditPlan.leastShadows), so that each sample is "
          + "in half of them")
    }
    if let jobs, jobs < 1 { throw ValidationError("--jobs \(jobs): it must be at least 1") }
    _ = try names()
    if try chosenVariance() == .perSample, shadows < 6 {
      throw ValidationError("--variance per-sample needs --shadows 6: a spread of its own takes three models each way")
    }
  }

  private func names() throws -> [AuditName]? {
    try audits?.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let name = AuditName(rawValue: String(word)) else {
        throw ValidationError("--audits: no audit '\(word)'; there are lira, u-lira, klom")
      }
      return name
    }
  }

  private func chosenVariance() throws -> AuditVariance? {
    try variance.map { word in
      guard let variance = AuditVariance(rawValue: word) else {
        throw ValidationError("--variance '\(word)': it is pooled or per-sample")
      }
      return variance
    }
  }

  func run() throws {
    try locked.apply()
    let workshop = Workshop.live
    let plan = try plan(workshop)
    let screen = talk.screen
    let stop = StopFlag()
    Signals.watch { [cancel = workshop.cancel] signal in
      stop.raise(signal)
      cancel(signal)
    }
    let auditor = workshop.auditor(plan) { screen.show($0) }
    let processes = jobs ?? (plan.run.device == "cpu" ? ProcessInfo.processInfo.activeProcessorCount : 1)
    let cost = try auditor.budget(processes)
    if budget { return try Output.result(json ? Tree.encoding(cost).prettyJSON() : cost.text + "\n") }
    let folder = try makeFolder(plan, hash: workshop.digest(plan.canonicalJSON()))
    let file = folder.appendingPathComponent("plan.yaml")
    try RunFolders.write(plan.yaml(), to: file)
    screen.tell("audit: \(RunFolders.shown(folder))\n\(cost.text)")
    let log = AuditLog(screen: screen, json: json)
    try log.started(cost)
    let pool = WorkerPool(arguments: ["audit-worker", file.path] + locked.arguments, stop: stop)
    let open = try auditor.open()
    log.expect(open.count)
    // The target is the very model that `lethe run` makes, with that many threads; nothing runs beside it.
    let isAlone = plan.run.threads != 1
    let batches = isAlone ? [open.filter { $0.kind == .target }, open.filter { $0.kind != .target }] : [open]
    for batch in batches { try pool.make(batch, processes: processes) { try log.hear($0) } }
    screen.clear()
    let report = try auditor.report(folder)
    for (name, text) in [("report.json", report.json()), ("report.md", report.markdown())] {
      try RunFolders.write(text, to: folder.appendingPathComponent(name))
    }
    if json { try log.finished(report) } else { try Output.result(report.text) }
    screen.tell("report: \(RunFolders.shown(folder.appendingPathComponent("report.md")))")
  }

  private func plan(_ workshop: Workshop) throws -> AuditPlan {
    try Planner.check(overrides: overrides)
    let weights = try overrides.last { $0.hasPrefix("weights=") }.map { given in
      let file = URL(fileURLWithPath: String(given.dropFirst("weights=".count)))
      guard FileManager.default.fileExists(atPath: file.path) else { throw CommandError.noFile(RunFolders.shown(file)) }
      return file.path
    }
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    var config = try planner.config(recipe, overrides.filter { !$0.hasPrefix("weights=") }, output: output)
    config.variant = method
    let names = try names()
    let run: RunPlan
    do {
      let isEnough = weights != nil && names == [.lira]
      run = try planner.plan(config, purpose: isEnough ? .evaluate : .run)
    } catch RunError.missing(_, key: "pipeline.objective", _) {
      // Without a pipeline only a model from elsewhere can be audited, and the plan says so.
      run = try planner.plan(config, purpose: .evaluate)
      if weights == nil || names?.contains(where: \.unlearns) == true {
        throw RunError.needs(
          .nowhere(recipe), what: "an audit of what the recipe makes, and any but lira",
          need: "a 'pipeline'; without one there is --audits lira weights=FILE")
      }
    }
    return try AuditPlan(
      run: run, audits: names, shadows: shadows, variance: try chosenVariance(), weights: weights, file: recipe)
  }

  /// `<output>/<name>-<method>-audit-<digits>`: the same for the same audit, which thus goes on.
  private func makeFolder(_ plan: AuditPlan, hash: String) throws -> URL {
    let words = [plan.run.name] + (plan.run.variant.map { [$0] } ?? []) + ["audit", String(hash.prefix(8))]
    let folder = URL(fileURLWithPath: plan.run.output)
      .appendingPathComponent(words.map(RunFolders.slug).joined(separator: "-"))
    try RunFolders.makeFolder(folder)
    return folder
  }
}

/// `lethe audit-worker`, which `lethe audit` starts: makes the models that standard input names, one a line.
struct AuditWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit-worker", abstract: "Make models for 'lethe audit', which starts this.", shouldDisplay: false)

  @Argument(help: "The audit's plan.yaml.")
  var plan: String

  @OptionGroup var locked: Locked

  func run() throws {
    try locked.apply()
    let workshop = Workshop.live
    Signals.watch(workshop.cancel)
    let jobs = JobQueue(cancel: workshop.cancel)
    let text: String
    do { text = try String(contentsOfFile: plan, encoding: .utf8) } catch { throw CommandError.noFile(plan) }
    let auditor = workshop.auditor(try AuditPlan(yaml: text, file: plan)) { event in
      try? Output.result(WorkerMessage(event: event).line)
    }
    while let job = jobs.next() {
      let seconds = try auditor.make(job)
      try Output.result(WorkerMessage(made: job.name, seconds: seconds).line)
    }
  }
}
