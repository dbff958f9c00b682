import Glibc
import PluginHost

/// The libraries that a library is linked with, found without loading any of them.
struct NeededLibraries {
  private let facts: LibraryFacts
  private let folder: String
  private let found: [String: LibraryFacts]
  /// Libraries that are nowhere.
  let missing: [String]

  init(_ facts: LibraryFacts) {
    self.facts = facts
    folder = facts.path.lastIndex(of: "/").map { String(facts.path[..<$0]) } ?? "."
    var found: [String: LibraryFacts] = [:]
    var missing: [String] = []
    var open = facts.needed[...]
    let loaded = Self.loadedLibraries
    // What the needed libraries need is looked at too: their symbols are found as well.
    while let name = open.popFirst() {
      guard found[name] == nil, !missing.contains(name) else { continue }
      let places = Self.places(name, beside: folder, facts.searchPaths, loaded)
      guard let library = places.lazy.compactMap({ try? LibraryFacts(reading: $0) }).first else {
        if facts.needed.contains(name) { missing.append(name) }
        continue
      }
      found[name] = library
      open += library.needed
    }
    self.found = found
    self.missing = missing
  }

  /// Whether a library lies in the plugin's own folder.
  func isBeside(_ name: String) -> Bool { unsafe access("\(folder)/\(name)", R_OK) == 0 }

  /// What is in none of them.
  var undefined: [String] {
    var known: Set<String> = []
    for library in found.values {
      // A library whose symbols cannot be read may have all of them.
      guard let exports = library.exports else { return [] }
      known.formUnion(exports)
    }
    return facts.wanted.filter { !$0.isWeak && !known.contains($0.name) }.map(\.name).sorted()
  }

  private static func places(
    _ name: String, beside folder: String, _ searched: [String], _ loaded: [String: String]
  ) -> [String] {
    var places = searched.map { path in
      (path.hasPrefix("$ORIGIN") ? folder + path.dropFirst(7) : path) + "/" + name
    }
    if let path = loaded[name] { places.insert(path, at: 0) }
    for folder in [
      "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
      "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib",
    ] { places.append(folder + "/" + name) }
    return places
  }

  /// The libraries of this process by the names of their files: what a plugin meets when it is loaded.
  private static var loadedLibraries: [String: String] {
    guard let file = unsafe fopen("/proc/self/maps", "r") else { return [:] }
    defer { unsafe fclose(file) }
    var libraries: [String: String] = [:]
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { unsafe free(line) }
    while unsafe getline(&line, &room, file) > 0, let text = unsafe line {
      let words = unsafe String(cString: text).split(whereSeparator: \.isWhitespace)
      guard words.count >= 6, words[5].hasPrefix("/"), let name = words[5].split(separator: "/").last else { continue }
      libraries[String(name)] = String(words[5])
    }
    return libraries
  }
}
