import ArgumentParser
import Foundation
import Runs

/// `lethe replay`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Carry out a finished run once more and compare the weights bit for bit.",
    discussion: """
      Everything that 'lethe ctl' changed on the way is changed again at the same step. Nothing is measured. The plugins' files must \
      be those of the run. The new weights are in the run's folder 'replay'; the run stays as it is.

        lethe replay runs/mnist-1a2b3c4d

      Ends with 0 where every tensor has the same bits, with 1 where one differs.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Flag(help: "The result as JSON.")
  var json = false

  @OptionGroup var locked: Locked

  @OptionGroup var talk: Talk

  func run() throws {
    try locked.apply()
    let workshop = talk.workshop
    let screen = talk.screen
    defer { screen.clear() }
    Signals.watch(workshop.cancel)
    let result = try workshop.replay(URL(fileURLWithPath: folder)) { screen.show($0) }
    screen.clear()
    for difference in result.surroundings { screen.tell("not as it was: \(difference)") }
    if json { try Output.result(Tree.encoding(result).prettyJSON()) }
    guard result.differing.isEmpty else {
      for name in result.differing.prefix(10) { screen.tell("differs: \(name)") }
      throw CommandError.notReproduced(result.differing.count, of: result.tensors)
    }
    if !json {
      let changes = result.changes == 1 ? "1 change" : "\(result.changes) changes"
      try Output.result(
        "the same bit for bit: \(result.tensors) tensors after \(result.steps) steps with \(changes) on the way\n")
    }
  }
}
