/// What a check of a plugin found.
package struct CheckReport: Sendable, Codable, Equatable {
  /// A rule that is broken, or something worth knowing.
  package struct Finding: Sendable, Codable, Equatable {
    /// The rule's id.
    package var rule: String
    package var level: Rule.Level
    /// Which strategy; nil for the whole plugin.
    package var strategy: String?
    /// What is so.
    package var text: String
    /// What to do.
    package var remedy: String
    /// Where the manual says more.
    package var link: String
  }

  /// How long calls of one kind took on the checker's small model.
  package struct Timing: Sendable, Codable, Equatable {
    package var strategy: String
    /// `objective.terms`.
    package var call: String
    package var calls: Int
    /// Mean, in microseconds, the host's own work included.
    package var microseconds: Double
    /// The most memory that the process took in one of them beyond what it had, in KiB, the host's own included.
    package var kibibytes: Int
  }

  /// The file, without links.
  package var file: String
  /// The plugin's id and version, where its manifest can be read.
  package var plugin: String?
  package var version: String?
  /// Of the file's bytes; nil where it cannot be read.
  package var sha256: String?
  package var findings: [Finding] = []
  /// Rules that were checked and held, by id.
  package var passed: [String] = []
  /// Rules that could not be checked or do not apply, with why.
  package var skipped: [String: String] = [:]
  package var timings: [Timing] = []

  package init(file: String) { self.file = file }

  package func count(_ level: Rule.Level) -> Int { findings.count { $0.level == level } }

  /// 0 all right, 1 warnings, 2 failures.
  package var exitCode: Int32 { count(.failure) > 0 ? 2 : count(.warning) > 0 ? 1 : 0 }

  /// Adds what was found about a rule; rules of no finding hold.
  package mutating func add(_ outcome: Outcome) {
    timings += outcome.timings
    for finding in outcome.findings where !findings.contains(finding) { findings.append(finding) }
    if !outcome.findings.contains(where: { $0.level != .note }) {
      if let reason = outcome.skipped {
        if !passed.contains(outcome.rule) { skipped[outcome.rule] = reason }
      } else if !findings.contains(where: { $0.rule == outcome.rule && $0.level != .note }),
        !passed.contains(outcome.rule)
      {
        passed.append(outcome.rule)
        skipped[outcome.rule] = nil
      }
    } else {
      passed.removeAll { $0 == outcome.rule }
      skipped[outcome.rule] = nil
    }
  }
}

/// What came of checking one rule on one strategy.
package struct Outcome: Sendable, Codable, Equatable {
  package var rule: String
  package var strategy: String?
  package var findings: [CheckReport.Finding] = []
  /// Why it was not checked.
  package var skipped: String?
  package var timings: [CheckReport.Timing] = []

  package init(rule: String, strategy: String? = nil, skipped: String? = nil) {
    self.rule = rule
    self.strategy = strategy
    self.skipped = skipped
  }

  /// Says what is wrong; of another rule where `id` says so.
  package mutating func report(_ text: String, rule id: String? = nil, level: Rule.Level? = nil) {
    guard let rule = Rule.named(id ?? self.rule) else { preconditionFailure("there is no rule '\(id ?? self.rule)'") }
    let finding = CheckReport.Finding(
      rule: rule.id, level: level ?? rule.level, strategy: strategy, text: text, remedy: rule.remedy, link: rule.link)
    if !findings.contains(finding) { findings.append(finding) }
  }
}
