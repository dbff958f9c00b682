package import Foundation
import Learning
import PluginHost
import Runs

/// Whether what a run's record names is still what it was.
package struct Verification: Sendable, Equatable, Encodable {
  /// How something is found.
  package enum State: String, Sendable, Encodable {
    /// As the record says.
    case ok
    /// There, but not as the record says.
    case changed
    /// Not there any more.
    case missing
    /// The record does not say how it was.
    case unrecorded
  }

  /// One thing that the record names.
  package struct Item: Sendable, Equatable, Encodable {
    /// The stage or the run of a comparison, as a folder; empty for the run itself.
    package var run: String
    /// `plan`, `plugin`, `function`, `input`, `split` or `result`.
    package let kind: String
    /// The id with the role, or what a file is.
    package let name: String
    package let file: String
    package let state: State
    /// What is so, where it is not as it was, or not recorded.
    package let text: String?
    /// The values of a plugin's parameters as the run had them.
    package let parameters: String?
    /// Of the bytes, as recorded.
    package let sha256: String?
  }

  package private(set) var items: [Item] = []

  /// Whether nothing is changed or missing.
  package var isSound: Bool { items.allSatisfy { $0.state == .ok || $0.state == .unrecorded } }

  fileprivate mutating func add(
    _ kind: String, _ name: String, _ file: String, _ state: State, _ text: String? = nil, parameters: String? = nil,
    sha256: String? = nil
  ) {
    items.append(
      Item(
        run: "", kind: kind, name: name, file: file, state: state, text: text, parameters: parameters, sha256: sha256))
  }

  fileprivate mutating func add(_ other: Verification, run: String) {
    items += other.items.map { item in
      var item = item
      item.run = item.run.isEmpty ? run : run + "/" + item.run
      return item
    }
  }
}

extension Engine {
  /// Holds everything that a run's record names to what is there now. Reads files; nothing runs.
  ///
  /// - Parameters:
  ///   - folder: of a run, of a run with stages, or of a comparison.
  ///   - plugins: folders to look into for plugins that are not where they were, besides the usual ones.
  /// - Throws: `EngineError.notARun` for another folder.
  package static func verify(_ folder: URL, plugins: [String] = []) throws -> Verification {
    let manager = FileManager.default
    func isRun(_ folder: URL) -> Bool { manager.fileExists(atPath: folder.appendingPathComponent("plan.yaml").path) }
    if !isRun(folder), manager.fileExists(atPath: folder.appendingPathComponent("comparison.json").path) {
      var all = Verification()
      for name in try manager.contentsOfDirectory(atPath: folder.path).sorted() {
        let inner = folder.appendingPathComponent(name)
        if isRun(inner) { all.add(try verify(inner, plugins: plugins), run: name) }
      }
      return all
    }
    let files = RunFolder(url: folder)
    let (plan, events) = try files.record()
    if plan.isSequence {
      var all = Verification()
      for number in 1...plan.requests.count {
        let stage = URL(fileURLWithPath: RunPlan.stageFolder(number, of: folder.path))
        // A sequence that was stopped has not come to all of its stages.
        if isRun(stage) { all.add(try verify(stage, plugins: plugins), run: stage.lastPathComponent) }
      }
      return all
    }
    return Verifier(files: files, plan: plan, events: events, folders: plugins).verification
  }
}

private struct Verifier {
  let files: RunFolder
  let plan: RunPlan
  let events: [RunEvent]
  private(set) var verification = Verification()
  private let catalog: PluginCatalog?

  init(files: RunFolder, plan: RunPlan, events: [RunEvent], folders: [String]) {
    self.files = files
    self.plan = plan
    self.events = events
    catalog = try? PluginCatalog(SearchPath(asked: folders))
    checkPlan()
    checkPlugins()
    checkInputs()
    checkSplit()
    checkResults()
  }

  private var starts: [RunStart] {
    events.compactMap { if case .runStarted(let start) = $0.what { start } else { nil } }
  }

  private mutating func checkPlan() {
    let name = files.plan.path
    guard let recorded = starts.first?.planHash else {
      return verification.add("plan", "plan", name, .unrecorded, "the run never began")
    }
    let now = digest(plan.canonicalJSON())
    let other = starts.map(\.planHash).first { $0 != now }
    verification.add(
      "plan", "plan", name, other == nil ? .ok : .changed,
      other.map { "the run was of the plan \($0.prefix(16)), this is \(now.prefix(16))" }, sha256: recorded)
  }

  // MARK: Plugins

  private mutating func checkPlugins() {
    var uses: [PluginUse] = []
    for event in events {
      let more: [PluginUse] =
        switch event.what {
        case .runStarted(let start): start.plugins
        case .swapped(let swap): swap.plugins
        default: []
        }
      for use in more where !uses.contains(use) { uses.append(use) }
    }
    let changes = RunPlan.changes(in: events).flatMap(\.swap.namedParts)
    let named = plan.namedParts + changes.filter { !plan.namedParts.contains($0) }
    for use in uses {
      let meant = named.filter { $0.isMeant(by: use) }
      if meant.isEmpty {
        verification.add(
          use.version.isEmpty ? "function" : "plugin", "\(use.role.rawValue) \(use.id)", "", .changed,
          "the record has it, the plan has not", sha256: use.sha256)
      }
      for part in meant { check(part, use) }
    }
  }

  private mutating func check(_ named: NamedPart, _ use: PluginUse) {
    let name = "\(use.role.rawValue) \(use.id)\(use.version.isEmpty ? "" : " \(use.version)")"
    switch named {
    case .function(_, let function):
      let values = function.arguments.entries.map { "\($0.key) \($0.value.tree.flow)" }.joined(separator: ", ")
      let (state, text) = compare(function.library, use.sha256)
      verification.add(
        "function", name, function.library, state, text, parameters: values.isEmpty ? nil : values, sha256: use.sha256)
    case .part(_, let part):
      let values = part.parameters.entries.map { "\($0.key) \($0.value.tree.flow)" }.joined(separator: ", ")
      var (state, text) = compare(part.file, use.sha256)
      if state == .missing, let other = catalog?.plugins.first(where: { (try? $0.sha256()) == use.sha256 }) {
        text = "the same bytes lie in '\(other.path)'"
      }
      if part.sha256 != use.sha256 {
        (state, text) = (.changed, "the plan says \(part.sha256.prefix(16)), the record \(use.sha256.prefix(16))")
      }
      if state == .ok, let problem = problem(of: part, use) { (state, text) = (.changed, problem) }
      verification.add(
        "plugin", name, part.file, state, text, parameters: values.isEmpty ? nil : values, sha256: use.sha256)
    }
  }

  /// What the manifest of the right bytes says against the record.
  private func problem(of part: PartPlan, _ use: PluginUse) -> String? {
    do {
      let manifest = try PluginFile(reading: part.file).manifest
      guard manifest.id == part.pluginID, manifest.version == use.version else {
        return "the file is '\(manifest.id)' \(manifest.version)"
      }
      guard let strategy = manifest.strategies.first(where: { $0.id == part.id }) else {
        return "the file has no strategy '\(part.id)'"
      }
      _ = try strategy.values(part.values)
      return nil
    } catch {
      return "\(error)"
    }
  }

  // MARK: Files

  private mutating func checkInputs() {
    var seen: Set<String> = []
    for (file, sha256) in starts.flatMap({ ($0.inputs ?? [:]).sorted { $0.key < $1.key } })
    where seen.insert(file + sha256).inserted {
      let (state, text) = compare(file, sha256)
      verification.add("input", "weights", file, state, text, sha256: sha256)
    }
    for case .weights(let file) in [plan.base, plan.retrained]
    where !verification.items.contains(where: { $0.kind == "input" && $0.file == file }) {
      let (state, text) = compare(file, "")
      verification.add("input", "weights", file, state, text)
    }
  }

  private mutating func checkSplit() {
    let splits = events.compactMap { if case .splitReady(let split) = $0.what { split } else { nil } }
    guard let split = splits.last else { return }
    let file = files.split.path
    guard FileManager.default.fileExists(atPath: file) else {
      return verification.add("split", "split", file, .missing, sha256: split.hash)
    }
    do {
      let now = try Split.read(file).sha256
      verification.add(
        "split", "split", file, now == split.hash ? .ok : .changed,
        now == split.hash ? nil : "it is the split \(now.prefix(16)), the run had \(split.hash.prefix(16))",
        sha256: split.hash)
    } catch {
      verification.add("split", "split", file, .changed, "\(error)", sha256: split.hash)
    }
  }

  private mutating func checkResults() {
    guard case .finished(let end)? = events.last?.what else {
      return verification.add("result", "weights", files.weights.path, .unrecorded, "the run is not finished")
    }
    for (what, name) in end.files.sorted(by: { $0.key < $1.key }) where what != "split" {
      let file = name.hasPrefix("/") ? name : files.url.appendingPathComponent(name).path
      let (state, text) = compare(file, end.hashes?[what] ?? "")
      verification.add("result", what, file, state, text, sha256: end.hashes?[what])
    }
  }

  private func compare(_ file: String, _ sha256: String) -> (Verification.State, String?) {
    guard FileManager.default.fileExists(atPath: file) else { return (.missing, nil) }
    guard !sha256.isEmpty else { return (.unrecorded, "the record has no hash of it") }
    guard let now = fileDigest(file) else { return (.changed, "it cannot be read") }
    return now == sha256 ? (.ok, nil) : (.changed, "its sha256 is \(now), the record says \(sha256)")
  }
}

extension NamedPart {
  /// Whether a line of the record is about it.
  fileprivate func isMeant(by use: PluginUse) -> Bool {
    guard role == use.role else { return false }
    return switch self {
    case .part(_, let part): part.id == use.id && part.version == use.version
    case .function(_, let function): function.symbol == use.id && use.version.isEmpty
    }
  }
}
