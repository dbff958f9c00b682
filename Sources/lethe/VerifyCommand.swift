import ArgumentParser
import Engine
import Foundation
import Runs

/// `lethe verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Hold everything that a run's record names to what is there now: plan, plugins, weights, split.",
    discussion: """
      A run writes down which bytes took part: the plan's hash, id, version, sha256 and parameters of every plugin, those that \
      were swapped in too, and the hashes of weights it began with and of what came out. This reads the files again and says of \
      each: ok, changed, missing, or unrecorded where the record has no hash. Nothing runs.

        lethe verify runs/mnist-1a2b3c4d
        lethe verify runs/mnist-compare-1a2b3c4d
        lethe verify runs/mnist-1a2b3c4d --json | jq '.items[] | select(.state != "ok")'

      Ends with 0 where nothing is changed or missing, with 1 where something is. Whether the same bytes give the same weights: \
      lethe replay.
      """)

  @Argument(help: ArgumentHelp("The folder of a run, or of a comparison.", valueName: "run"))
  var folder: String

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of a table.")
  var json = false

  func run() throws {
    let found = try Engine.verify(URL(fileURLWithPath: folder), plugins: plugins.absolute)
    if json {
      try Output.result(Tree.encoding(Answer(sound: found.isSound, items: found.items)).prettyJSON())
    } else {
      let rows = found.items.map { item in
        [
          item.state.rawValue, item.run.isEmpty ? item.kind : "\(item.run): \(item.kind)", item.name,
          item.file.isEmpty ? "" : RunFolders.shown(URL(fileURLWithPath: item.file)), item.parameters ?? "",
        ]
      }
      try Output.result(TextTable(heading: ["", "what", "name", "file", "parameters"], rows: rows).leftAligned)
      for item in found.items {
        if let text = item.text { Output.tell("\(item.state.rawValue): \(item.name) (\(item.file)): \(text)\n") }
      }
    }
    let bad = found.items.count { $0.state == .changed || $0.state == .missing }
    guard found.isSound else { throw CommandError.notVerified(bad, of: found.items.count) }
    if !json { Output.tell("nothing is changed or missing\n") }
  }

  private struct Answer: Encodable {
    let sound: Bool
    let items: [Verification.Item]
  }
}
