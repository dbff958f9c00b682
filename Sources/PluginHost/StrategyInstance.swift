import CLethe
import Learning
import Tensors

/// Where an instance stands, and what may happen to it then: the life cycle of lethe/plugin.h as a table.
package enum LifeState: String, Sendable, CaseIterable {
  case created, ready, done, failed, gone

  package enum Event: String, Sendable, CaseIterable {
    case prepare, work, state, finish, failure, destroy
  }

  private static let edges: [LifeState: [Event: LifeState]] = [
    .created: [.prepare: .ready, .failure: .failed, .destroy: .gone],
    .ready: [.work: .ready, .state: .ready, .finish: .done, .failure: .failed, .destroy: .gone],
    .done: [.failure: .failed, .destroy: .gone],
    .failed: [.destroy: .gone],
    .gone: [:],
  ]

  /// Where an event leads, or nil where it is not legal.
  package func after(_ event: Event) -> LifeState? { Self.edges[self]?[event] }
}

/// What a strategy saved, for the instance that goes on from it.
package struct SavedState: Sendable, Equatable {
  /// The strategy's own version of the bytes.
  package var version: UInt32
  package var bytes: [UInt8]

  package init(version: UInt32, bytes: [UInt8]) {
    self.version = version
    self.bytes = bytes
  }
}

/// A strategy at work: the base of the four roles. Made by `create`, ended by `destroy`, on one thread.
@safe package class StrategyInstance {
  package let strategy: StrategyHandle
  /// What its random numbers are named after: the same name gives the same numbers.
  package let name: String
  /// The values in use, in manifest order.
  package private(set) var parameters: [ParameterValue]
  // A failed `create` leaves nothing that could be destroyed.
  package private(set) var life = LifeState.gone
  let session: HostSession
  let facts: InstanceFacts
  private var instance: lethe_self?

  /// Creates an instance.
  ///
  /// - Parameters:
  ///   - name: what its random numbers are named after; nil for the strategy's id.
  ///   - step: where the run stands, for messages and random numbers.
  /// - Throws: `PluginError`, or `LearningError.interrupted`.
  package init(
    _ strategy: StrategyHandle, session: HostSession, parameters: [ParameterValue], name: String? = nil,
    step: Int? = nil
  ) throws {
    precondition(parameters.count == strategy.manifest.parameters.count, "a value for every parameter of the manifest")
    self.strategy = strategy
    self.session = session
    self.parameters = parameters
    self.name = name ?? strategy.manifest.id
    facts = InstanceFacts(
      number: Generations.next(), name: self.name, strategy: strategy.manifest, parameters: parameters)
    var made: lethe_self?
    try unsafe Self.call(
      session, Self.describe(strategy, "create", step), facts, .create,
      { context, error in
        unsafe CreateInfo.with(parameters, strategy.loaded, tail: session.check?.tail ?? 0) { info in
          unsafe strategy.loaded.table.create?(context, info, &made, error) ?? LETHE_E_UNIMPLEMENTED
        }
      }, take: {})
    unsafe instance = made
    life = .created
  }

  deinit { destroy() }

  /// Lets the strategy see the models; it may compute at length.
  package func prepare(step: Int? = nil) throws {
    let next = try legal(.prepare, "prepare", step)
    if let prepare = unsafe strategy.loaded.table.prepare {
      try unsafe call("prepare", step, .prepare) { instance, context, error in
        unsafe prepare(instance, context, error)
      }
    }
    life = next
  }

  /// Tells the strategy that the last step is over.
  package func finish(step: Int? = nil) throws {
    let next = try legal(.finish, "finish", step)
    if let finish = unsafe strategy.loaded.table.finish {
      try unsafe call("finish", step, .finish) { instance, context, error in unsafe finish(instance, context, error) }
    }
    life = next
  }

  /// Ends the instance; again does nothing. Called by `deinit` at the latest.
  package func destroy() {
    guard let next = life.after(.destroy) else { return }
    life = next
    unsafe session.enter(Self.describe(strategy, "destroy", nil), facts, .work, hasContext: false) { _ in
      unsafe strategy.loaded.table.destroy?(instance)
    }
    session.dropAll(of: facts.number)
    unsafe instance = nil
  }

  /// New values for tunable parameters.
  ///
  /// - Throws: `parameter` for one that is not tunable, and a `call` error where the strategy has no `retune`.
  package func retune(_ values: [ParameterValue], step: Int? = nil) throws {
    precondition(values.count == parameters.count, "a value for every parameter of the manifest")
    _ = try legal(.state, "retune", step)
    for (index, parameter) in strategy.manifest.parameters.enumerated()
    where values[index] != parameters[index] && !parameter.isTunable {
      throw PluginError.parameter(strategy: strategy.manifest.id, key: parameter.key, .notTunable)
    }
    guard let retune = unsafe strategy.loaded.table.retune else {
      throw PluginError.call(describe("retune", step), .state("it cannot change its parameters during a run"))
    }
    try unsafe call("retune", step, .work) { instance, context, error in
      unsafe CreateInfo.with(values, strategy.loaded) { info in unsafe retune(instance, context, info, error) }
    }
    parameters = values
  }

  /// Where a call leads that is legal now; the caller takes the edge when it went well.
  ///
  /// - Throws: a `call` error for an instance that failed before or is over.
  func legal(_ event: LifeState.Event, _ call: String, _ step: Int?) throws(PluginError) -> LifeState {
    guard let next = life.after(event) else { throw .call(describe(call, step), .lifeCycle(life)) }
    return next
  }

  /// Which call it is, for messages: `reweighter.weigh`.
  func describe(_ call: String, _ step: Int?) -> PluginCall { Self.describe(strategy, call, step) }

  private static func describe(_ strategy: StrategyHandle, _ call: String, _ step: Int?) -> PluginCall {
    PluginCall(strategy.plugin.file, "\(strategy.manifest.knownRole?.word ?? "strategy").\(call)", step)
  }

  /// Runs a callback. After a failure nothing is legal but `destroy`.
  ///
  /// - Parameter take: reads what the callback gave while its arena is alive; what it throws is the host's finding, not
  ///   the strategy's failure, and leaves the instance as it was.
  func call<Result>(
    _ name: String, _ step: Int?, _ moment: CallFrame.Moment,
    _ body: (lethe_self?, lethe_ctx?, UnsafeMutablePointer<lethe_error>) throws(Refusal) -> lethe_status,
    take: () throws -> Result
  ) throws -> Result {
    var hasAnswered = false
    do {
      return unsafe try Self.call(
        session, describe(name, step), facts, moment,
        { (context, error) throws(Refusal) in unsafe try body(instance, context, error) },
        take: {
          hasAnswered = true
          return try take()
        })
    } catch {
      if !hasAnswered { life = .failed }
      throw error
    }
  }

  func call(
    _ name: String, _ step: Int?, _ moment: CallFrame.Moment,
    _ body: (lethe_self?, lethe_ctx?, UnsafeMutablePointer<lethe_error>) throws(Refusal) -> lethe_status
  ) throws {
    unsafe try call(name, step, moment, body, take: {})
  }

  private static func call<Result>(
    _ session: HostSession, _ call: PluginCall, _ facts: InstanceFacts, _ moment: CallFrame.Moment,
    _ body: (lethe_ctx?, UnsafeMutablePointer<lethe_error>) throws(Refusal) -> lethe_status,
    take: () throws -> Result
  ) throws -> Result {
    try unsafe session.enter(call, facts, moment) { context in
      let problem = unsafe CallError.problem(session.check, call.call) { error in
        do throws(Refusal) {
          return unsafe try body(context, error)
        } catch let refusal {
          return unsafe refusal.write(error)
        }
      }
      if let problem {
        if problem == .notCancelled { try session.cancel.check() }
        throw PluginError.call(call, problem)
      }
      return try take()
    }
  }
}

/// What `create` and `retune` are told. Texts in it live as long as the process.
private enum CreateInfo {
  static func with<Result>(
    _ values: [ParameterValue], _ strategy: LoadedStrategy, tail: Int = 0,
    _ body: (UnsafePointer<lethe_create_info>) -> Result
  ) -> Result {
    let list = unsafe values.map { unsafe Self.value($0) }
    return unsafe list.withUnsafeBufferPointer { buffer in
      let info = unsafe lethe_create_info(
        size: ServiceTables.size(of: lethe_create_info.self), param_count: UInt32(values.count),
        host: ServiceTables.host, params: buffer.baseAddress,
        strategy: strategy.entry.assumingMemoryBound(to: lethe_strategy.self))
      let size = unsafe MemoryLayout<lethe_create_info>.size + tail
      return unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
        _ = unsafe bytes.initializeMemory(as: UInt8.self, repeating: CheckMode.filler)
        unsafe bytes.storeBytes(of: info, as: lethe_create_info.self)
        unsafe bytes.storeBytes(of: UInt32(size), as: UInt32.self)
        guard let start = bytes.baseAddress else { preconditionFailure("memory for a struct is not empty") }
        return unsafe body(start.assumingMemoryBound(to: lethe_create_info.self))
      }
    }
  }

  private static func value(_ value: ParameterValue) -> lethe_value {
    switch value {
    case .none: unsafe lethe_value()
    case .bool(let value): unsafe lethe_value(tag: LETHE_T_BOOL, count: 0, as: .init(i: value ? 1 : 0))
    case .int(let value): unsafe lethe_value(tag: LETHE_T_INT, count: 0, as: .init(i: value))
    case .float(let value): unsafe lethe_value(tag: LETHE_T_FLOAT, count: 0, as: .init(f: value))
    case .string(let value):
      unsafe lethe_value(
        tag: LETHE_T_STR, count: UInt32(value.utf8.count), as: .init(s: PermanentTexts.text(value)))
    }
  }
}
