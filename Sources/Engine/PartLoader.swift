import Learning
import PluginHost
import Runs
import Tensors

/// Brings the parts of a plan to life: finds, checks and loads the plugin, and creates an instance with the plan's values.
final class PartLoader {
  private let world: World
  private let session: HostSession

  init(world: World, cancel: CancelFlag) {
    self.world = world
    session = HostSession(world: world, cancel: cancel)
  }

  /// An objective; `step` says where the run stands.
  func objective(_ part: PartPlan, step: Int?) throws -> ObjectiveInstance {
    try ObjectiveInstance(
      try handle(part, .objective), session: session, parameters: try values(part, .objective), name: "objective",
      step: step)
  }

  /// A plugin's reweighter, or a plain C function.
  func reweighter(_ reweighter: ReweighterPlan, step: Int?) throws -> any Reweighting {
    switch reweighter {
    case .part(let part):
      try ReweighterInstance(
        try handle(part, .reweighter), session: session, parameters: try values(part, .reweighter), name: "reweighter",
        step: step)
    case .function(let function):
      try ForeignFunction(
        library: function.library, symbol: function.symbol, signature: function.signature,
        arguments: function.arguments.entries.map { ($0.key, $0.value.forPlugin) },
        normalise: function.normalise == .batch, world: world)
    }
  }

  /// A mask.
  func mask(_ part: PartPlan, step: Int?) throws -> MaskInstance {
    try MaskInstance(
      try handle(part, .mask), session: session, parameters: try values(part, .mask), name: "mask", step: step)
  }

  /// An updater.
  func updater(_ part: PartPlan, step: Int?) throws -> UpdaterInstance {
    try UpdaterInstance(
      try handle(part, .updater), session: session, parameters: try values(part, .updater), name: "updater", step: step)
  }

  /// The strategy in exactly the file that the plan names.
  private func handle(_ part: PartPlan, _ role: StrategyRole) throws -> StrategyHandle {
    let file = try PluginFile(reading: part.file)
    let plugin = try LoadedPlugin(file, trust: TrustPolicy(SearchPath()))
    guard plugin.sha256 == part.sha256 else { throw EngineError.pluginChanged(id: part.id, file: part.file) }
    return try plugin.strategy(part.id, role: role)
  }

  /// The plan's values in the manifest's order.
  private func values(_ part: PartPlan, _ role: StrategyRole) throws -> [PluginHost.ParameterValue] {
    try handle(part, role).manifest.values(part.parameters.entries.map { ($0.key, $0.value.forPlugin) })
  }
}

extension Runs.ParameterValue {
  /// The same for `PluginHost`.
  fileprivate var forPlugin: PluginHost.ParameterValue {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let value): .string(value)
    }
  }
}
