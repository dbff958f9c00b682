import Foundation
import Runs

/// Finds the file of a plugin that somebody names.
struct PluginFiles {
  /// Folders besides the usual ones.
  let folders: [String]

  /// The file that is meant: a path, or the file of an id. A path need not lead anywhere.
  func path(of plugin: String) throws -> String {
    let path = plugin.hasPrefix("/") ? plugin : FileManager.default.currentDirectoryPath + "/" + plugin
    if plugin.contains("/") || plugin.hasSuffix(".so") || plugin.hasSuffix(".py")
      || FileManager.default.fileExists(atPath: path)
    {
      return path
    }
    let catalog = try Workshop.live.catalog(folders)
    if let part = catalog.parts.first(where: { $0.id == plugin || $0.pluginID == plugin }) { return part.file }
    let known = catalog.parts.map(\.id)
    throw CommandError.noStrategy(
      id: plugin, nearest: Runs.nearest(to: plugin, in: known), known: known, searched: catalog.folders)
  }
}
