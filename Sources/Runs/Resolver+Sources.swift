import Foundation

/// Parts that are named by a file of Python instead of an id: `objective: {plugin: mine.py}`.
extension Resolver {
  /// Whether a part's name is that of a file.
  static func isSource(_ name: String) -> Bool { name.hasSuffix(".py") }

  /// The files that are named below, absolute, each once.
  func collectSources(_ written: Written, under key: String, _ paths: inout [String]) throws(RunError) {
    switch written.content {
    case .scalar(.string(let text)):
      guard Self.isSource(text), key == "plugin" || PartRole(rawValue: key) != nil else { return }
      let path = try path(of: text, key, written.place)
      if !paths.contains(path) { paths.append(path) }
    case .scalar: return
    case .list(let items): for item in items { try collectSources(item, under: key, &paths) }
    case .map(let entries): for entry in entries { try collectSources(entry.value, under: entry.key, &paths) }
    }
  }

  /// The id of the one strategy of that role in a file.
  func strategy(
    in name: String, _ key: String, _ role: PartRole, _ place: Place
  ) throws(RunError) -> String {
    let path = URL(fileURLWithPath: try path(of: name, key, place)).resolvingSymlinksInPath().path
    let there = catalog.parts.filter { $0.file == path }
    let found = there.filter { $0.role == role }
    guard let first = found.first ?? there.first else {
      throw .unknownPlugin(place, key: key, id: name, nearest: nil, catalog: catalog)
    }
    guard found.count <= 1 else {
      throw .severalStrategies(place, key: key, file: name, ids: found.map(\.id))
    }
    return first.id
  }

  private func path(of name: String, _ key: String, _ place: Place) throws(RunError) -> String {
    try environment.resolve(name, key: key, place: place, recipeFolder: config.folder(of: place))
  }
}
