import Learning
import PluginHost
import Tensors

/// One check of one strategy in a run of one kind, and what came of it.
final class StrategyProbe {
  let handle: StrategyHandle
  let task: String
  private(set) var outcome: Outcome
  private let clock = ContinuousClock()

  init(_ handle: StrategyHandle, task: String, rule: String) {
    self.handle = handle
    self.task = task
    outcome = Outcome(rule: rule, strategy: handle.manifest.id)
  }

  var role: StrategyRole { handle.manifest.knownRole ?? .objective }
  /// How many steps are taken in a row; a procedure is called once.
  var steps: Int { role == .procedure ? 1 : 3 }
  /// Whether the manifest lets answers of two instances be compared.
  var isRepeatable: Bool { handle.plugin.file.manifest.determinism != .none }

  func report(_ text: String, rule: String? = nil) { outcome.report(text + suffix, rule: rule) }
  func skip(_ reason: String) { outcome.skipped = reason }

  private var suffix: String { handle.manifest.tasks.count > 1 ? " (in a run of \(task))" : "" }

  func rig(_ variant: Rig.Variant = Rig.Variant()) throws -> Rig {
    try Rig(handle, task: task, variant)
  }

  /// A rig whose instance is prepared.
  func ready(_ variant: Rig.Variant = Rig.Variant()) throws -> Rig {
    let rig = try rig(variant)
    try rig.prepare()
    return rig
  }

  /// A whole life with some steps.
  @discardableResult
  func walk(_ variant: Rig.Variant = Rig.Variant(), before: (Rig) -> Void = { _ in }) throws -> [Answer] {
    let rig = try rig(variant)
    before(rig)
    try rig.prepare()
    let answers = try rig.steps(0..<steps)
    try rig.instance?.finish()
    rig.destroy()
    look(rig)
    return answers
  }

  /// Reports what the host noticed during a rig's life.
  func look(_ rig: Rig) {
    for text in rig.world.misuses {
      switch text {
      case Misuse.wrongThread: report(text, rule: "wrong-thread")
      case Misuse.staleContext: report(text, rule: "stale-context")
      default: report(text, rule: "stale-handle")
      }
    }
    if let name = rig.writes.first { report("it wrote to what it was lent: \(name)", rule: "lent-tensors") }
  }

  /// Reports an error of a call that should have gone well, by the rule that it belongs to.
  func note(_ error: any Error) {
    guard let error = error as? PluginError, case .call(let call, let problem) = error else {
      return report("\(error)")
    }
    // Where a rule is about odd input, what goes wrong with that input is told under it.
    let isOdd = ["batch-of-one", "bf16", "non-contiguous", "struct-tails", "old-host"].contains(outcome.rule)
    let rule: String? =
      switch problem {
      case .term, .noTerms, .weights, .scores, .walk, .guidance, .direction, .noDirection, .scale, .noResults, .result:
        isOdd ? nil : Self.promise(problem)
      case .silent: "error-message"
      case .unknownStatus: "known-status"
      case .notCancelled: "cancel"
      case .said, .noTable, .lifeCycle, .state: nil
      }
    report("\(call.call): \(problem)", rule: rule)
  }

  /// The rule that says what a role has to answer.
  private static func promise(_ problem: CallProblem) -> String? {
    switch problem {
    case .term, .noTerms: "terms"
    case .weights: "weights"
    case .scores, .walk, .guidance: "scores"
    case .direction, .noDirection, .scale: "direction"
    case .noResults, .result: "results"
    default: nil
    }
  }

  /// Lets something happen that may fail: a failure is fine as long as it says why in a status that there is.
  func mayFail(_ body: () throws -> Void) {
    do {
      try body()
    } catch let error as PluginError {
      guard case .call(_, let problem) = error else { return }
      switch problem {
      case .silent, .unknownStatus: note(error)
      default: return
      }
    } catch {}
  }

  /// Seconds that something takes.
  func seconds(_ body: () throws -> Void) rethrows -> Double {
    let began = clock.now
    try body()
    return (clock.now - began) / .seconds(1)
  }

  func add(_ times: [String: CheckMode.Times]) {
    for (call, time) in times.sorted(by: { $0.key < $1.key }) {
      outcome.timings.append(
        CheckReport.Timing(
          strategy: handle.manifest.id, call: call, calls: time.calls,
          microseconds: time.seconds / Double(max(1, time.calls)) * 1e6, kibibytes: max(0, time.mostKiB)))
    }
  }
}
