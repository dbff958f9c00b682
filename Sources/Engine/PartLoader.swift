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

  /// What parts draw in the step under way, where it is to be recorded.
  var draws: StepDraws? {
    get { session.draws }
    set { session.draws = newValue }
  }

  /// An objective; `step` says where the run stands.
  func objective(_ part: PartPlan, step: Int?) throws -> ObjectiveInstance {
    let handle = try handle(part, .objective)
    return try ObjectiveInstance(
      handle, session: session, parameters: try handle.manifest.values(part.values), name: "objective", step: step)
  }

  /// A plugin's reweighter, or a plain C function.
  func reweighter(_ reweighter: ReweighterPlan, step: Int?) throws -> any Reweighting {
    switch reweighter {
    case .part(let part):
      let handle = try handle(part, .reweighter)
      return try ReweighterInstance(
        handle, session: session, parameters: try handle.manifest.values(part.values), name: "reweighter", step: step)
    case .function(let function):
      return try ForeignFunction(
        library: function.library, symbol: function.symbol, signature: function.signature,
        arguments: function.arguments.entries.map { ($0.key, $0.value.forPlugin) },
        normalise: function.normalise == .batch, world: world)
    }
  }

  /// A mask.
  func mask(_ part: PartPlan, step: Int?) throws -> MaskInstance {
    let handle = try handle(part, .mask)
    return try MaskInstance(
      handle, session: session, parameters: try handle.manifest.values(part.values), name: "mask", step: step)
  }

  /// An updater.
  func updater(_ part: PartPlan, step: Int?) throws -> UpdaterInstance {
    let handle = try handle(part, .updater)
    return try UpdaterInstance(
      handle, session: session, parameters: try handle.manifest.values(part.values), name: "updater", step: step)
  }

  /// A metric; the number keeps the random numbers of several apart.
  func metric(_ part: PartPlan, number: Int) throws -> MetricInstance {
    let handle = try handle(part, .metric)
    return try MetricInstance(
      handle, session: session, parameters: try handle.manifest.values(part.values), name: "metric.\(number)",
      step: nil)
  }

  /// What each loss is mapped to.
  func transform(_ transform: TransformPlan) throws -> LossTransform { try transform.function(world: world) }

  /// A procedure.
  func procedure(_ part: PartPlan) throws -> ProcedureInstance {
    let handle = try handle(part, .procedure)
    return try ProcedureInstance(
      handle, session: session, parameters: try handle.manifest.values(part.values), name: "procedure", step: nil)
  }

  /// Gives an instance the values of `part`; only tunable parameters may differ from those it has.
  func retune(_ instance: StrategyInstance, to part: PartPlan, step: Int?) throws {
    try instance.retune(try instance.strategy.manifest.values(part.values), step: step)
  }

  /// The strategy in exactly the file that the plan names.
  private func handle(_ part: PartPlan, _ role: StrategyRole) throws -> StrategyHandle { try Self.handle(part, role) }

  /// The same without a run.
  static func handle(_ part: PartPlan, _ role: StrategyRole) throws -> StrategyHandle {
    let file = try PluginFile(reading: part.file)
    let plugin = try LoadedPlugin(file, trust: TrustPolicy(SearchPath()))
    guard plugin.sha256 == part.sha256 else { throw EngineError.pluginChanged(id: part.id, file: part.file) }
    return try plugin.strategy(part.id, role: role)
  }
}

extension PartPlan {
  /// Its parameters for `PluginHost`.
  var values: [(key: String, value: PluginHost.ParameterValue)] {
    parameters.entries.map { ($0.key, $0.value.forPlugin) }
  }
}

extension Runs.ParameterValue {
  /// The same for `PluginHost`.
  var forPlugin: PluginHost.ParameterValue {
    switch self {
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let value): .string(value)
    }
  }
}
