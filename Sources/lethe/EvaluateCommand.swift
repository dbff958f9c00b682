import ArgumentParser
import Foundation
import Runs

/// `lethe evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure weights from a file against the recipe's original and retrained model. Nothing is unlearned.",
    discussion: """
      For auditors: the recipe needs no pipeline, and of its plugins only the metrics of evaluate.plugins are looked for.

        lethe evaluate recipe.yaml weights=theirs.safetensors
        lethe evaluate recipe.yaml weights=runs/glyphs-demo-1a2b3c4d/unlearned.safetensors evaluate.metrics=[mia-svc]
      """)

  @Argument(help: "The recipe, a YAML file.")
  var recipe: String

  @Argument(help: ArgumentHelp("weights=FILE (safetensors), and changes to the recipe.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("The folder in which the run's folder is made ['runs'].", valueName: "folder"))
  var output: String?

  @Flag(help: "Write every event as a line of JSON to standard output.")
  var json = false

  @OptionGroup var plugins: PluginFolders

  @OptionGroup var locked: Locked

  @OptionGroup var talk: Talk

  func run() throws {
    try locked.apply()
    let workshop = talk.workshop
    try Planner.check(overrides: overrides)
    guard let given = overrides.last(where: { $0.hasPrefix("weights=") }), given != "weights=" else {
      throw CommandError.noWeights
    }
    let weights = URL(fileURLWithPath: String(given.dropFirst("weights=".count)))
    guard FileManager.default.fileExists(atPath: weights.path) else {
      throw CommandError.noFile(RunFolders.shown(weights))
    }
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    let config = try planner.config(recipe, overrides.filter { !$0.hasPrefix("weights=") }, output: output)
    let plan = try planner.plan(config, purpose: .evaluate)
    let hash = workshop.digest(plan.canonicalJSON())
    var named = plan
    named.variant = "evaluate"
    let folder = try RunFolders.make(for: named, hash: hash)
    let screen = talk.screen
    screen.tell("run: \(RunFolders.shown(folder))")
    Signals.watch(workshop.cancel)
    let report = try workshop.evaluate(plan, weights.path, folder) { [json] event in
      screen.show(event)
      if json { try? Output.result(event.jsonLine() + "\n") }
    }
    screen.clear()
    if !json { try Output.result(report.text) }
    screen.tell("report: \(RunFolders.shown(folder.appendingPathComponent("report.md")))")
  }
}
