import PluginHost
package import Runs

extension PartCatalog {
  /// The strategies in the folders of the search path, from the files' notes alone: nothing is loaded, nothing runs.
  ///
  /// - Parameters:
  ///   - folders: those of `--plugin-path`, then those of the recipe.
  ///   - hashes: whether every file is read for its hash, which takes longest. Only a catalog with hashes makes a plan.
  package static func discover(folders: [String], hashes: Bool = true) throws -> PartCatalog {
    let found = try PluginCatalog(SearchPath(asked: folders))
    var catalog = PartCatalog(parts: [], folders: found.folders)
    for plugin in found.plugins {
      let sha256 = hashes ? try plugin.sha256() : ""
      catalog.parts += plugin.manifest.strategies.compactMap { $0.descriptor(of: plugin, sha256: sha256) }
    }
    catalog.refusals =
      found.refusals.map { PartRefusal(file: $0.path, reason: "\($0.error)") }
      + found.conflicts.map { PartRefusal(file: "", reason: "\($0)") }
    return catalog
  }
}

extension StrategyManifest {
  /// The same as the resolver knows it; nil for a role that this host does not have.
  fileprivate func descriptor(of plugin: PluginFile, sha256: String) -> PartDescriptor? {
    guard let role = knownRole.flatMap({ PartRole(rawValue: $0.word) }) else { return nil }
    return PartDescriptor(
      id: id, pluginID: plugin.manifest.id, version: plugin.manifest.version, file: plugin.path, sha256: sha256,
      role: role, tasks: tasks, streams: streams, schedules: schedules.compactMap { DataSchedule(rawValue: $0) },
      parameters: parameters.map(\.descriptor), output: weights.flatMap { WeightKind(rawValue: $0.rawValue) },
      sets: sets, models: models, isCapturable: isCapturable, doc: doc)
  }
}

extension ParameterManifest {
  fileprivate var descriptor: ParameterDescriptor {
    let type: Runs.ParameterType =
      switch type {
      case .bool: .bool
      case .int: .int
      case .float: .float
      case .string: .string
      }
    let known: Runs.ParameterValue? =
      switch defaultValue {
      case .none: nil
      case .bool(let value): .bool(value)
      case .int(let value): .int(value)
      case .float(let value): .float(value)
      case .string(let value): .string(value)
      }
    return ParameterDescriptor(
      key: key, type: type, defaultValue: known, min: minimum, max: maximum, choices: choices, isRequired: isRequired,
      isTunable: isTunable, unit: unit, doc: doc)
  }
}
