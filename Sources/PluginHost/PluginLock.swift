import Glibc
import Synchronization

/// `plugins.lock`: the bytes that the user lets in, each by its SHA-256.
package struct PluginLock: Sendable, Equatable {
  /// A file that was let in.
  package struct Entry: Sendable, Equatable {
    /// The plugin's id; the file's name for a library that is no plugin.
    package var id: String
    /// The plugin's version; empty for a library that is no plugin.
    package var version: String
    /// Of its bytes, 64 lower-case hexadecimal digits.
    package var sha256: String
    /// Where it lay.
    package var file: String
    /// When it was let in, `2026-01-31T12:00:00Z`.
    package var date: String

    package init(id: String, version: String, sha256: String, file: String, date: String) {
      self.id = id
      self.version = version
      self.sha256 = sha256
      self.file = file
      self.date = date
    }
  }

  /// Which list counts.
  package struct Rule: Sendable, Equatable {
    /// The list; nil where there is no place for one.
    package var path: String?
    /// Whether nothing is loaded that is not in it.
    package var isRequired: Bool
  }

  /// The form of the file.
  static let format: Int64 = 1
  /// Larger files are refused.
  private static let largest: Int64 = 4 << 20
  private static let chosen = Mutex<Rule?>(nil)

  /// The list.
  package let path: String
  package private(set) var entries: [Entry] = []

  /// The user's own list: `$XDG_CONFIG_HOME/lethe/plugins.lock`, else `~/.config/lethe/plugins.lock`; nil in a process that
  /// has more rights than its user, which believes none of these.
  package static func usualPath(environment: (String) -> String? = SearchPath.environment) -> String? {
    if let folder = environment("XDG_CONFIG_HOME"), folder.hasPrefix("/") { return folder + "/lethe/plugins.lock" }
    guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
    return home + "/.config/lethe/plugins.lock"
  }

  /// The rule of this process.
  package static var rule: Rule { chosen.withLock { $0 } ?? Rule(path: usualPath(), isRequired: false) }

  /// From now on this process loads nothing that the list does not have. There is no way back, so that no part of the
  /// program can forget to ask.
  ///
  /// - Parameter path: another list than the user's own, absolute.
  package static func require(_ path: String? = nil) {
    chosen.withLock { $0 = Rule(path: path ?? usualPath(), isRequired: true) }
  }

  /// Reads a list; one that is not there has no entries.
  ///
  /// - Throws: `lock` where it is none, or where somebody else could have written it.
  package init(reading path: String, trust: TrustPolicy) throws(PluginError) {
    self.path = path
    let file: OpenFile
    do throws(PluginError) {
      file = try OpenFile(path)
    } catch .notThere {
      return
    } catch .notALibrary {
      throw .lock(path: path, reason: "it is not a regular file")
    }
    do throws(PluginError) {
      try trust.check(file, asked: path)
    } catch .untrusted(_, let component, let problem) {
      throw .lock(path: path, reason: "'\(component)' \(problem); run: \(problem.remedy(component))")
    }
    guard let bytes = file.bytes(atMost: Self.largest), let text = String(validating: bytes, as: UTF8.self) else {
      throw .lock(path: path, reason: "it is no text of at most \(Self.largest >> 20) MiB")
    }
    entries = try Self.entries(text, path: path)
  }

  /// The list of a policy; an empty one where it has none.
  init(list: String?, trust: TrustPolicy) throws(PluginError) {
    if let list { try self.init(reading: list, trust: trust) } else { self.init(empty: "plugins.lock") }
  }

  /// An empty list.
  package init(empty path: String) { self.path = path }

  /// Whether it has these bytes.
  package func has(_ sha256: String) -> Bool { entries.contains { $0.sha256 == sha256 } }

  /// Adds an entry, in place of one of the same bytes.
  package mutating func add(_ entry: Entry) {
    entries.removeAll { $0.sha256 == entry.sha256 }
    entries.append(entry)
  }

  /// Takes entries out, and gives them.
  package mutating func remove(where isMeant: (Entry) -> Bool) -> [Entry] {
    let gone = entries.filter(isMeant)
    entries.removeAll(where: isMeant)
    return gone
  }

  private static func entries(_ text: String, path: String) throws(PluginError) -> [Entry] {
    do throws(ManifestProblem) {
      let value: JSONValue
      do throws(JSONProblem) { value = try JSONText.read(text) } catch { throw .notJSON(error) }
      var reader = try ManifestReader(value, at: "")
      guard let found = try reader.whole("format") else { throw .missing(key: "format") }
      guard found == format else { throw .schema(found: found, wanted: format) }
      var entries: [Entry] = []
      for (index, value) in try reader.list("plugins").enumerated() {
        var item = try ManifestReader(value, at: reader.path("plugins[\(index)]"))
        let sha256 = try item.requiredText("sha256")
        guard sha256.utf8.count == 64, sha256.utf8.allSatisfy(isDigit) else {
          throw .badName(key: item.path("sha256"), found: sha256, pattern: "64 lower-case hexadecimal digits")
        }
        entries.append(
          Entry(
            id: try item.requiredText("id"), version: try item.text("version") ?? "", sha256: sha256,
            file: try item.text("file") ?? "", date: try item.text("trusted") ?? ""))
      }
      return entries
    } catch {
      throw .lock(path: path, reason: "\(error)")
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
