import PluginHost

/// One rule on one strategy, or on the whole plugin.
package struct CheckJob: Sendable, Hashable {
  /// The rule's id.
  package let rule: String
  /// The strategy's id; nil for the whole plugin.
  package let strategy: String?

  package init(rule: String, strategy: String? = nil) {
    self.rule = rule
    self.strategy = strategy
  }

  /// `rule` or `rule@strategy`.
  package var name: String { strategy.map { "\(rule)@\($0)" } ?? rule }

  /// The job of that name.
  package init(name: String) {
    let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
    rule = parts.first ?? ""
    strategy = parts.count > 1 ? parts[1] : nil
  }

  /// Whether it needs a process of its own: it shows the plugin another host.
  package var isAlone: Bool { ["entry-repeats", "entry-host-size", "old-host"].contains(rule) }

  /// What has to be done for a plugin, in order; `only` leaves the other rules out.
  ///
  /// The job `loads` answers for all rules of loading.
  static func all(for plugin: PluginFile, only: Set<String>? = nil) -> [CheckJob] {
    func isWanted(_ rule: String) -> Bool { only?.contains(rule) ?? true }
    var jobs: [CheckJob] = []
    if ["loads", "load-time", "load-output", "load-threads"].contains(where: isWanted) {
      jobs.append(CheckJob(rule: "loads"))
    }
    for rule in ["entry-repeats", "entry-host-size", "old-host"] where isWanted(rule) {
      jobs.append(CheckJob(rule: rule))
    }
    for strategy in plugin.manifest.strategies where strategy.knownRole != nil {
      for rule in Rule.all where StrategyChecks.named(rule.id) != nil && isWanted(rule.id) {
        jobs.append(CheckJob(rule: rule.id, strategy: strategy.id))
      }
    }
    return jobs
  }
}
