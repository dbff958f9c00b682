import ArgumentParser
import Foundation
import Runs

/// `lethe compare`.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Carry out several runs and print one table: original, retrained, and a row for each method.",
    discussion: """
      The runs are a recipe's 'methods', several recipes, or the values of a sweep; original and retrained model are \
      made once where they are the same. Runs that differ only in seeds share a row: mean ± standard deviation.

        lethe compare recipe.yaml
        lethe compare recipe.yaml --methods Mask,Weights --sweep seed=1,2,3
        lethe compare recipe.yaml --sweep pipeline.optimizer.learning_rate=0.001,0.01,0.1
        lethe compare mine.yaml theirs.yaml seed=7
        lethe compare table.yaml --paper published.yaml

      Interrupted? The same command goes on where it stopped: finished runs are read, the open one is resumed. \
      --fresh begins again.
      """)

  @Argument(help: ArgumentHelp("Recipes, and changes to all of them.", valueName: "recipe or key=value"))
  var arguments: [String] = []

  @Option(
    help: ArgumentHelp(
      "Values of a key; may be given several times, for every combination.", valueName: "key=a,b,c"))
  var sweep: [String] = []

  @Option(help: ArgumentHelp("Only these methods, in this order.", valueName: "A,B"))
  var methods: String?

  @Option(
    help: ArgumentHelp(
      "Published numbers to print beside ours, and how far they lie apart; docs/cli.md has the form of the file.",
      valueName: "file"))
  var paper: String?

  @Option(help: ArgumentHelp("The folder in which the comparison's folder is made ['runs'].", valueName: "folder"))
  var output: String?

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "Begin again, also where there are finished runs.")
  var fresh = false

  @Flag(help: "Write the comparison as JSON to standard output.")
  var json = false

  @Flag(help: "Write the comparison as a LaTeX tabular to standard output.")
  var latex = false

  @OptionGroup var locked: Locked

  @OptionGroup var talk: Talk

  /// A run that is to be done.
  private struct Job {
    let label: String
    let plan: RunPlan
    let folder: URL
  }

  func run() throws {
    try locked.apply()
    let workshop = talk.workshop
    // A mistake in it is found now, not after the last run.
    let published = try paper.map {
      try PublishedTable(path: $0, currentFolder: FileManager.default.currentDirectoryPath)
    }
    let (name, folder, jobs) = try jobs(workshop)
    let screen = talk.screen
    screen.tell("comparison of \(jobs.count) runs: \(RunFolders.shown(folder))")
    Signals.watch(workshop.cancel)
    var entries: [ComparisonReport.Entry] = []
    var folders: [URL] = []
    var failures: [Int32] = []
    for (index, job) in jobs.enumerated() {
      screen.name("[\(index + 1)/\(jobs.count) \(job.label)] ")
      do {
        entries.append(ComparisonReport.Entry(label: job.label, report: try report(of: job, workshop, screen)))
        folders.append(job.folder)
      } catch {
        let code = workshop.exitCode(error)
        screen.clear()
        guard code == 75 else {
          if code == 130 || code == 143 { screen.tell("the same command goes on with the comparison", always: true) }
          throw error
        }
        // A method that diverges is a result; the others are still worth comparing.
        screen.tell("error: \(job.label): \(error)", always: true)
        failures.append(75)
      }
    }
    screen.clear()
    var comparison = ComparisonReport(name: name, entries: entries)
    comparison.published = published
    comparison.setting = jobs.first?.plan.setting
    for (name, text) in [
      ("comparison.md", comparison.markdown()), ("comparison.json", comparison.json()),
      ("comparison.csv", comparison.tableCSV()), ("comparison.tex", comparison.latex()),
      ("metrics.csv", comparison.csv()),
    ] { try RunFolders.write(text, to: folder.appendingPathComponent(name)) }
    try workshop.illustrate(comparison, folders, folder)
    try Output.result(json ? comparison.json() : latex ? comparison.latex() : comparison.plain())
    screen.tell("comparison: \(RunFolders.shown(folder.appendingPathComponent("comparison.md")))")
    if let code = failures.first {
      throw CommandError.someRunsFailed(failures.count, of: jobs.count, code: code)
    }
  }

  private func jobs(_ workshop: Workshop) throws -> (name: String, folder: URL, jobs: [Job]) {
    let recipes = arguments.filter { !Planner.isOverride($0) }
    guard !recipes.isEmpty else { throw CommandError.noRecipe(command: "compare") }
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    let names = methods?.split(separator: ",").map(String.init)
    var planned: [(label: String, plan: RunPlan, hash: String)] = []
    for recipe in recipes {
      let config = try planner.config(recipe, arguments.filter(Planner.isOverride), output: output)
      for variant in try RunConfig.sweep(config.variants(named: names), over: sweep) {
        let plan = try planner.plan(variant.config)
        let label = recipes.count > 1 && plan.variant != nil ? "\(plan.name) \(variant.name)" : variant.name
        planned.append((label, plan, workshop.digest(plan.canonicalJSON())))
      }
    }
    var seen: Set<String> = []
    for run in planned where !seen.insert(run.hash).inserted { throw CommandError.sameRun(run.label) }
    guard let first = planned.first?.plan else { throw CommandError.noRecipe(command: "compare") }
    let hash = workshop.digest(planned.map { $0.label + $0.hash }.joined(separator: "\n"))
    let folder = URL(fileURLWithPath: first.output)
      .appendingPathComponent("\(RunFolders.slug(first.name))-compare-\(hash.prefix(8))")
    try RunFolders.makeFolder(folder)
    let jobs = planned.map { run in
      Job(
        label: run.label, plan: run.plan,
        folder: folder.appendingPathComponent(RunFolders.name(of: run.plan, hash: run.hash)))
    }
    return (first.name, folder, jobs)
  }

  private func report(of job: Job, _ workshop: Workshop, _ screen: Screen) throws -> RunReport {
    let sink: Workshop.Sink = { screen.show($0) }
    let file = job.folder.appendingPathComponent("report.json")
    let manager = FileManager.default
    if !fresh, let data = manager.contents(atPath: file.path) {
      let report = try RunReport(json: data, file: file.path)
      screen.tell("[\(job.label)] finished before")
      return report
    }
    let isOpen = ["plan.yaml", "events.jsonl"].allSatisfy { name in
      manager.fileExists(atPath: job.folder.appendingPathComponent(name).path)
    }
    if !fresh, isOpen { return try workshop.resume(job.folder, [], sink) }
    return try workshop.carryOut(job.plan, job.folder, sink)
  }
}
