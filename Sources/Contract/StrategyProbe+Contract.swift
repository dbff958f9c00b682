import PluginHost
import Tensors

/// What roles promise, what calls may use, and how errors are told.
extension StrategyProbe {
  /// Answers are checked by the host as they come; some steps with several batches are enough.
  func promises() throws {
    try walk()
    if role != .procedure { try walk(Rig.Variant(seed: 3, forget: 7, retain: 2)) }
  }

  func procedure() throws {
    let rig = try ready()
    let shapes = rig.world.parameters.map(\.shape)
    let answer = try rig.step()
    if !answer.isFinite { report("a parameter is not finite after run") }
    if rig.world.parameters.map(\.shape) != shapes { report("a parameter has another shape after run") }
    rig.destroy()
    look(rig)
  }

  func misuse() throws {
    let rig = try ready()
    _ = try rig.steps(0..<steps)
    // Threads that use a context late have some time to do it; the next call hears of it.
    _ = ProcessFacts.settled(milliseconds: 100) { !rig.world.misuses.isEmpty }
    if role != .procedure { _ = try rig.step(steps) }
    try rig.instance?.finish()
    rig.destroy()
    look(rig)
  }

  func structTails() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let usual = try walk()
    let longer = try walk(before: { $0.check.tail = 64 })
    for (number, (answer, expected)) in zip(longer, usual).enumerated() {
      if let name = answer.difference(from: expected, within: tolerance) {
        return report("with 64 more bytes in each struct, \(name) are others at step \(number)")
      }
    }
  }

  func unknownSet() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let usual = try walk()
    mayFail {
      let found = try walk(Rig.Variant(otherSets: 1 << 31 | 4))
      for (answer, expected) in zip(found, usual) {
        if let name = answer.difference(from: expected, within: tolerance) {
          return report("asked for a set that there is not, it gives other \(name)")
        }
      }
    }
  }

  func maskedEntries() throws {
    let rig = try ready()
    _ = try rig.steps(0..<steps)
    rig.destroy()
    if rig.straysFromMask { report("the direction is not zero where all gradients are") }
  }

  // MARK: Errors

  private static let mostRequests = 48

  /// How many requests a life with two steps makes of the host.
  private func requests() throws -> Int {
    let rig = try ready()
    _ = try rig.step()
    rig.destroy()
    return rig.check.requests
  }

  /// Lets one request after the other fail; tells each time what became of it.
  private func failing(_ change: (Rig) -> Void = { _ in }, _ tell: (Int, Rig, (any Error)?) -> Void) throws {
    let all = try requests()
    let began = ContinuousClock.now
    // Of many, those at the beginning and then every few.
    let stride = Swift.max(1, all / Self.mostRequests)
    for number in Swift.stride(from: 1, through: all, by: stride) {
      // What takes long to prepare is not prepared for every one of them.
      if ContinuousClock.now - began > .seconds(8) { return }
      let rig = try rig()
      rig.check.failing = number
      change(rig)
      do {
        try rig.prepare()
        _ = try rig.step()
        tell(number, rig, nil)
      } catch {
        tell(number, rig, error)
      }
      rig.destroy()
    }
  }

  func ignoredFailure() throws {
    let all = try requests()
    guard all > 0 else { return skip("it makes no request that can fail") }
    var ignored: [Int] = []
    try failing { number, rig, error in
      if error == nil, rig.check.requests >= number { ignored.append(number) }
    }
    if let first = ignored.first {
      report(
        "request \(first) of \(all) to the host failed, and the call went well"
          + (ignored.count > 1 ? "; so it was with \(ignored.count - 1) more" : ""))
    }
  }

  func errorMessages() throws {
    func look(_ rig: Rig) {
      for failure in rig.check.failures where failure.status != 1 {
        if failure.message.isEmpty {
          report("a call failed with status \(failure.status) and no message", rule: "error-message")
        } else if String(validating: failure.message, as: UTF8.self) == nil {
          report("a message is not UTF-8", rule: "error-message")
        }
      }
    }
    try failing { _, rig, error in
      look(rig)
      if case .call(_, .unknownStatus)? = error as? PluginError, let error { note(error) }
    }
    // Handles that mean nothing have to end in an error too, or in nothing.
    let foreign = try rig()
    foreign.check.lendsForeign = true
    mayFail {
      try foreign.prepare()
      _ = try foreign.step()
    }
    foreign.destroy()
    look(foreign)
  }

  func errorCapacity() throws {
    guard try requests() > 0 else { return skip("it makes no request that can fail") }
    var whole: [Int: Int] = [:]
    try failing { number, rig, _ in whole[number] = rig.check.failures.last?.length }
    for capacity in [0, 1, 8] {
      try failing({ $0.check.capacity = capacity }) { number, rig, _ in
        guard let failure = rig.check.failures.last else { return }
        if failure.wentTooFar { report("it wrote beyond a room of \(capacity) bytes") }
        if capacity > 0, !failure.isTerminated { report("a message in a room of \(capacity) bytes has no NUL") }
        if let length = whole[number], failure.length != length {
          report("in a room of \(capacity) bytes its message_len is \(failure.length), else \(length)")
        }
      }
    }
  }
}
