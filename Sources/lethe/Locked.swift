import ArgumentParser
import Engine
import Foundation

/// `--locked`: nothing is loaded that is not listed.
struct Locked: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Load only plugins and libraries whose bytes are in plugins.lock.",
      discussion: "Those that come with Lethe too: 'lethe plugin trust --shipped' lists them all. docs/trust.md."))
  var locked = false

  @Option(
    name: .customLong("lock"),
    help: ArgumentHelp("The same with another list, one that lies beside a recipe.", valueName: "file"))
  var list: String?

  /// The list's path, absolute; nil for the user's own.
  var path: String? {
    list.map { $0.hasPrefix("/") ? $0 : FileManager.default.currentDirectoryPath + "/" + $0 }
  }

  /// Puts it in force for the rest of the process. A list that is named and not there is a mistake, not an empty one.
  func apply() throws {
    guard locked || list != nil else { return }
    if let path, !FileManager.default.fileExists(atPath: path) { throw CommandError.noFile(path) }
    PluginTrust.require(list: path)
  }

  /// The same as arguments, for processes that this one starts.
  var arguments: [String] { path.map { ["--lock", $0] } ?? (locked ? ["--locked"] : []) }
}
