import ArgumentParser
import Contract
import Foundation
import Runs

/// `lethe plugin fuzz`.
struct PluginFuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Lead a plugin through made-up lives, in a process of its own, and tell what ends, hangs or breaks it.",
    discussion: """
      A life is drawn from a number: which strategy, how many samples, which values and parameters, which requests to the host \
      fail, in which order it is stepped, saved, loaded, tuned, stopped. What a life brings to light is told with its number, \
      and --reproduce leads the plugin through that very life again, deed by deed. Where something odd was done to it, a plugin \
      may fail as long as it says why; it may not end the process, hang, write to what it was lent, or use what is over.

        lethe plugin fuzz ./libmine.so
        lethe plugin fuzz ./libmine.so --seed 7 --minutes 30
        lethe plugin fuzz ./libmine.so --lives 2000 --json
        lethe plugin fuzz ./libmine.so --reproduce 9f3c5d1e0b7a6842
        gdb --args lethe plugin fuzz ./libmine.so --reproduce 9f3c5d1e0b7a6842 --in-process

      Exit codes: 0 nothing came to light, 2 something did; 64, 66, 70 and 74 as of every command.
      """)

  @Argument(help: "The plugin's file, or the id of a plugin or strategy in the plugin folders.")
  var plugin: String

  @Option(help: ArgumentHelp("Which lives: the same seed gives the same ones in the same order.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("How long [1, or as long as --lives takes].", valueName: "minutes"))
  var minutes: Double?

  @Option(help: ArgumentHelp("How many lives [as many as the time allows].", valueName: "number"))
  var lives: Int?

  @Option(help: ArgumentHelp("Only the life of this number, told deed by deed.", valueName: "life"))
  var reproduce: String?

  @Option(help: ArgumentHelp("How long one life may take.", valueName: "seconds"))
  var timeout: Double = 20

  @Flag(
    name: .customLong("in-process"), help: "With --reproduce: in this process, without a time limit, for a debugger.")
  var inProcess = false

  @OptionGroup var plugins: PluginFolders

  @Flag(help: "JSON instead of text.")
  var json = false

  func validate() throws {
    for (name, value) in [("--minutes", minutes), ("--timeout", timeout)] {
      if let value, !(value > 0 && value.isFinite) { throw ValidationError("\(name) \(value): it must be above 0") }
    }
    if let lives, lives < 1 { throw ValidationError("--lives \(lives): it must be at least 1") }
    if let reproduce, UInt64(reproduce, radix: 16) == nil {
      throw ValidationError(
        "--reproduce '\(reproduce)': it is the number of a life as this command prints it, in hexadecimal")
    }
    if inProcess, reproduce == nil { throw ValidationError("--in-process goes with --reproduce") }
    if reproduce != nil, lives != nil || minutes != nil {
      throw ValidationError("--reproduce takes one life: --lives and --minutes do not go with it")
    }
  }

  func run() throws {
    let file = try PluginFiles(folders: plugins.absolute).path(of: plugin)
    if let life = reproduce.flatMap({ UInt64($0, radix: 16) }) { return try again(life, file) }
    let bar = FuzzBar()
    let pool = FuzzPool(file: file, limit: timeout, tell: bar.show)
    let began = ContinuousClock.now
    let seconds = minutes.map { $0 * 60 } ?? (lives == nil ? 60 : nil)
    let result: FuzzPool.Result
    do {
      defer { bar.clear() }
      result = try pool.run(seed: seed, seconds: seconds, lives: lives)
    }
    try tell(result, file, Double((ContinuousClock.now - began) / .seconds(1)))
  }

  private func again(_ life: UInt64, _ file: String) throws {
    if inProcess {
      let found = try PluginFuzzer(file, output: nil).live(life) { Output.tell("\($0)\n") }
      for finding in found { try Output.result("failure \(finding.rule) of '\(finding.strategy)': \(finding.text)\n") }
      if !found.isEmpty { throw ExitCode(2) }
      return
    }
    let pool = FuzzPool(file: file, limit: timeout, tell: { _, _ in }, story: { Output.tell("\($0)\n") })
    try tell(try pool.run(life: life), file, nil)
  }

  private func tell(_ result: FuzzPool.Result, _ file: String, _ seconds: Double?) throws {
    if json {
      try Output.result(
        Tree.encoding(
          Answer(file: file, seed: seconds == nil ? nil : seed, lives: result.lives, findings: result.found)
        )
        .prettyJSON())
    } else {
      var text = ""
      for found in result.found {
        text += "failure \(found.rule)\(found.strategy.isEmpty ? "" : " of '\(found.strategy)'"): \(found.text)"
        text += found.times > 1 ? " (in \(found.times) lives)\n" : "\n"
        if seconds != nil { text += "  again: lethe plugin fuzz \(plugin) --reproduce \(found.life)\n" }
        text += "  see: docs/plugin-check.md#\(found.rule)\n"
      }
      let count = result.found.count
      let time = seconds.map { " in \(NumberText.duration($0)) of seed \(seed)" } ?? ""
      text += "\(result.lives) \(result.lives == 1 ? "life" : "lives")\(time); "
      text += count == 0 ? "nothing came to light\n" : "\(count) finding\(count == 1 ? "" : "s")\n"
      try Output.result(text)
    }
    if !result.found.isEmpty { throw ExitCode(2) }
  }

  private struct Answer: Encodable {
    let file: String
    let seed: UInt64?
    let lives: Int
    let findings: [FuzzPool.Found]
  }
}

/// `lethe plugin-fuzz-probe`, which `lethe plugin fuzz` starts: leads a plugin through lives, and may be ended by it.
struct PluginFuzzProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin-fuzz-probe",
    abstract: "Lead a plugin through lives for 'lethe plugin fuzz', which starts this.",
    shouldDisplay: false)

  @Argument(help: "The plugin's file.")
  var file: String

  @Option(help: "The seed of the lives.")
  var seed: UInt64 = 1

  @Option(help: "The place of the first life among those of the seed.")
  var from: UInt64 = 0

  @Option(help: "How many lives.")
  var lives: UInt64 = .max

  @Option(help: "Only the life of this number, told deed by deed.")
  var life: UInt64?

  func run() throws {
    let process = try ProbeProcess()
    let fuzzer: PluginFuzzer
    do { fuzzer = try PluginFuzzer(file, output: process.output) } catch {
      return process.tell(ProbeMessage(failure: "\(error)", code: Workshop.live.exitCode(error)))
    }
    func live(_ number: UInt64, isTold: Bool) throws {
      process.tell(ProbeMessage(life: number))
      var deeds = 0
      let found = try fuzzer.live(number) { deed in
        // The first names the strategy.
        if isTold || deeds == 0 { process.tell(ProbeMessage(deed: deed)) }
        deeds += 1
      }
      for finding in found { process.tell(ProbeMessage(finding: finding)) }
    }
    if let life {
      try live(life, isTold: true)
    } else {
      for place in 0..<lives { try live(PluginFuzzer.number(from &+ place, of: seed), isTold: false) }
    }
    process.tell(ProbeMessage(isDone: true))
  }
}

/// Shows on a terminal how far a walk is.
private final class FuzzBar {
  private var shown = ContinuousClock.now

  func show(_ lives: Int, _ findings: Int) {
    guard Output.isTerminal, ContinuousClock.now - shown > .milliseconds(200) else { return }
    shown = .now
    let text = "\(lives) lives, \(findings) findings"
    Output.tell("\r\u{1B}[K\(text.prefix(Output.width - 1))")
  }

  func clear() {
    if Output.isTerminal { Output.tell("\r\u{1B}[K") }
  }
}
