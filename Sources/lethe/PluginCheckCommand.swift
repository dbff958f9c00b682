import ArgumentParser
import Contract
import Foundation
import Runs

/// `lethe plugin check`.
struct PluginCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Hold a plugin to every rule of the ABI: its file, then its code, in processes of their own.",
    discussion: """
      First the file is looked at without running any of it: what it exports and needs, how it was linked, its manifest, \
      who could change it. Then its code is loaded in another process and provoked on a small model: every order of calls, \
      empty, single and broken batches, requests that fail, states that are cut off, one seed twice, gradients against \
      differences. A plugin that crashes, hangs or eats memory ends that process only, and is told with its call.

        lethe plugin check ./libmine.so
        lethe plugin check org.example.mine --plugin-path build
        lethe plugin check ./libmine.so --only weights --only order-free
        lethe plugin check ./libmine.so --json | jq '.findings[] | select(.level == "failure")'
        lethe plugin check --rules

      With --in-process nothing else is started, for a debugger: gdb --args lethe plugin check FILE --in-process

      Each rule, why it is there and how to keep it: docs/plugin-check.md.

      Exit codes: 0 every rule holds, 1 there are warnings, 2 there are failures; 64, 66 and 74 as of every command.
      """)

  @Argument(help: "The plugin's file, or the id of a plugin or strategy in the plugin folders.")
  var plugin: String?

  @Option(
    help: ArgumentHelp("Checks this rule only; may be given several times.", valueName: "rule"))
  var only: [String] = []

  @Flag(name: .customLong("in-process"), help: "Runs the plugin in this process, without a time limit.")
  var inProcess = false

  @Option(help: ArgumentHelp("How long one check may take.", valueName: "seconds"))
  var timeout: Double = 45

  @Flag(help: "Prints every rule instead.")
  var rules = false

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of text.")
  var json = false

  func validate() throws {
    if plugin == nil, !rules { throw ValidationError("there is no plugin; write: lethe plugin check FILE") }
    if !(timeout > 0) { throw ValidationError("--timeout \(timeout): it must be above 0") }
    for id in only where Rule.named(id) == nil {
      let near = Runs.nearest(to: id, in: Rule.all.map(\.id)).map { "did you mean '\($0)'? " } ?? ""
      throw ValidationError("--only: there is no rule '\(id)'; \(near)--rules lists them")
    }
  }

  func run() throws {
    guard !rules, let plugin else { return try printRules() }
    let wanted = only.isEmpty ? nil : Set(only)
    let file = try PluginFiles(folders: plugins.absolute).path(of: plugin)
    let begun = try Beginning(of: file, only: wanted)
    var report = begun.report
    try provoke(report.file, begun.jobs, &report)
    try Output.result(json ? Tree.encoding(CheckAnswer(report)).prettyJSON() : report.text)
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }

  private func provoke(_ file: String, _ jobs: [CheckJob], _ report: inout CheckReport) throws {
    guard !jobs.isEmpty else { return }
    guard !inProcess else {
      let prober = Prober(file, output: nil)
      for job in jobs {
        if job.isAlone {
          report.add(Outcome(rule: job.rule, skipped: "it needs a process of its own"))
          continue
        }
        Output.tell("\(job.name)\n")
        for outcome in prober.outcomes(of: job) { report.add(outcome) }
      }
      return
    }
    let bar = Bar(count: jobs.count)
    defer { bar.clear() }
    try CheckPool(file: file, limit: timeout, tell: bar.show).run(jobs, into: &report)
  }

  private func printRules() throws {
    if json { return try Output.result(Tree.encoding(Rule.all).prettyJSON()) }
    let rows = Rule.all.map { [$0.id, $0.group.rawValue, $0.level.rawValue, $0.text] }
    try Output.result(TextTable(heading: ["rule", "about", "else", "what must be so"], rows: rows).leftAligned)
  }
}

/// Shows on a terminal how far a check is.
private final class Bar {
  private let count: Int
  private var done = 0

  init(count: Int) { self.count = count }

  func show(_ job: CheckJob) {
    done += 1
    guard Output.isTerminal else { return }
    let text = "checking \(done) of \(count): \(job.name)"
    Output.tell("\r\u{1B}[K\(text.prefix(Output.width - 1))")
  }

  func clear() {
    if Output.isTerminal { Output.tell("\r\u{1B}[K") }
  }
}

/// A report as JSON has it.
private struct CheckAnswer: Encodable {
  let file: String
  let plugin, version, sha256: String?
  let result: String
  let failures, warnings, notes: Int
  let findings: [CheckReport.Finding]
  let passed: [String]
  let skipped: [String: String]
  let timings: [CheckReport.Timing]

  init(_ report: CheckReport) {
    file = report.file
    plugin = report.plugin
    version = report.version
    sha256 = report.sha256
    result = report.exitCode == 0 ? "ok" : report.exitCode == 1 ? "warnings" : "failures"
    (failures, warnings, notes) = (report.count(.failure), report.count(.warning), report.count(.note))
    findings = report.findings
    passed = report.passed
    skipped = report.skipped
    timings = report.timings
  }
}

extension CheckReport {
  /// For a terminal: what to mend first, then what is worth knowing, then the sum.
  fileprivate var text: String {
    var text = "\(plugin.map { "\($0) \(version ?? "")" } ?? "no plugin") (\(file))\n"
    if let sha256 { text += "sha256 \(sha256)\n" }
    for level in [Rule.Level.failure, .warning, .note] {
      for finding in findings where finding.level == level {
        let strategy = finding.strategy.map { " of '\($0)'" } ?? ""
        text += "\n\(level.rawValue) \(finding.rule)\(strategy): \(finding.text)\n"
        if let rule = Rule.named(finding.rule), level != .note {
          text += "  rule: \(rule.text)\n  do: \(finding.remedy)\n  see: \(finding.link)\n"
        }
      }
    }
    if !timings.isEmpty {
      let rows = timings.map { [$0.strategy, $0.call, NumberText.fixed($0.microseconds, 1), String($0.kibibytes)] }
      text += "\n" + TextTable(heading: ["strategy", "call", "µs a call", "KiB at most"], rows: rows).leftAligned
    }
    let sum = [(count(.failure), "failure"), (count(.warning), "warning"), (count(.note), "note")]
      .map { "\($0) \($1)\($0 == 1 ? "" : "s")" }
    return text + "\n\(passed.count) rules hold, \(skipped.count) do not apply; \(sum.joined(separator: ", "))\n"
  }
}
