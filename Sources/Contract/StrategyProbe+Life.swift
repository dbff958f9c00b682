import Learning
import PluginHost
import Tensors

/// Life cycle, cancellation, threads and memory.
extension StrategyProbe {
  /// Every legal order of calls, each in a life of its own.
  func lifeCycle() throws {
    let lives: [(name: String, body: (Rig) throws -> Void)] = [
      ("create, destroy", { try $0.create() }),
      ("create, prepare, destroy", { try $0.prepare() }),
      (
        "create, prepare, finish, destroy",
        { rig in
          try rig.prepare()
          try rig.instance?.finish()
        }
      ),
      (
        "create, prepare, calls, destroy",
        { rig in
          try rig.prepare()
          _ = try rig.steps(0..<self.steps)
        }
      ),
      (
        "create, prepare, calls, finish, destroy",
        { rig in
          try rig.prepare()
          _ = try rig.steps(0..<self.steps)
          try rig.instance?.finish()
        }
      ),
      (
        "create, prepare, calls, save, load, calls, finish, destroy",
        { rig in
          try rig.prepare()
          _ = try rig.step(0)
          if let state = try rig.saveState() { try rig.instance?.loadState(state) }
          if self.role != .procedure { _ = try rig.step(1) }
          try rig.instance?.finish()
        }
      ),
    ]
    for life in lives {
      let rig = try rig()
      do {
        try life.body(rig)
      } catch {
        report("\(life.name): \(error)")
      }
      rig.destroy()
      look(rig)
    }
  }

  /// Two instances that take turns answer as each does alone.
  func manyInstances() throws {
    guard isRepeatable else { return skip("the manifest promises no determinism") }
    let other = Rig.Variant(seed: 2, forget: 3, retain: 2)
    let alone = (try walk(), try walk(other))
    let rigs = (try rig(), try rig(other))
    try rigs.0.prepare()
    try rigs.1.prepare()
    for number in 0..<steps {
      let answers = (try rigs.0.step(number), try rigs.1.step(number))
      for (answer, expected) in [(answers.0, alone.0[number]), (answers.1, alone.1[number])] {
        if let name = answer.difference(from: expected, within: tolerance) {
          rigs.0.destroy()
          rigs.1.destroy()
          return report("beside another instance, \(name) are others at step \(number)")
        }
      }
    }
    rigs.0.destroy()
    // The one that is left must not miss the other.
    try rigs.1.instance?.finish()
    rigs.1.destroy()
  }

  /// How far repeated answers may lie apart; nil for not at all.
  var tolerance: Double? { handle.plugin.file.manifest.determinism == .bitwise ? nil : 1e-4 }

  func instanceMemory() throws {
    let rig = try rig()
    func lives(_ count: Int) throws -> Int {
      let began = ContinuousClock.now
      for number in 0..<count {
        try rig.create()
        rig.destroy()
        // A thousand in any case; more show a leak of a few bytes.
        if number >= 1000, ContinuousClock.now - began > .seconds(4) { return number }
      }
      return count
    }
    _ = try lives(1000)
    let before = ProcessFacts.residentKiB
    let made = try lives(8000)
    let growth = ProcessFacts.residentKiB - before
    if growth > 512 { report("\(made) instances left \(growth) KiB behind, \(growth * 1024 / made) bytes each") }
  }

  func cancel() throws {
    func stops(_ what: String, _ rig: Rig, _ body: () throws -> Void) {
      rig.cancel.cancel(signal: 2)
      let time = seconds {
        do {
          try body()
        } catch LearningError.interrupted {
        } catch PluginError.call(let call, .said(let text)) {
          report("\(call.call) failed with '\(text)' where LETHE_E_CANCELLED would be right")
        } catch {
          note(error)
        }
      }
      if time > 1 { report("\(what) took \(Int(time * 10) / 10) s after the run was asked to stop") }
      rig.destroy()
    }
    let first = try rig()
    try first.create()
    stops("prepare", first) { try first.instance?.prepare() }
    let second = try ready()
    stops("a step", second) { _ = try second.step(0) }
  }

  func keptHandles() throws {
    let rig = try ready()
    var counts: [Int] = []
    for number in 0..<9 {
      _ = try rig.step(number)
      counts.append(rig.session.keptTensors)
    }
    rig.destroy()
    // It may keep something at each of the first steps; what grows with every one grows for ever.
    if zip(counts.dropFirst(3), counts.dropFirst(4)).allSatisfy({ $0 < $1 }) {
      report("\(counts[8]) tensors are kept after 9 steps, and more with each")
    }
  }

  func leakedTensors() throws {
    try walk()
    let before = Counters.liveTensors
    for _ in 0..<2 { try walk() }
    let left = Counters.liveTensors - before
    if CountedExports.open > 0 { report("\(CountedExports.open) DLPack views were not given back") }
    if left > 0 { report("\(left) tensors are left after two lives") }
  }

  func leftThreads() throws {
    try walk()
    let before = ProcessFacts.threads
    try walk()
    if !ProcessFacts.settled({ ProcessFacts.threads <= before }) {
      report("\(ProcessFacts.threads - before) threads run on after destroy")
    }
  }

  func callTime() throws {
    let rig = try ready()
    for number in 0..<(role == .procedure ? 1 : 10) {
      _ = try rig.step(number)
      // One that is slow is not waited for again and again.
      if rig.check.times.values.contains(where: { $0.longest > 1 }) { break }
    }
    rig.destroy()
    for (call, times) in rig.check.times where times.longest > 1 {
      report("\(call) took \(Int(times.longest * 10) / 10) s")
    }
    // Looking at memory takes longer than many calls: in a life of its own.
    let other = try ready()
    other.check.watchesMemory = true
    _ = try other.steps(0..<steps)
    other.destroy()
    add(
      rig.check.times.merging(other.check.times) { time, memory in
        var both = time
        both.mostKiB = memory.mostKiB
        return both
      })
  }
}
