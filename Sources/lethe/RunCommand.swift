import ArgumentParser
import Foundation
import Runs

/// `lethe run`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Carry out a recipe: train or load the models, unlearn, measure.",
    discussion: """
      Everything a run did is in its folder: plan.yaml (what was done, every default filled in), events.jsonl, \
      unlearned.safetensors, report.json, report.md, report.html, metrics.csv and an event file for TensorBoard. The original and the retrained model \
      are kept and serve later runs.

        lethe run recipe.yaml
        lethe run recipe.yaml pipeline.reweighter=ID pipeline.epochs=5
        lethe run recipe.yaml "pipeline.mask={plugin: ID, keep: 0.3}"
        lethe run recipe.yaml --json | jq -r 'select(.type == "step-losses") | .terms[0].mean'
        lethe run recipe.yaml --live evaluate.every="1 epoch"
        lethe run --resume runs/mnist-1a2b3c4d
        lethe run recipe.yaml --contain

      Ctrl-C saves and stops; --resume goes on as if nothing had happened, also after a crash. A recipe with a list under \
      'forget' has a folder for each stage, and a table with a row for each.
      """)

  @Argument(help: "The recipe, a YAML file.")
  var recipe: String?

  @Argument(
    help: ArgumentHelp(
      "Changes to the recipe: key.path=value, the value in YAML.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("One of the recipe's methods instead of its plain pipeline.", valueName: "name"))
  var method: String?

  @Option(help: ArgumentHelp("Go on with the run of this folder.", valueName: "run"))
  var resume: String?

  @Option(help: ArgumentHelp("The folder in which the run's folder is made ['runs'].", valueName: "folder"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "With --resume: take the reweighter or the updater away first, because its plugin crashed.", valueName: "role"))
  var without: [Removable] = []

  @OptionGroup var plugins: PluginFolders

  @OptionGroup var containment: Containment

  @Flag(help: "Write every event as a line of JSON to standard output.")
  var json = false

  @Flag(
    help: ArgumentHelp(
      "Fill the terminal with a dashboard: phase, rate, remaining time, curves of losses and of what is measured.",
      discussion:
        "It goes when the run ends; messages and the result stay. Where there is no terminal, nothing changes."))
  var live = false

  @OptionGroup var locked: Locked

  @OptionGroup var talk: Talk

  func run() throws {
    try locked.apply()
    guard resume != nil || without.isEmpty else { throw CommandError.withoutAlone }
    if try containment.isWatched() { return }
    let workshop = talk.workshop
    let terminal = try liveTerminal()
    let screen = terminal.map { Screen(mode: .full, live: $0) } ?? talk.screen
    defer { screen.clear() }
    if let resume {
      guard recipe == nil, overrides.isEmpty, method == nil, output == nil else { throw CommandError.recipeAndResume }
      Signals.watch(workshop.cancel, live: terminal)
      terminal?.open(after: RunCommand.earlierEvents(resume))
      let report = try workshop.resume(URL(fileURLWithPath: resume), without.map(\.rawValue), show(screen))
      return try finish(report, in: URL(fileURLWithPath: resume), screen)
    }
    guard let recipe else { throw CommandError.noRecipe(command: "run") }
    try Planner.check(overrides: overrides)
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    var config = try planner.config(recipe, overrides, output: output)
    config.variant = method
    let plan = try planner.plan(config)
    let folder = try RunFolders.make(for: plan, hash: workshop.digest(plan.canonicalJSON()))
    screen.tell("run: \(RunFolders.shown(folder))")
    Signals.watch(workshop.cancel, live: terminal)
    terminal?.open()
    try finish(workshop.carryOut(plan, folder, show(screen)), in: folder, screen)
  }

  /// A role whose part a run can do without.
  enum Removable: String, ExpressibleByArgument, CaseIterable {
    case reweighter, updater
  }

  /// The dashboard, where one is asked for and somebody can see it.
  private func liveTerminal() throws -> LiveTerminal? {
    guard live else { return nil }
    if talk.quiet { throw CommandError.liveAndQuiet }
    guard Output.isTerminal else { return nil }
    if json, Output.showsResult { throw CommandError.liveAndJSON }
    return LiveTerminal()
  }

  /// What a run that goes on has told so far. Whether it can go on is for the engine to say.
  private static func earlierEvents(_ folder: String) -> [RunEvent] {
    let file = URL(fileURLWithPath: folder).appendingPathComponent("events.jsonl")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return (try? RunEvent.read(text, file: file.path)) ?? []
  }

  private func show(_ screen: Screen) -> Workshop.Sink {
    guard json else { return { screen.show($0) } }
    return { event in
      screen.show(event)
      try? Output.result(event.jsonLine() + "\n")
    }
  }

  private func finish(_ report: RunReport, in folder: URL, _ screen: Screen) throws {
    screen.clear()
    if !json { try Output.result(try RunFolders.stages(in: folder)?.plain() ?? report.text) }
    screen.tell("report: \(RunFolders.shown(folder.appendingPathComponent("report.md")))")
  }
}

extension RunReport {
  /// The table and what it means, for a terminal.
  var text: String {
    let gaps = self[model: .retrained] == nil ? "" : "\nIn brackets: the distance from the retrained model.\n"
    return "\(table.plain)\(gaps)"
  }
}
