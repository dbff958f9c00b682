import ArgumentParser
import Foundation
import Runs

/// `lethe mask`.
struct MaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mask",
    abstract: "Make the recipe's mask in several densities at once, and show what it lets move. Nothing is unlearned.",
    discussion: """
      One walk over the data scores all weights, one selection finds the borders of all densities. The run's folder gets a file \
      for each (safetensors: a tensor of booleans for each parameter, true where the weight may move), masks.json, and \
      masks.html with a plot of how much of each layer is in.

        lethe mask recipe.yaml --method Mask
        lethe mask recipe.yaml pipeline.mask=ID --keep 0.1,0.3,0.5 --output masks
      """)

  @Argument(help: "The recipe, a YAML file.")
  var recipe: String

  @Argument(help: ArgumentHelp("Changes to the recipe: key.path=value.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Up to 100 shares of weights that may move, each above 0 and at most 1, in place of the recipe's own.",
      valueName: "share,share"),
    transform: MaskCommand.shares)
  var keep: [Double] = (1...9).map { Double($0) / 10 }

  @Option(help: ArgumentHelp("One of the recipe's methods instead of its plain pipeline.", valueName: "name"))
  var method: String?

  @Option(help: ArgumentHelp("The folder in which the run's folder is made ['runs'].", valueName: "folder"))
  var output: String?

  @Flag(help: "Write the densities as JSON to standard output instead of a table.")
  var json = false

  @OptionGroup var plugins: PluginFolders

  @OptionGroup var locked: Locked

  @Flag(name: .long, help: "Only warnings, errors and the result.")
  var quiet = false

  func run() throws {
    try locked.apply()
    let workshop = Workshop.live(tensorBoard: false)
    try Planner.check(overrides: overrides)
    let planner = Planner(workshop: workshop, pluginFolders: plugins.absolute)
    var config = try planner.config(recipe, overrides, output: output)
    config.variant = method
    var plan = try planner.plan(config)
    guard plan.pipeline?.mask != nil || plan.procedure?.mask != nil else {
      throw CommandError.noMask(method: method)
    }
    guard !plan.isSequence else { throw CommandError.masksOfSequence }
    // Nothing is measured: what only that needs is not made, nor asked of the data.
    plan.retrained = .none
    plan.proxy = nil
    plan.evaluate.metrics = []
    let folder = try RunFolders.make(for: plan, hash: workshop.digest(plan.canonicalJSON()))
    let screen = Screen(mode: quiet ? .quiet : .full)
    screen.tell("run: \(RunFolders.shown(folder))")
    Signals.watch(workshop.cancel)
    let report = try workshop.masks(plan, keep, folder) { screen.show($0) }
    screen.clear()
    try Output.result(json ? report.json() : report.text)
    screen.tell("page: \(RunFolders.shown(folder.appendingPathComponent("masks.html")))")
  }

  /// Reads `0.1,0.3`; in rising order, each once.
  private static func shares(_ text: String) throws -> [Double] {
    let shares = try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let share = Double(word), share > 0, share <= 1 else {
        throw ValidationError("'\(word)' is no share of weights: above 0 and at most 1, as in --keep 0.1,0.3,0.5")
      }
      return share
    }
    guard shares.count <= 100 else {
      throw ValidationError("\(shares.count) shares are more than 100, which is as many as are made at once")
    }
    return Set(shares).sorted()
  }
}
