import Foundation
import PluginHost

/// A plugin that is loaded to be provoked. What it does may end the process: keep one in a process of its own.
package final class Prober {
  private let path: String
  private let output: OutputWatch?
  private var plugin: LoadedPlugin?

  /// - Parameters:
  ///   - path: the plugin's file.
  ///   - output: what notices when the plugin writes to standard output or error.
  package init(_ path: String, output: OutputWatch?) {
    self.path = path
    self.output = output
  }

  /// Does one job; what it finds out about other rules comes along.
  package func outcomes(of job: CheckJob) -> [Outcome] {
    do {
      switch job.rule {
      case "loads": return try loads()
      case "entry-repeats", "entry-host-size":
        guard !PluginFile.isSource(path) else {
          return [Outcome(rule: job.rule, skipped: "the entry is the bridge's, which ships with Lethe")]
        }
        return [try enters(job.rule)]
      case "old-host": return [try oldHost()]
      default: return [try check(job)]
      }
    } catch {
      var outcome = Outcome(rule: job.rule, strategy: job.strategy)
      outcome.report("\(error)")
      return [outcome]
    }
  }

  private func load() throws -> LoadedPlugin {
    if let plugin { return plugin }
    let loaded = try LoadedPlugin(PluginFile(reading: path), trust: TrustPolicy(SearchPath()))
    plugin = loaded
    return loaded
  }

  private func loads() throws -> [Outcome] {
    let clock = ContinuousClock()
    let threads = ProcessFacts.threads
    output?.forget()
    let began = clock.now
    _ = try load()
    let seconds = (clock.now - began) / .seconds(1)
    // Python starts with the first file, and its libraries start threads for all that follow.
    let isSource = PluginFile.isSource(path)
    var time = Outcome(rule: "load-time", skipped: isSource ? "Python has to start first" : nil)
    if seconds > 1, !isSource { time.report("it took \(String(format: "%.1f", seconds)) s") }
    var words = Outcome(rule: "load-output", skipped: output == nil ? "the process shares the terminal" : nil)
    if let text = output?.take() { words.report("it wrote '\(text)'") }
    var running = Outcome(rule: "load-threads", skipped: isSource ? "those are Python's and its libraries'" : nil)
    if !isSource, !ProcessFacts.settled({ ProcessFacts.threads <= threads }) {
      running.report("\(ProcessFacts.threads - threads) more threads run")
    }
    return [Outcome(rule: "loads"), time, words, running]
  }

  private func enters(_ rule: String) throws -> Outcome {
    let plugin = try load()
    var outcome = Outcome(rule: rule)
    let first = try plugin.enter(.usual)
    if rule == "entry-repeats" {
      let second = try plugin.enter(.usual)
      if first.status != 0 || second != first { outcome.report("it gave another table the second time") }
      return outcome
    }
    let huge = try plugin.enter(.huge)
    if huge != first {
      outcome.report("a host with more than this one has was \(huge.status == 0 ? "given another table" : "refused")")
    }
    // A plugin that calls what is not there ends the process here.
    _ = try plugin.enter(.tiny)
    return outcome
  }

  private func oldHost() throws -> Outcome {
    let manifest = try PluginFile(reading: path).manifest
    guard manifest.minimumMinor < OfferedMinor.newest else {
      return Outcome(rule: "old-host", skipped: "min_minor is that of this host")
    }
    OfferedMinor.pretend(manifest.minimumMinor)
    let plugin = try load()
    var outcome = Outcome(rule: "old-host")
    for strategy in manifest.strategies {
      guard let role = strategy.knownRole else { continue }
      let handle = try plugin.strategy(strategy.id, role: role)
      for task in strategy.tasks {
        do {
          try StrategyProbe(handle, task: task, rule: "old-host").walk()
        } catch {
          outcome.strategy = strategy.id
          outcome.report("with min_minor \(manifest.minimumMinor): \(error)")
        }
      }
    }
    return outcome
  }

  private func check(_ job: CheckJob) throws -> Outcome {
    let plugin = try load()
    guard let strategy = plugin.file.manifest.strategies.first(where: { $0.id == job.strategy }),
      let role = strategy.knownRole, let check = StrategyChecks.named(job.rule)
    else { return Outcome(rule: job.rule, strategy: job.strategy, skipped: "there is no such check") }
    let handle = try plugin.strategy(strategy.id, role: role)
    guard check.roles.contains(role) else {
      return Outcome(rule: job.rule, strategy: job.strategy, skipped: "it is not about the role \(role.word)")
    }
    var outcome = Outcome(rule: job.rule, strategy: job.strategy)
    output?.forget()
    for task in strategy.tasks {
      let probe = StrategyProbe(handle, task: task, rule: job.rule)
      do {
        try check.body(probe)
      } catch {
        probe.note(error)
      }
      outcome.merge(probe.outcome)
    }
    if job.rule == "output", output == nil { outcome.skipped = "the process shares the terminal" }
    if let text = output?.take() { outcome.report("it wrote '\(text)'", rule: "output") }
    return outcome
  }
}

extension Outcome {
  /// Adds what another one found.
  mutating func merge(_ other: Outcome) {
    for finding in other.findings where !findings.contains(finding) { findings.append(finding) }
    timings += other.timings
    skipped = other.skipped
  }
}
