import ArgumentParser
import Runs

/// `lethe plugin`.
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin",
    abstract:
      "See which plugins there are and what they can do, begin one of your own, and check that it keeps to the rules.",
    discussion:
      "'list' and 'show' read files and run nothing of theirs; 'check' and 'fuzz' run a plugin in processes of their own.",
    subcommands: [
      PluginListCommand.self, PluginShowCommand.self, PluginNewCommand.self, PluginCheckCommand.self,
      PluginFuzzCommand.self, PluginTrustCommand.self,
    ])
}

/// `lethe plugin list`.
struct PluginListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List every strategy of every plugin, and files that were refused.",
    discussion: """
        lethe plugin list
        lethe plugin list --plugin-path build --json | jq '.parts[].id'
      """)

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of a table.")
  var json = false

  func run() throws {
    let workshop = Workshop.live
    let catalog = try json ? workshop.catalog(plugins.absolute) : workshop.listing(plugins.absolute)
    if json { return try Output.result(Tree.encoding(catalog).prettyJSON()) }
    let rows = catalog.parts.sorted { ($0.role.order, $0.id) < ($1.role.order, $1.id) }.map { part in
      [part.id, part.role.rawValue, part.version, part.doc]
    }
    if rows.isEmpty {
      Output.tell("no plugins; searched: \(catalog.folders.joined(separator: ", "))\n")
    } else {
      try Output.result(TextTable(heading: ["id", "role", "version", "what it does"], rows: rows).leftAligned)
    }
    for refusal in catalog.refusals {
      Output.tell("refused: \(refusal.file.isEmpty ? "" : refusal.file + ": ")\(refusal.reason)\n")
    }
  }
}

/// `lethe plugin show`.
struct PluginShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a strategy: its parameters with their defaults and ranges, and the file that has it.",
    discussion: """
        lethe plugin show ID
        lethe plugin show ID --json | jq .parameters
      """)

  @Argument(help: "The strategy's id, as 'lethe plugin list' prints it.")
  var id: String

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of text.")
  var json = false

  func run() throws {
    let catalog = try Workshop.live.catalog(plugins.absolute)
    guard let part = catalog[id] else {
      let known = catalog.parts.map(\.id)
      throw CommandError.noStrategy(
        id: id, nearest: Runs.nearest(to: id, in: known), known: known, searched: catalog.folders)
    }
    try Output.result(json ? Tree.encoding(part).prettyJSON() : part.text)
  }
}

extension PartRole {
  /// The order of a step.
  fileprivate var order: Int { PartRole.allCases.firstIndex(of: self) ?? 0 }
}

extension PartDescriptor {
  /// All there is to know, for a terminal.
  fileprivate var text: String {
    var facts = [("role", role.rawValue), ("plugin", "\(pluginID) \(version)"), ("file", file), ("sha256", sha256)]
    if !tasks.isEmpty { facts.append(("tasks", tasks.joined(separator: ", "))) }
    if !streams.isEmpty { facts.append(("reads", streams.joined(separator: ", "))) }
    if !schedules.isEmpty { facts.append(("schedules", schedules.map(\.rawValue).joined(separator: ", "))) }
    if let output { facts.append(("weights", output.rawValue)) }
    if isCapturable { facts.append(("CUDA graphs", "its steps can be recorded")) }
    if !sets.isEmpty { facts.append(("needs at once", sets.joined(separator: ", "))) }
    var text = doc.isEmpty ? "\(id)\n\n" : "\(id): \(doc)\n\n"
    for (name, value) in facts { text += "\(name.padding(14))\(value)\n" }
    guard !parameters.isEmpty else { return text + "\nIt has no parameters.\n" }
    let rows = parameters.map { parameter in
      [parameter.key, parameter.type.rawValue, parameter.defaultText, parameter.range, parameter.doc]
    }
    return text + "\n"
      + TextTable(heading: ["parameter", "type", "default", "allowed", "what it does"], rows: rows).leftAligned
  }
}

extension ParameterDescriptor {
  fileprivate var defaultText: String { defaultValue.map(\.tree.flow) ?? (isRequired ? "must be given" : "none") }

  fileprivate var range: String {
    if !choices.isEmpty { return choices.joined(separator: ", ") }
    func text(_ bound: Double) -> String { Int64(exactly: bound).map(String.init) ?? "\(bound)" }
    let unit = unit.map { " \($0)" } ?? ""
    return switch (min, max) {
    case (let low?, let high?): "\(text(low)) to \(text(high))\(unit)"
    case (let low?, nil): "at least \(text(low))\(unit)"
    case (nil, let high?): "at most \(text(high))\(unit)"
    case (nil, nil): "any\(unit)"
    }
  }
}
