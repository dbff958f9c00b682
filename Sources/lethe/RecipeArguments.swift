import ArgumentParser
import Foundation
import Runs

/// Where plugins are looked for besides the usual folders.
struct PluginFolders: ParsableArguments {
  @Option(
    name: .customLong("plugin-path"),
    help: ArgumentHelp(
      "A folder of plugins to search first; may be given several times.",
      discussion:
        "Then come the recipe's 'plugins', LETHE_PLUGIN_PATH, the user's data folder and the command's own folder.",
      valueName: "folder"))
  var paths: [String] = []

  /// The folders, absolute.
  var absolute: [String] {
    let current = FileManager.default.currentDirectoryPath
    return paths.map { $0.hasPrefix("/") ? $0 : current + "/" + $0 }
  }
}

/// How a run talks.
struct Talk: ParsableArguments {
  @Flag(name: .long, help: "Only warnings, errors and the result.")
  var quiet = false

  @Flag(
    inversion: .prefixedNo, help: "Write an event file into the run's folder; tensorboard --logdir runs shows it.")
  var tensorboard = true

  /// The screen that goes with it.
  var screen: Screen { Screen(mode: quiet ? .quiet : .full) }

  /// What carries runs out.
  var workshop: Workshop { .live(tensorBoard: tensorboard) }
}

/// Makes plans of recipes.
struct Planner {
  let workshop: Workshop
  let pluginFolders: [String]
  private let environment = ResolverEnvironment.process
  private let catalogs = Cache()

  private final class Cache {
    var catalogs: [[String]: PartCatalog] = [:]
  }

  init(workshop: Workshop, pluginFolders: [String]) {
    self.workshop = workshop
    self.pluginFolders = pluginFolders
  }

  /// Reads a recipe's file.
  func config(_ path: String, _ overrides: [String], output: String?) throws -> RunConfig {
    var overrides = overrides
    if let output { overrides.append("output=\(Tree.string(output).flow)") }
    return try RunConfig(path: path, overrides: overrides, currentFolder: environment.currentFolder)
  }

  /// The plan of a recipe; folders of plugins are read once each.
  func plan(_ config: RunConfig, purpose: RunPurpose = .run) throws -> RunPlan {
    let isNeeded = try purpose == .run || config.asksForPlugins()
    let catalog =
      isNeeded
      ? try catalog(pluginFolders + config.pluginFolders(environment, purpose: purpose)) : PartCatalog(parts: [])
    return try RunPlan.resolve(config, catalog: catalog, environment: environment, purpose: purpose)
  }

  private func catalog(_ folders: [String]) throws -> PartCatalog {
    if let known = catalogs.catalogs[folders] { return known }
    let catalog = try workshop.catalog(folders)
    catalogs.catalogs[folders] = catalog
    return catalog
  }

  /// Whether an argument is `key.path=value` and not a file.
  static func isOverride(_ argument: String) -> Bool {
    guard let equals = argument.firstIndex(of: "=") else { return false }
    return !argument[..<equals].contains("/") && equals != argument.startIndex
  }

  /// Refuses arguments that are neither.
  static func check(overrides: [String]) throws {
    if let wrong = overrides.first(where: { !isOverride($0) }) { throw CommandError.notAnOverride(wrong) }
  }
}
