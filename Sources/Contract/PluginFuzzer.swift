import Learning
import PluginHost
import Tensors

/// Leads a plugin through made-up lives, one for each number. What it does may end the process: keep one in a process of its
/// own.
package final class PluginFuzzer {
  /// Something that a life brought to light.
  package struct Finding: Sendable, Codable, Hashable {
    /// The rule of `lethe plugin check` that is broken.
    package var rule: String
    package var strategy: String
    package var text: String

    package init(rule: String, strategy: String, text: String) {
      self.rule = rule
      self.strategy = strategy
      self.text = text
    }
  }

  private let plugin: LoadedPlugin
  private let output: OutputWatch?

  /// Loads the plugin.
  ///
  /// - Parameter output: what notices when the plugin writes to standard output or error.
  package init(_ path: String, output: OutputWatch?) throws {
    plugin = try LoadedPlugin(PluginFile(reading: path), trust: TrustPolicy(SearchPath()))
    self.output = output
  }

  /// The number of the life that comes at this place of a seed's.
  package static func number(_ place: UInt64, of seed: UInt64) -> UInt64 {
    var random = Philox(seed: seed, label: "lethe plugin fuzz lives", step: place)
    return random.next64()
  }

  /// Leads the plugin through the life of that number.
  ///
  /// - Parameter tell: is told what is done next, before it is done.
  package func live(_ number: UInt64, tell: (String) -> Void = { _ in }) throws -> [Finding] {
    guard let life = FuzzCase(number, of: plugin.file.manifest), let role = life.strategy.knownRole else { return [] }
    let handle = try plugin.strategy(life.strategy.id, role: role)
    let probe = StrategyProbe(handle, task: life.task, rule: "life-cycle")
    output?.forget()
    tell(life.description)
    for value in life.forbidden {
      tell("refused by the host: \(value)")
      if (try? Rig.values(handle.manifest, [(value.key, value.value)])) != nil {
        probe.report("the host takes \(value), which the manifest does not allow")
      }
    }
    let rig: Rig
    do { rig = try probe.rig(life.variant) } catch { return [] }
    life.set(rig.check)
    do {
      tell("create")
      try rig.create()
      var state: SavedState?
      for deed in life.deeds {
        tell("\(deed)")
        try carryOut(deed, rig, handle, &state)
      }
    } catch LearningError.interrupted {
    } catch {
      // Where something odd was done to it, it may fail, but has to say why, if there is room for a word.
      if !life.isOdd { probe.note(error) } else if life.hasRoom { probe.mayFail { throw error } }
    }
    tell("destroy")
    rig.destroy()
    // Handles that mean nothing are the host's own doing there.
    if !life.lendsForeign { probe.look(rig) }
    look(at: rig.check, life, probe)
    if let text = output?.take() { probe.report("it wrote '\(text)'", rule: "output") }
    return probe.outcome.findings.filter { $0.level != .note }
      .map { Finding(rule: $0.rule, strategy: life.strategy.id, text: $0.text) }
  }

  private func carryOut(_ deed: FuzzCase.Deed, _ rig: Rig, _ handle: StrategyHandle, _ state: inout SavedState?) throws
  {
    switch deed {
    case .prepare: try rig.instance?.prepare()
    case .step(let number): _ = try rig.step(number)
    case .save: state = try rig.saveState()
    case .load(let damage):
      if let state { try rig.instance?.loadState(damage.applied(to: state)) }
    case .retune(let values):
      try rig.instance?.retune(try Rig.values(handle.manifest, values.map { ($0.key, $0.value) }))
    case .cancel: rig.cancel.cancel(signal: 2)
    case .finish: try rig.instance?.finish()
    }
  }

  private func look(at check: CheckMode, _ life: FuzzCase, _ probe: StrategyProbe) {
    for failure in check.failures {
      if failure.wentTooFar {
        probe.report("it wrote beyond a room of \(failure.capacity) bytes for its message", rule: "error-capacity")
      }
      if failure.capacity > 0, !failure.isTerminated {
        probe.report("a message in a room of \(failure.capacity) bytes has no NUL", rule: "error-capacity")
      }
      // A room of a few bytes may cut a letter in two.
      if failure.capacity > 64, String(validating: failure.message, as: UTF8.self) == nil {
        probe.report("a message is not UTF-8", rule: "error-message")
      }
    }
  }
}

extension FuzzCase {
  /// Whether a message of any length fits.
  fileprivate var hasRoom: Bool { capacity.map { $0 > 1 } ?? true }

  /// Plays the host that the case asks for.
  fileprivate func set(_ check: CheckMode) {
    check.failing = failing
    check.tail = tail
    check.capacity = capacity
    check.piece = piece
    check.lendsForeign = lendsForeign
    check.asksAnyway = variant.poison != nil
  }
}

extension FuzzCase.Damage {
  fileprivate func applied(to state: SavedState) -> SavedState {
    switch self {
    case .none: return state
    case .cut(let percent):
      return SavedState(version: state.version, bytes: Array(state.bytes.prefix(state.bytes.count * percent / 100)))
    case .changed(let count, let seed):
      guard !state.bytes.isEmpty else { return state }
      var bytes = state.bytes
      var random = Philox(seed: seed, label: "state")
      for _ in 0..<count { bytes[random.integer(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next32()) }
      return SavedState(version: state.version, bytes: bytes)
    case .version(let version): return SavedState(version: version, bytes: state.bytes)
    }
  }
}

// MARK: - In words

extension FuzzCase: CustomStringConvertible {
  /// What it is given, for a person who looks for the cause.
  var description: String {
    var words = ["\(strategy.id) (\(task)): \(variant.forget) to forget, \(variant.retain) to retain"]
    if variant.dtype != .float32 { words.append("\(variant.dtype)") }
    if let outputs = variant.outputs { words.append("outputs in \(outputs)") }
    if variant.hasGaps { words.append("views with gaps") }
    if let poison = variant.poison { words.append("the first number \(poison)") }
    if variant.scale != 1 { words.append("all times \(variant.scale)") }
    if variant.otherSets != 0 { words.append("asked for the sets \(variant.otherSets) too") }
    words += values.map(\.description)
    if failing > 0 { words.append("request \(failing) to the host fails") }
    if tail > 0 { words.append("structs \(tail) bytes longer") }
    if let capacity { words.append("\(capacity) bytes for messages") }
    if let piece { words.append("states in pieces of \(piece) bytes") }
    if lendsForeign { words.append("handles that mean nothing") }
    return words.joined(separator: ", ")
  }
}

extension FuzzCase.Value: CustomStringConvertible {
  var description: String {
    switch value {
    case .none: "\(key) not given"
    case .bool(let value): "\(key) \(value)"
    case .int(let value): "\(key) \(value)"
    case .float(let value): "\(key) \(value)"
    case .string(let value): "\(key) '\(value)'"
    }
  }
}

extension FuzzCase.Deed: CustomStringConvertible {
  var description: String {
    switch self {
    case .prepare: "prepare"
    case .step(let number): "step \(number)"
    case .save: "save"
    case .load(.none): "load"
    case .load(.cut(let percent)): "load \(percent) % of the bytes"
    case .load(.changed(let count, _)): "load with \(count) bytes changed"
    case .load(.version(let version)): "load as version \(version)"
    case .retune(let values): "retune: \(values.map(\.description).joined(separator: ", "))"
    case .cancel: "ask to stop"
    case .finish: "finish"
    }
  }
}
