import ArgumentParser
import Contract

/// `lethe plugin-probe`, which `lethe plugin check` starts: provokes a plugin, and may be ended by it.
struct PluginProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin-probe", abstract: "Provoke a plugin for 'lethe plugin check', which starts this.",
    shouldDisplay: false)

  @Argument(help: "The plugin's file.")
  var file: String

  @Argument(help: "What to do, 'rule' or 'rule@strategy'.")
  var jobs: [String] = []

  func run() throws {
    let process = try ProbeProcess()
    let prober = Prober(file, output: process.output)
    for name in jobs {
      process.tell(ProbeMessage(begin: name))
      for outcome in prober.outcomes(of: CheckJob(name: name)) { process.tell(ProbeMessage(outcome: outcome)) }
    }
    process.tell(ProbeMessage(isDone: true))
  }
}
