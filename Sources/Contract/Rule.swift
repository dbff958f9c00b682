/// Something that a plugin has to keep to, with what to do where it does not.
package struct Rule: Sendable, Codable, Equatable {
  /// What a rule is about, in the order in which rules are checked.
  package enum Group: String, Sendable, Codable, CaseIterable {
    /// The file, without running any of it.
    case file
    /// Loading it and asking for its table.
    case load
    /// The edges of the life cycle.
    case life
    /// What each role promises, and what only a call can break.
    case contract
    /// How it says that something is wrong.
    case errors
    /// What it saves and loads.
    case state
    /// What its numbers depend on.
    case numbers
    /// Time, memory, threads, handles.
    case resources
    /// The parameters of its manifest.
    case parameters
  }

  /// How bad it is to break a rule.
  package enum Level: String, Sendable, Codable {
    /// Worth knowing; nothing is wrong.
    case note
    /// It works here, and may not elsewhere.
    case warning
    /// The plugin breaks its promise.
    case failure
  }

  /// Short, for ever.
  package let id: String
  package let group: Group
  /// What is reported where it is broken.
  package let level: Level
  /// What has to be so, in one sentence.
  package let text: String
  /// What to do where it is not.
  package let remedy: String

  init(_ id: String, _ group: Group, _ text: String, _ remedy: String) {
    self.init(id, group, .failure, text, remedy)
  }

  init(_ id: String, _ group: Group, _ level: Level, _ text: String, _ remedy: String) {
    self.id = id
    self.group = group
    self.level = level
    self.text = text
    self.remedy = remedy
  }

  /// Where the manual says more.
  package var link: String { "docs/plugin-check.md#\(id)" }

  /// The rule of that id.
  package static func named(_ id: String) -> Rule? { all.first { $0.id == id } }

  /// Rules of the group `file` that only a library can break.
  static let aboutLibraries = [
    "elf-library", "swift-runtime", "one-export", "unique-symbols", "needed-libraries", "links-the-host",
    "undefined-symbols", "text-relocations", "executable-stack", "run-path", "toolchain-run-path", "no-delete",
    "constructors", "glibc-floor",
  ]

  /// Every rule, in the order in which they are checked.
  package static let all = fileRules + loadRules + lifeRules + callRules + numberRules + parameterRules
}
