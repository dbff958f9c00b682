import CLethe

/// What a plugin's table says about one strategy: the host's own copy, as far as both sides know the structs.
@safe struct LoadedStrategy: Sendable {
  let manifest: StrategyManifest
  // Constant, and alive as long as the process; copied once.
  nonisolated(unsafe) let table: lethe_strategy
  /// The strategy's own entry in the plugin's array, for `create`; the host reads its copy.
  nonisolated(unsafe) let entry: UnsafeRawPointer
  let role: RoleTable

  var hasState: Bool { unsafe table.save_state != nil }
}

/// The table of a role, of which the host has a copy.
enum RoleTable {
  case objective(lethe_objective)
  case reweighter(lethe_reweighter)
  case mask(lethe_mask)
  case updater(lethe_updater)
  case procedure(lethe_procedure)
  case metric(lethe_metric)
  /// A role that this host does not know.
  case unknown
}

/// Compares a plugin's table with its manifest and copies it.
struct TableReader {
  let manifest: Manifest

  private static let largest: UInt32 = 64 << 10

  func read(_ pointer: UnsafePointer<lethe_plugin>) throws(TableProblem) -> [LoadedStrategy] {
    let plugin = unsafe try copy(
      UnsafeRawPointer(pointer), lethe_plugin(), least: MemoryLayout<lethe_plugin>.size, "lethe_plugin")
    try compare("the id", unsafe text(plugin.id, "the plugin's id"), manifest.id)
    try compare("the version", unsafe text(plugin.version, "the plugin's version"), manifest.version)
    let least = unsafe MemoryLayout<lethe_strategy>.offset(of: \.prepare) ?? 0
    let stride = unsafe plugin.strategy_stride
    guard stride >= UInt32(least), stride <= Self.largest, stride % 8 == 0 else {
      throw .badStride(found: stride, least: least)
    }
    var loaded: [LoadedStrategy] = []
    let count = unsafe min(Int(plugin.strategy_count), 4096)
    for index in 0..<count {
      guard let first = unsafe plugin.strategies else { throw .missing }
      let at = unsafe UnsafeRawPointer(first) + index * Int(stride)
      let strategy = unsafe try read(at, least: least)
      guard !loaded.contains(where: { $0.manifest.id == strategy.manifest.id }) else {
        throw .twice(strategy: strategy.manifest.id)
      }
      loaded.append(strategy)
    }
    for strategy in manifest.strategies where !loaded.contains(where: { $0.manifest.id == strategy.id }) {
      throw .notInTable(strategy: strategy.id)
    }
    return loaded
  }

  private func read(_ pointer: UnsafeRawPointer, least: Int) throws(TableProblem) -> LoadedStrategy {
    let table = unsafe try copy(pointer, lethe_strategy(), least: least, "lethe_strategy")
    let id = unsafe try text(table.id, "a strategy's id")
    guard let known = manifest.strategies.first(where: { $0.id == id }) else { throw .notInManifest(strategy: id) }
    try compare("the role of '\(id)'", unsafe text(table.role, "the role of '\(id)'"), known.role)
    guard unsafe table.create != nil else { throw .noCallback(strategy: id, callback: "create") }
    guard unsafe table.destroy != nil else { throw .noCallback(strategy: id, callback: "destroy") }
    guard unsafe (table.save_state == nil) == (table.load_state == nil) else { throw .halfState(strategy: id) }
    return unsafe LoadedStrategy(
      manifest: known, table: table, entry: pointer, role: try role(table.table, known))
  }

  private func role(_ pointer: UnsafeRawPointer?, _ strategy: StrategyManifest) throws(TableProblem) -> RoleTable {
    guard let role = strategy.knownRole else { return .unknown }
    guard let pointer = unsafe pointer else { throw .noRoleTable(strategy: strategy.id, role: role.rawValue) }
    func need(_ isThere: Bool, _ callback: String) throws(TableProblem) {
      if !isThere { throw .noCallback(strategy: strategy.id, callback: callback) }
    }
    switch role {
    case .objective:
      let table = unsafe try copy(pointer, lethe_objective(), least: 16, "lethe_objective")
      try need(unsafe table.terms != nil, "terms")
      return .objective(table)
    case .reweighter:
      let table = unsafe try copy(pointer, lethe_reweighter(), least: 16, "lethe_reweighter")
      try need(unsafe table.weigh != nil, "weigh")
      return .reweighter(table)
    case .mask:
      let table = unsafe try copy(pointer, lethe_mask(), least: 32, "lethe_mask")
      try need(unsafe table.begin != nil, "begin")
      try need(unsafe table.accumulate != nil, "accumulate")
      try need(unsafe table.finish != nil, "finish")
      return .mask(table)
    case .updater:
      let table = unsafe try copy(pointer, lethe_updater(), least: 16, "lethe_updater")
      try need(unsafe table.combine != nil || table.after_step != nil, "combine' or 'after_step")
      return .updater(table)
    case .procedure:
      let table = unsafe try copy(pointer, lethe_procedure(), least: 16, "lethe_procedure")
      try need(unsafe table.run != nil, "run")
      return .procedure(table)
    case .metric:
      let table = unsafe try copy(pointer, lethe_metric(), least: 32, "lethe_metric")
      try need(unsafe table.begin != nil, "begin")
      try need(unsafe table.update != nil, "update")
      try need(unsafe table.finish != nil, "finish")
      return .metric(table)
    }
  }

  private func copy<Table: BitwiseCopyable>(
    _ pointer: UnsafeRawPointer, _ zero: Table, least: Int, _ name: String
  ) throws(TableProblem) -> Table {
    let size = unsafe pointer.loadUnaligned(as: UInt32.self)
    guard size >= UInt32(least), size <= Self.largest else {
      throw .badSize(of: name, found: size, least: least)
    }
    return unsafe CStruct.copy(pointer, into: zero)
  }

  private func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(TableProblem) -> String {
    guard let text = unsafe CStruct.text(pointer, limit: 256), !text.isEmpty else { throw .noText(of: what) }
    return text
  }

  private func compare(_ what: String, _ table: String, _ manifest: String) throws(TableProblem) {
    guard table == manifest else { throw .differs(what: what, table: table, manifest: manifest) }
  }
}
