import ArgumentParser
import Engine
import Foundation
import Glibc
import Runs

/// `lethe plugin trust`.
struct PluginTrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract:
      "Let in the bytes of a plugin or a library, wherever they lie: look at them, then list them in plugins.lock.",
    discussion: """
      A file is loaded without being listed where nobody but root and you could have changed it. Others are refused, unless \
      their bytes are listed here; then exactly these bytes are loaded, and no others, whatever becomes of the file. With \
      --locked, 'run', 'compare', 'evaluate', 'audit' and 'replay' load nothing that is not listed.

        lethe plugin trust /shared/libmine.so
        lethe plugin trust ./libmine.so --yes
        lethe plugin trust --shipped --yes
        lethe plugin trust --list
        lethe plugin trust --remove org.example.mine
        lethe plugin trust ./libmine.so --lock ./plugins.lock

      What is shown is read from the file; nothing of it runs. The list is $XDG_CONFIG_HOME/lethe/plugins.lock, else \
      ~/.config/lethe/plugins.lock. What the rules are and what they do not protect from: docs/trust.md.
      """)

  @Argument(help: ArgumentHelp("Files, or ids as 'lethe plugin list' prints them.", valueName: "plugin"))
  var plugins: [String] = []

  @Flag(help: "List them without asking.")
  var yes = false

  @Flag(help: "All plugins that come with Lethe.")
  var shipped = false

  @Flag(help: "Print what is listed.")
  var list = false

  @Option(
    help: ArgumentHelp("Take out what is listed under this id, file, or hash (8 digits or more).", valueName: "entry"))
  var remove: [String] = []

  @Option(name: .customLong("lock"), help: ArgumentHelp("Another list than your own.", valueName: "file"))
  var lock: String?

  @OptionGroup var folders: PluginFolders

  @Flag(help: "JSON instead of text.")
  var json = false

  func validate() throws {
    let meant = [!plugins.isEmpty || shipped, list, !remove.isEmpty].count { $0 }
    if meant == 0 { throw ValidationError("there is no plugin; write: lethe plugin trust FILE, or --list") }
    if meant > 1 { throw ValidationError("list plugins, print the list or take something out, one at a time") }
  }

  func run() throws {
    let trust = try PluginTrust(list: lock.map(absolute))
    if list { return try show(try trust.entries(), in: trust) }
    if !remove.isEmpty { return try takeOut(of: trust) }
    var files: [String] = shipped ? try trust.shipped() : []
    for plugin in plugins { files.append(try PluginFiles(folders: folders.absolute).path(of: plugin)) }
    let facts = try files.map { try trust.facts(of: $0) }
    let new = facts.filter { !$0.isListed || $0.libraries.contains { !$0.sha256.isEmpty } }
    if json { try Output.result(Tree.encoding(facts).prettyJSON()) } else { try facts.forEach(show) }
    guard try yes || isAgreed(new.count) else {
      Output.tell("nothing was listed\n")
      throw ExitCode(1)
    }
    try trust.add(new)
    Output.tell("\(new.count) of \(facts.count) added to '\(trust.path)'\n")
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// Asks the person at the terminal.
  private func isAgreed(_ count: Int) throws -> Bool {
    if count == 0 { return true }
    guard isatty(STDIN_FILENO) == 1 else { throw CommandError.nobodyToAsk }
    Output.tell("let these bytes in? [y/N] ")
    let answer = (readLine() ?? "").trimmingCharacters(in: .whitespaces).lowercased()
    return ["y", "yes"].contains(answer)
  }

  private func takeOut(of trust: PluginTrust) throws {
    for word in remove {
      let gone = try trust.remove(word)
      guard !gone.isEmpty else { throw CommandError.notListed(word, list: trust.path) }
      for entry in gone { Output.tell("removed \(entry.id) \(entry.sha256.prefix(16))\n") }
    }
  }

  private func show(_ entries: [TrustEntry], in trust: PluginTrust) throws {
    if json { return try Output.result(Tree.encoding(entries).prettyJSON()) }
    guard !entries.isEmpty else { return Output.tell("'\(trust.path)' lists nothing\n") }
    let rows = entries.map { [$0.id, $0.version, String($0.sha256.prefix(16)), $0.trusted, $0.file] }
    try Output.result(
      TextTable(heading: ["id", "version", "sha256", "listed", "file"], rows: rows).leftAligned)
  }

  private func show(_ facts: TrustFacts) throws { try Output.result(facts.text + "\n") }
}

extension TrustFacts {
  /// What a person decides by.
  fileprivate var text: String {
    func row(_ name: String, _ value: String) -> String { "\(name.padding(20))\(value)\n" }
    var text = ""
    if let plugin {
      text += "plugin \(plugin) \(version ?? "")\(doc.map { $0.isEmpty ? "" : ": \($0)" } ?? "")\n"
    } else {
      text += "no plugin: a library whose functions can be called\n"
    }
    text += row("file", file) + row("sha256", sha256) + row("bytes", String(bytes))
    if let language { text += row("language", language) }
    if let licence { text += row("licence", licence) }
    for strategy in strategies { text += row(strategy.role, "\(strategy.id): \(strategy.doc)") }
    text += row("needs", needed.isEmpty ? "no library" : needed.joined(separator: ", "))
    for library in libraries { text += row("brings", "\(library.file) (sha256 \(library.sha256))") }
    if let exports {
      let shown = exports.prefix(20).joined(separator: ", ")
      text += row("exports", exports.isEmpty ? "nothing" : exports.count > 20 ? shown + ", …" : shown)
    }
    if constructors > 0 { text += row("at load", "\(constructors) functions run") }
    text += row("if unlisted", problem.map { "refused: \($0)" } ?? "loaded without being listed, but not with --locked")
    if isListed { text += row("listed", "already") }
    return text
  }
}
