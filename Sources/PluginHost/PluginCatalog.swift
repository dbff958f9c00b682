import Glibc

/// The plugins there are, from their notes alone: nothing is loaded, nothing runs.
package struct PluginCatalog: Sendable {
  /// A file in a plugin folder that cannot be used.
  package struct Refusal: Sendable, Equatable {
    package let path: String
    package let error: PluginError
  }

  /// A strategy with the plugin that has it.
  package struct Entry: Sendable, Equatable {
    package let plugin: PluginFile
    package let strategy: StrategyManifest
  }

  /// Every usable plugin, in the order of the search path, then by file name.
  package private(set) var plugins: [PluginFile] = []
  package private(set) var refusals: [Refusal] = []
  package let searchPath: SearchPath

  /// Every strategy of every plugin.
  package var entries: [Entry] {
    plugins.flatMap { plugin in plugin.manifest.strategies.map { Entry(plugin: plugin, strategy: $0) } }
  }

  /// Folders that were looked into, in order.
  package var folders: [String] { searchPath.folders.map(\.path) }

  /// Looks through the folders.
  ///
  /// - Throws: `notThere` or `unreadable` for a folder that was asked for by name.
  package init(_ searchPath: SearchPath) throws(PluginError) {
    self.searchPath = searchPath
    for folder in searchPath.folders {
      if folder.origin == .asked, SourceManifest.isSource(folder.path) {
        add(folder.path, .asked, isNamed: true)
        continue
      }
      guard let names = try Self.libraries(in: folder) else { continue }
      for name in names { add(folder.path + "/" + name, folder.origin) }
    }
  }

  private mutating func add(_ path: String, _ origin: SearchPath.Origin, isNamed: Bool = false) {
    do throws(PluginError) {
      let plugin = try PluginFile(reading: path)
      // A link beside its target, or a folder reached in two ways, is one plugin.
      if !plugins.contains(where: { $0.identity.isSameFile(as: plugin.identity) }) { plugins.append(plugin) }
    } catch .note(let path, .missing) where origin == .executable || SourceManifest.isSource(path) && !isNamed {
      // A Python file that says nothing of Lethe lies there for its own reasons.
    } catch .notALibrary where origin == .executable {
    } catch {
      refusals.append(Refusal(path: path, error: error))
    }
  }

  /// The strategy of that id, for the role that is wanted.
  ///
  /// - Throws: `unknown`, `wrongRole`, and `duplicate` where two files have the id, or are plugins of one id.
  package func find(_ id: String, role: StrategyRole? = nil) throws(PluginError) -> Entry {
    let found = entries.filter { $0.strategy.id == id }
    guard let entry = found.first else {
      let known = entries.filter { role == nil || $0.strategy.knownRole == role }.map(\.strategy.id).sorted()
      throw .unknown(id: id, nearest: nearestWords(to: id, in: known), known: known, searched: folders)
    }
    if found.count > 1 { throw .duplicate(id: id, first: entry.plugin.path, second: found[1].plugin.path) }
    let twins = plugins.filter { $0.manifest.id == entry.plugin.manifest.id }
    if twins.count > 1 {
      throw .duplicate(id: entry.plugin.manifest.id, first: twins[0].path, second: twins[1].path)
    }
    if let role, entry.strategy.knownRole != role {
      throw .wrongRole(strategy: id, role: entry.strategy.role, wanted: role)
    }
    return entry
  }

  /// Ids that two files claim, each with both files.
  package var conflicts: [PluginError] {
    var seen: [String: PluginFile] = [:]
    var errors: [PluginError] = []
    for plugin in plugins {
      for id in Set([plugin.manifest.id] + plugin.manifest.strategies.map(\.id)).sorted() {
        if let first = seen[id], first != plugin {
          errors.append(.duplicate(id: id, first: first.path, second: plugin.path))
        } else {
          seen[id] = plugin
        }
      }
    }
    return errors
  }

  /// Names of the libraries and sources of a folder in order, or nil where a usual folder is missing.
  private static func libraries(in folder: SearchPath.Folder) throws(PluginError) -> [String]? {
    guard let directory = unsafe opendir(folder.path) else {
      guard folder.origin == .asked else { return nil }
      throw errno == ENOENT
        ? .notThere(path: folder.path) : .unreadable(path: folder.path, reason: systemMessage())
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.hasSuffix(".so") || SourceManifest.isSource(name), !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }
}
