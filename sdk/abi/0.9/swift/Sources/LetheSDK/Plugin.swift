// SPDX-License-Identifier: Apache-2.0
public import CLethe

/// What the host passes to the entry function.
public typealias HostPointer = UnsafePointer<lethe_host>
/// Where the entry function puts the plugin's table.
public typealias PluginPointer = UnsafeMutablePointer<UnsafePointer<lethe_plugin>?>
/// Where a function that fails says why.
public typealias ErrorPointer = UnsafeMutablePointer<lethe_error>

/// A plugin: its id, its version, its strategies, as the manifest has them. Make one global constant of it:
///
///     let plugin = Plugin(id: "org.example.scrub", version: "1.0.0", [.reweighter("org.example.scrub", Scrub.self)])
///
///     @c @implementation
///     public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
///       plugin.enter(host, out, error)
///     }
///
/// `@unchecked Sendable`: made once by a global constant, never changed and never freed afterwards.
public final class Plugin: @unchecked Sendable {
  private let table: UnsafeMutablePointer<lethe_plugin>

  /// Builds the C tables.
  public init(id: String, version: String, _ strategies: [StrategyEntry]) {
    let entries = UnsafeMutableBufferPointer<StrategyEntry>.allocate(capacity: max(strategies.count, 1))
    _ = entries.initialize(from: strategies)
    table = .allocate(capacity: 1)
    table.initialize(to: lethe_plugin())
    table.pointee.size = UInt32(MemoryLayout<lethe_plugin>.size)
    table.pointee.strategy_count = UInt32(strategies.count)
    table.pointee.id = permanent(id)
    table.pointee.version = permanent(version)
    table.pointee.strategies = UnsafeRawPointer(entries.baseAddress)?.assumingMemoryBound(to: lethe_strategy.self)
    table.pointee.strategy_stride = UInt32(MemoryLayout<StrategyEntry>.stride)
  }

  /// The body of the plugin's one exported function.
  public func enter(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
    guard let host, let out, snapshot(host, lethe_host()).service != nil else {
      return Failure("the host is older than this plugin").write(to: error)
    }
    out.pointee = UnsafePointer(table)
    return LETHE_OK
  }
}

/// A strategy of a plugin: its C table, and behind it, where the host does not look, what makes its instances.
public struct StrategyEntry {
  /// Must come first: the host sees an array of these, with a stride.
  private var strategy = lethe_strategy()
  private let maker: Maker

  /// An objective with the manifest's id.
  public static func objective<Method: Objective>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_OBJECTIVE, method, objectiveTable) { try ObjectiveHolder<Method>($0, $1) }
  }

  /// A reweighter with the manifest's id.
  public static func reweighter<Method: Reweighter>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_REWEIGHTER, method, reweighterTable) { try ReweighterHolder<Method>($0, $1) }
  }

  /// A mask with the manifest's id.
  public static func mask<Method: Mask>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_MASK, method, maskTable) { try MaskHolder<Method>($0, $1) }
  }

  /// An updater with the manifest's id.
  public static func updater<Method: Updater>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_UPDATER, method, updaterTable(combines: Method.combines, scales: Method.scalesTerms)) {
      try UpdaterHolder<Method>($0, $1)
    }
  }

  /// A procedure with the manifest's id.
  public static func procedure<Method: Procedure>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_PROCEDURE, method, procedureTable) { try ProcedureHolder<Method>($0, $1) }
  }

  /// A metric with the manifest's id.
  public static func metric<Method: Metric>(_ id: String, _ method: Method.Type) -> StrategyEntry {
    StrategyEntry(id, LETHE_ROLE_METRIC, method, metricTable) { try MetricHolder<Method>($0, $1) }
  }

  private init<Method: Strategy, Table>(
    _ id: String, _ role: String, _ method: Method.Type, _ table: Table,
    _ make: @escaping (Parameters, Services) throws -> Instance
  ) {
    maker = Maker(make)
    let roleTable = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    roleTable.initialize(to: table)
    strategy.size = UInt32(MemoryLayout<lethe_strategy>.size)
    strategy.id = permanent(id)
    strategy.role = permanent(role)
    strategy.table = UnsafeRawPointer(roleTable)
    strategy.create = { _, info, out, error in StrategyEntry.create(info, out, error) }
    strategy.destroy = { me in
      if let me { Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(me)).release() }
    }
    strategy.prepare = { me, ctx, error in answer(me, ctx, error) { try $0.prepare($1) } }
    strategy.finish = { me, ctx, error in answer(me, ctx, error) { try $0.finish($1) } }
    if let stateful = method as? any Stateful.Type {
      strategy.state_version = stateful.stateVersion
      strategy.save_state = { me, ctx, stream, error in
        answer(me, ctx, error) { try $0.save(to: StateWriter(stream: stream), $1) }
      }
      strategy.load_state = { me, ctx, version, stream, error in
        answer(me, ctx, error) { try $0.load(from: StateReader(stream: stream), version: version, $1) }
      }
    }
    if method is any Tunable.Type {
      strategy.retune = { me, ctx, info, error in
        answer(me, ctx, error) { instance, _ in
          try instance.retune(Parameters(snapshot(info, lethe_create_info())))
        }
      }
    }
  }

  private static func create(
    _ info: UnsafePointer<lethe_create_info>?, _ out: UnsafeMutablePointer<lethe_self?>?, _ error: ErrorPointer?
  ) -> lethe_status {
    let info = snapshot(info, lethe_create_info())
    guard let host = info.host, let entry = info.strategy, let out else {
      return Failure("the host is older than this plugin").write(to: error)
    }
    do {
      let maker = UnsafeRawPointer(entry).assumingMemoryBound(to: StrategyEntry.self).pointee.maker
      let instance = try maker.make(Parameters(info), Services(host))
      out.pointee = OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
      return LETHE_OK
    } catch let failure {
      return Failure(reporting: failure).write(to: error)
    }
  }
}

/// Makes the instances of one strategy.
private final class Maker {
  let make: (Parameters, Services) throws -> Instance
  init(_ make: @escaping (Parameters, Services) throws -> Instance) { self.make = make }
}

/// A C string that lives until the process ends.
private func permanent(_ text: String) -> UnsafePointer<CChar> {
  let bytes = text.utf8CString
  let memory = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
  _ = memory.initialize(from: bytes)
  return UnsafePointer(memory.baseAddress.unsafelyUnwrapped)
}
