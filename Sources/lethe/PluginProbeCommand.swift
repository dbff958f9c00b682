import ArgumentParser
import Contract
import Foundation
import Glibc

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
    guard let output = OutputWatch() else { throw CommandError.cannotWrite(path: "/tmp", reason: "no file for output") }
    let channel = output.channel
    _ = try CallRecorder.isWatched(endsBy: SIGKILL)
    func tell(_ message: ProbeMessage) { Self.write(message.line, to: channel) }
    let prober = Prober(file, output: output)
    for name in jobs {
      tell(ProbeMessage(begin: name))
      for outcome in prober.outcomes(of: CheckJob(name: name)) { tell(ProbeMessage(outcome: outcome)) }
    }
    tell(ProbeMessage(isDone: true))
  }

  private static func write(_ text: String, to channel: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(channel, $0.baseAddress, $0.count) }
      guard count > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}
