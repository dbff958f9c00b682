import PluginHost

/// The rules of the group `file`: none of the plugin's code runs.
enum FileChecks {
  private static let largest = 64 << 20
  /// Libraries of the system and of Swift: how their names begin.
  private static let runtimes = [
    "libc.so", "libm.so", "libgcc_s.so", "libstdc++.so", "libpthread.so", "libdl.so", "librt.so", "ld-linux", "libc++",
    "libswift", "libFoundation", "lib_Foundation", "libdispatch.so", "libBlocksRuntime.so",
  ]
  private static let hosts = ["libtorch", "libc10", "libCTorch", "libshm.so"]

  /// Checks a file.
  ///
  /// - Returns: an outcome for each rule, and the file where it is a plugin that this host can load.
  /// - Throws: `PluginError` for a path that leads to nothing that can be read.
  static func check(_ path: String) throws(PluginError) -> (outcomes: [Outcome], plugin: PluginFile?) {
    var all = Outcomes()
    var facts: LibraryFacts?
    do throws(PluginError) {
      if !PluginFile.isSource(path) { facts = try LibraryFacts(reading: path) }
    } catch .notALibrary(_, let problem) {
      all.report("elf-library", "\(problem)")
      return (all.outcomes(skipping: "the file is no library"), nil)
    }
    var plugin: PluginFile?
    do throws(PluginError) {
      plugin = try PluginFile(reading: path)
    } catch .notThere {
      throw .notThere(path: path)
    } catch {
      all.report(error)
    }
    if let facts { all.look(facts) } else { all.skip(Rule.aboutLibraries, "it is run from its source") }
    if let plugin {
      if !plugin.manifest.unknownKeys.isEmpty {
        all.report("manifest-keys", "it has \(list(plugin.manifest.unknownKeys))")
      }
      for strategy in plugin.manifest.strategies {
        if strategy.doc.isEmpty { all.report("described", "'\(strategy.id)' has no doc") }
        for parameter in strategy.parameters where parameter.doc.isEmpty {
          all.report("described", "the parameter '\(parameter.key)' of '\(strategy.id)' has no doc")
        }
      }
    }
    do throws(PluginError) {
      try TrustPolicy(SearchPath()).check(path)
    } catch {
      all.report("trust", "\(error)")
    }
    return (all.outcomes(skipping: nil), plugin)
  }

  static func list(_ words: [String]) -> String {
    let shown = words.prefix(6).map { "'\($0)'" }.joined(separator: ", ")
    return words.count > 6 ? "\(shown) and \(words.count - 6) more" : shown
  }

  fileprivate static func isRuntime(_ name: String) -> Bool { runtimes.contains { name.hasPrefix($0) } }
  fileprivate static func isHost(_ name: String) -> Bool { hosts.contains { name.hasPrefix($0) } }
  fileprivate static func isTooLarge(_ bytes: Int) -> Bool { bytes > largest }
}

/// The check of a file, and what is left to be done with its code.
package struct Beginning {
  /// What the file shows.
  package let report: CheckReport
  /// What needs the plugin's code; nothing where it cannot be loaded or is not trusted.
  package let jobs: [CheckJob]

  /// Checks a file without running any of it.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - only: the rules that are wanted; nil for all.
  /// - Throws: an error of the plugin host for a path that leads to nothing that can be read.
  package init(of path: String, only: Set<String>?) throws {
    let found = try FileChecks.check(path)
    var report = CheckReport(file: path)
    for outcome in found.outcomes where only?.contains(outcome.rule) ?? true { report.add(outcome) }
    var jobs: [CheckJob] = []
    if let plugin = found.plugin {
      report.file = plugin.path
      report.plugin = plugin.manifest.id
      report.version = plugin.manifest.version
      report.sha256 = try plugin.sha256()
      jobs = CheckJob.all(for: plugin, only: only)
    }
    if found.outcomes.contains(where: { $0.rule == "trust" && !$0.findings.isEmpty }) {
      for rule in Set(jobs.map(\.rule)) {
        report.add(Outcome(rule: rule, skipped: "a file that is not trusted is not run"))
      }
      jobs = []
    }
    self.report = report
    self.jobs = jobs
  }
}

/// Outcomes by rule, in the order of the rules.
private struct Outcomes {
  private var found: [String: Outcome] = [:]

  mutating func skip(_ rules: [String], _ reason: String) {
    for rule in rules where found[rule] == nil { found[rule] = Outcome(rule: rule, skipped: reason) }
  }

  mutating func report(_ rule: String, _ text: String, level: Rule.Level? = nil) {
    found[rule, default: Outcome(rule: rule)].report(text, level: level)
  }

  func outcomes(skipping reason: String?) -> [Outcome] {
    let rules = Rule.all.filter { $0.group == .file || $0.id == "described" }
    return rules.map { found[$0.id] ?? Outcome(rule: $0.id, skipped: reason) }
  }

  /// The rule that an error of reading belongs to.
  mutating func report(_ error: PluginError) {
    switch error {
    case .note(_, let problem): report("manifest", "\(problem)")
    case .manifest(_, let problem): report("manifest", "\(problem)")
    case .unfit(_, _, let problem):
      let rule =
        switch problem {
        case .generation: "abi-generation"
        case .minor: "abi-minor"
        case .service: "required-services"
        case .platform: "platform"
        case .swift: "swift-runtime"
        case .noEntry: "one-export"
        }
      report(rule, "\(problem)")
    default: report("manifest", "\(error)")
    }
  }

  mutating func look(_ facts: LibraryFacts) {
    if let exports = facts.exports {
      let others = exports.filter { !$0.hasPrefix("lethe_plugin_abi") }
      if !others.isEmpty { report("one-export", "it also exports \(FileChecks.list(others))") }
    } else {
      report("one-export", "its table of symbols cannot be read")
    }
    if !facts.unique.isEmpty { report("unique-symbols", "\(FileChecks.list(facts.unique)) are unique in the process") }
    if facts.hasTextRelocations { report("text-relocations", "its code has relocations") }
    if facts.hasExecutableStack { report("executable-stack", "its stack is marked as executable") }
    if !facts.isNeverUnloaded { report("no-delete", "it may be unloaded") }
    for path in facts.searchPaths where path.hasPrefix("/") || !path.hasPrefix("$ORIGIN") {
      let isToolchain = path.hasSuffix("/usr/lib/swift/linux")
      report(isToolchain ? "toolchain-run-path" : "run-path", "it looks for libraries in '\(path)'")
    }
    // The compilers of C and Swift bring up to three themselves.
    if facts.constructors > 3 {
      report("constructors", "\(facts.constructors) functions run when it is loaded")
    }
    if FileChecks.isTooLarge(facts.bytes) { report("file-size", "it has \(facts.bytes >> 20) MiB") }
    if let glibc = facts.glibc {
      let wanted = glibc.map(String.init).joined(separator: ".")
      let here = ProcessFacts.glibc
      let numbers = here.split(separator: ".").compactMap { Int($0) }
      if numbers.lexicographicallyPrecedes(glibc) {
        report("glibc-floor", "it needs glibc \(wanted), and this machine has \(here)")
      } else {
        report("glibc-floor", "it needs glibc \(wanted) or newer", level: .note)
      }
    }
    lookAtLibraries(facts)
  }

  private mutating func lookAtLibraries(_ facts: LibraryFacts) {
    let libraries = NeededLibraries(facts)
    let host = facts.needed.filter(FileChecks.isHost)
    if !host.isEmpty { report("links-the-host", "it is linked with \(FileChecks.list(host))") }
    let foreign = facts.needed.filter {
      !FileChecks.isRuntime($0) && !FileChecks.isHost($0) && !libraries.isBeside($0)
    }
    if !foreign.isEmpty { report("needed-libraries", "it is linked with \(FileChecks.list(foreign))") }
    let missing = libraries.missing
    if !missing.isEmpty {
      report("needed-libraries", "\(FileChecks.list(missing)) cannot be found", level: .failure)
      return
    }
    let undefined = libraries.undefined
    if !undefined.isEmpty { report("undefined-symbols", "nothing it is linked with has \(FileChecks.list(undefined))") }
  }
}
