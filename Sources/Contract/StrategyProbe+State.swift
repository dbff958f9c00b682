import PluginHost
import Tensors

/// What is saved and loaded.
extension StrategyProbe {
  /// A ready rig after two steps with its state; nil, and skipped, where the strategy keeps none.
  private func saved() throws -> (rig: Rig, state: SavedState)? {
    let rig = try ready()
    _ = try rig.steps(0..<(role == .procedure ? 1 : 2))
    guard let state = try rig.saveState() else {
      rig.destroy()
      skip("it keeps no state")
      return nil
    }
    return (rig, state)
  }

  /// A fresh rig whose model is that of another one.
  private func fresh(like other: Rig) throws -> Rig {
    let rig = try ready()
    try withoutGradients {
      for (mine, theirs) in zip(rig.world.parameters, other.world.parameters) {
        guard mine.shape == theirs.shape else { continue }
        try mine.assign(theirs)
      }
    }
    return rig
  }

  func stateRepeats() throws {
    guard let (rig, state) = try saved() else { return }
    defer { rig.destroy() }
    if try rig.saveState() != state { return report("saving twice in a row gives other bytes") }
    let next = try fresh(like: rig)
    defer { next.destroy() }
    try next.instance?.loadState(state)
    if try next.saveState() != state { report("saved, loaded and saved again, the state is another one") }
  }

  func stateResumes() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    for split in [1, 2, 6] {
      let rig = try ready()
      defer { rig.destroy() }
      _ = try rig.steps(0..<split)
      let state = try rig.saveState()
      let next = try fresh(like: rig)
      defer { next.destroy() }
      if let state { try next.instance?.loadState(state) }
      for number in split..<(split + 2) {
        if let name = try next.step(number).difference(from: rig.step(number), within: tolerance) {
          return report(
            "an instance that goes on \(state == nil ? "without a state" : "from the state") of step \(split) gives other "
              + "\(name) at step \(number)")
        }
      }
    }
  }

  func stateRefused() throws {
    guard let (rig, state) = try saved() else { return }
    defer { rig.destroy() }
    guard !state.bytes.isEmpty else { return skip("its state has no bytes") }
    for length in Set([0, 1, state.bytes.count / 2, state.bytes.count - 1]).sorted() where length < state.bytes.count {
      let next = try fresh(like: rig)
      defer { next.destroy() }
      do {
        try next.instance?.loadState(SavedState(version: state.version, bytes: Array(state.bytes[..<length])))
        report("\(length) of \(state.bytes.count) bytes of state were taken without a word")
      } catch PluginError.call(_, .said) {
      } catch {
        note(error)
      }
    }
  }

  func stateSurvives() throws {
    guard let (rig, state) = try saved() else { return }
    defer { rig.destroy() }
    var numbers = SystemIndependentNumbers(seed: 11)
    for length in [1, 7, state.bytes.count, state.bytes.count + 64] {
      for _ in 0..<4 {
        let next = try fresh(like: rig)
        defer { next.destroy() }
        let bytes = (0..<length).map { _ in numbers.byte() }
        mayFail {
          try next.instance?.loadState(SavedState(version: state.version, bytes: bytes))
          if role != .procedure { _ = try next.step(2) }
        }
      }
    }
  }

  func stateVersion() throws {
    guard let (rig, state) = try saved() else { return }
    defer { rig.destroy() }
    let next = try fresh(like: rig)
    defer { next.destroy() }
    do {
      try next.instance?.loadState(SavedState(version: state.version &+ 1000, bytes: state.bytes))
      report("a state of version \(state.version &+ 1000) was taken without a word")
    } catch PluginError.call(_, .said) {
    } catch {
      note(error)
    }
  }

  func stateShortReads() throws {
    guard let (rig, state) = try saved() else { return }
    defer { rig.destroy() }
    let next = try fresh(like: rig)
    defer { next.destroy() }
    next.check.piece = 1
    try next.instance?.loadState(state)
    if try next.saveState() != state { report("read one byte at a time, the state is another one") }
  }
}

/// Numbers that look random and are the same everywhere: the 64-bit mix of Steele, Lea and Flood, 2014.
private struct SystemIndependentNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func byte() -> UInt8 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return UInt8(truncatingIfNeeded: mixed ^ (mixed >> 31))
  }
}
