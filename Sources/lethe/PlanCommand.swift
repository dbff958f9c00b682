import ArgumentParser
import Runs

/// `lethe plan`.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Print what a run would do, every default filled in. Nothing is computed.",
    discussion: """
      Checks the recipe as a run would, and finds its plugins. What a key means is in docs/recipe.md.

        lethe plan recipe.yaml
        lethe plan recipe.yaml pipeline.mask=ID --json | jq .pipeline.mask
        lethe plan recipe.yaml --method Mask
      """)

  @Argument(help: "The recipe, a YAML file.")
  var recipe: String

  @Argument(help: ArgumentHelp("Changes to the recipe: key.path=value.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("One of the recipe's methods instead of its plain pipeline.", valueName: "name"))
  var method: String?

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of YAML.")
  var json = false

  func run() throws {
    let workshop = Workshop.live
    try Planner.check(overrides: overrides)
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    var config = try planner.config(recipe, overrides, output: nil)
    config.variant = method
    let plan = try planner.plan(config)
    if json { return try Output.result(plan.tree.prettyJSON()) }
    try Output.result("# plan \(workshop.digest(plan.canonicalJSON()))\n" + plan.yaml())
  }
}
