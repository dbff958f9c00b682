import ArgumentParser
import Foundation
import Runs

extension ControlRequest.Verb: ExpressibleByArgument {}

/// `lethe ctl`.
struct ControlCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ctl",
    abstract: "Look at a run that goes on in another process, and change it.",
    discussion: """
      The run answers between two steps. A change is checked first: what cannot be is refused, and the run goes on as before. \
      Learning rate, parameters, reweighter and updater change at once; objective, mask and schedule before the next epoch. \
      Every change is in the run's events.jsonl, and 'lethe replay' makes it again.

        lethe ctl runs/mnist-1a2b3c4d status
        lethe ctl runs/mnist-1a2b3c4d pause
        lethe ctl runs/mnist-1a2b3c4d set pipeline.optimizer.learning_rate=0.001
        lethe ctl runs/mnist-1a2b3c4d set pipeline.reweighter.KEY=0.1
        lethe ctl runs/mnist-1a2b3c4d swap reweighter=ID,KEY=0.1 updater=none
        lethe ctl runs/mnist-1a2b3c4d swap "mask={plugin: ID, keep: 0.3}"
        lethe ctl runs/mnist-1a2b3c4d snapshot
        lethe ctl runs/mnist-1a2b3c4d resume
        lethe ctl runs/mnist-1a2b3c4d stop

      The run is reached through the socket 'control.sock' in its folder, which only its owner can use. A plugin whose file was \
      built anew is loaded beside the old one: swap to it by its name.
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  @Argument(
    help: ArgumentHelp(
      "What to do: \(ControlRequest.Verb.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "verb"))
  var verb: ControlRequest.Verb

  @Argument(
    help: ArgumentHelp(
      "With swap: ROLE=PLUGIN[,KEY=VALUE]..., ROLE=none. With set: PATH=VALUE.", valueName: "change"))
  var changes: [String] = []

  @Flag(help: "The answer as JSON.")
  var json = false

  func run() throws {
    let request = try ControlRequest(verb, words: changes, folder: FileManager.default.currentDirectoryPath)
    let reply = try Workshop.live.ask(request, URL(fileURLWithPath: folder))
    if json {
      try Output.result(Tree.encoding(reply).prettyJSON())
    } else if reply.isDone {
      try Output.result(verb == .status ? reply.status?.text ?? "" : reply.message + "\n")
    }
    guard reply.isDone else { throw CommandError.refused(reply.message) }
  }
}

extension ControlStatus {
  /// Where the run stands, for a terminal.
  var text: String {
    var rows = [
      ["run", name], ["process", String(process)], ["phase", isPaused ? "\(phase.rawValue), paused" : phase.rawValue],
    ]
    if steps > 0 {
      rows.append(["step", "\(step) of \(steps)"])
      rows.append(["epoch", "\(min(epoch + 1, epochs)) of \(epochs)"])
    }
    for (role, part) in parts.sorted(by: { $0.key < $1.key }) {
      rows.append([role.replacingOccurrences(of: "_", with: " "), part])
    }
    let width = rows.map { $0[0].count }.max() ?? 0
    return rows.map { $0[0].padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0[1] + "\n" }.joined()
  }
}
