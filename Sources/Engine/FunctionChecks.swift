import PluginHost
import Runs

/// What is found out about plain C functions and metrics before anything is trained: that they are there, that their
/// arguments can be bound, and what their tests say.
struct FunctionChecks {
  private let plan: RunPlan

  init(_ plan: RunPlan) { self.plan = plan }

  /// - Throws: `PluginError`, `EngineError.pluginChanged`.
  func run() throws {
    let swapped = plan.swaps.map { $0.reweighter?.part }
    for reweighter in [plan.pipeline?.reweighter] + swapped {
      if case .function(let function)? = reweighter { try check(function) }
    }
    if let transform = plan.pipeline?.transform { try transform.function(world: nil).run(transform.test.forPlugin) }
    for metric in plan.evaluate.plugins ?? [] {
      switch metric {
      case .part(let part): _ = try PartLoader.handle(part, .metric)
      case .function(let function):
        let made = try function.function(classes: 0)
        if let test = function.test { try made.run(test.forPlugin) }
      }
    }
  }

  private func check(_ function: FunctionPlan) throws {
    let made = try ForeignFunctionTest(
      library: function.library, symbol: function.symbol, signature: function.signature,
      arguments: function.arguments.forPlugin)
    if let test = function.test { try made.run(test.forPlugin) }
  }
}

extension Parameters {
  /// The same for `PluginHost`.
  var forPlugin: [(key: String, value: PluginHost.ParameterValue)] { entries.map { ($0.key, $0.value.forPlugin) } }
}

extension FunctionTestPlan {
  /// The same for `PluginHost`.
  fileprivate var forPlugin: FunctionTest {
    FunctionTest(inputs: inputs.map { ($0.name, $0.values) }, expected: expected, tolerance: tolerance)
  }
}

extension TransformPlan {
  /// The functions, found and bound; without a world only their test can be run.
  func function(world: World?) throws -> LossTransform {
    let sets: PluginHost.SampleSet =
      switch apply {
      case .forget: .forget
      case .retain: .retain
      case .both: .both
      }
    return try LossTransform(
      library: library, symbol: symbol, derivative: derivative, signature: signature, arguments: arguments.forPlugin,
      sets: sets, world: world)
  }
}

extension MetricFunctionPlan {
  /// The function, found and bound.
  func function(classes: Int) throws -> FunctionMetric {
    try FunctionMetric(
      library: library, symbol: symbol, signature: signature, arguments: arguments.forPlugin, classes: classes)
  }
}

extension MetricPlan {
  /// Exactly which bytes carry it out.
  var use: PluginUse {
    switch self {
    case .part(let part): part.use(as: .metric)
    case .function(let function): function.plain.use(as: .metric)
    }
  }
}
