import Foundation
import PluginHost

/// What a person is shown of a file before its bytes are let in.
package struct TrustFacts: Sendable, Equatable, Encodable {
  /// A strategy of a plugin.
  package struct Strategy: Sendable, Equatable, Encodable {
    package let id, role, doc: String
  }

  /// A library that is loaded along with it from a folder that it names itself.
  package struct Library: Sendable, Equatable, Encodable {
    package let file, sha256: String
  }

  /// Absolute, without links.
  package let file: String
  /// Of its bytes.
  package let sha256: String
  package let bytes: Int
  /// The plugin's id and version; nil for a library without a manifest, which can only be called as plain functions.
  package let plugin, version: String?
  /// Language, licence and description of the manifest, as far as it has them.
  package let language, licence, doc: String?
  package let strategies: [Strategy]
  /// Libraries it is linked with.
  package let needed: [String]
  /// Those of them that come from folders that it names itself.
  package let libraries: [Library]
  /// Symbols that it exports; nil where they cannot be read, or there are none, as of a Python file.
  package let exports: [String]?
  /// How many functions run as soon as it is loaded.
  package let constructors: Int
  /// Why it is not loaded without being listed; nil where it is.
  package let problem: String?
  /// Whether its bytes are listed already.
  package var isListed: Bool
}

/// A line of the list.
package struct TrustEntry: Sendable, Equatable, Encodable {
  package let id, version, sha256, trusted, file: String

  fileprivate init(_ entry: PluginLock.Entry) {
    (id, version, sha256, trusted, file) = (entry.id, entry.version, entry.sha256, entry.date, entry.file)
  }
}

/// The list of bytes that are let in, `plugins.lock`.
package struct PluginTrust: Sendable {
  /// Where the list is.
  package let path: String
  private let policy = TrustPolicy(SearchPath())

  /// The user's own list, or another one.
  ///
  /// - Throws: an error of the plugin host where there is no place for the user's own.
  package init(list: String? = nil) throws {
    guard let path = list ?? PluginLock.usualPath() else {
      throw PluginError.lock(path: "plugins.lock", reason: "neither HOME nor XDG_CONFIG_HOME says where it is")
    }
    self.path = path
  }

  /// From now on this process loads nothing that the list does not have.
  package static func require(list: String?) { PluginLock.require(list) }

  /// Looks at a file; nothing of it runs.
  package func facts(of path: String) throws -> TrustFacts {
    let found = try PluginFile.facts(reading: path)
    var problem: String?
    do { try policy.check(found.path) } catch { problem = "\(error)" }
    let manifest = found.plugin?.manifest
    return TrustFacts(
      file: found.path, sha256: found.sha256, bytes: found.bytes, plugin: manifest?.id, version: manifest?.version,
      language: manifest?.language, licence: manifest?.license, doc: manifest?.doc,
      strategies: manifest?.strategies.map { .init(id: $0.id, role: $0.role, doc: $0.doc) } ?? [],
      needed: found.library?.needed ?? [],
      libraries: try found.needed.map { .init(file: $0, sha256: try PluginFile.facts(reading: $0).sha256) },
      exports: found.library?.exports, constructors: found.library?.constructors ?? 0, problem: problem,
      isListed: try PluginLock(reading: self.path, trust: policy).has(found.sha256))
  }

  /// The plugins beside the command.
  package func shipped() throws -> [String] {
    let search = SearchPath(environment: { _ in nil })
    return try PluginCatalog(search).plugins.map(\.path)
  }

  /// Lists the bytes that were looked at, and those of the libraries that come along.
  package func add(_ all: [TrustFacts]) throws {
    let date = ISO8601DateFormatter().string(from: Date())
    try PluginLock.change(path, trust: policy) { lock throws(PluginError) in
      for facts in all {
        lock.add(
          PluginLock.Entry(
            id: facts.plugin ?? Self.name(facts.file), version: facts.version ?? "", sha256: facts.sha256,
            file: facts.file, date: date))
        for library in facts.libraries {
          lock.add(
            PluginLock.Entry(
              id: Self.name(library.file), version: "", sha256: library.sha256, file: library.file, date: date))
        }
      }
    }
  }

  /// All entries, as they were added.
  package func entries() throws -> [TrustEntry] {
    try PluginLock(reading: path, trust: policy).entries.map(TrustEntry.init)
  }

  /// Takes out the entries of an id, of a file, or of a hash or its beginning; gives them.
  package func remove(_ word: String) throws -> [TrustEntry] {
    let file = word.contains("/") ? URL(fileURLWithPath: word).resolvingSymlinksInPath().path : word
    var gone: [PluginLock.Entry] = []
    try PluginLock.change(path, trust: policy) { lock throws(PluginError) in
      gone = lock.remove { entry in
        entry.id == word || entry.file == file || (word.count >= 8 && entry.sha256.hasPrefix(word))
      }
    }
    return gone.map(TrustEntry.init)
  }

  private static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}
