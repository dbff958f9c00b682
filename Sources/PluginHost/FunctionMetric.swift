import Glibc

/// What was found out about the samples of one set, in dataset order, as a plain C function is given it.
package struct MeasuredColumns {
  package var set: MeasuredSet
  /// The loss of each sample.
  package var losses: [Double]
  /// The true labels.
  package var labels: [Double]
  /// Positions in the data that the set is of.
  package var indices: [Double]
  /// A classifier's best class.
  package var predictions: [Double]?
  /// The timestep of each loss of a diffusion model.
  package var timesteps: [Double]?

  package init(
    set: MeasuredSet, losses: [Double], labels: [Double], indices: [Double], predictions: [Double]? = nil,
    timesteps: [Double]? = nil
  ) {
    self.set = set
    self.losses = losses
    self.labels = labels
    self.indices = indices
    self.predictions = predictions
    self.timesteps = timesteps
  }
}

/// A plain C function as a metric of a set.
///
/// Two forms. `double(int64_t n, const float *loss, const int64_t *label, …)` is called once for a set; any scalar may be
/// the result. `double(double loss, int32_t label, …)`, without a pointer, is called once a sample, and the metric is the
/// mean of what it gives. Names: `loss`, `label`, `prediction` (best class), `confidence` (exp(−loss), the probability of
/// the true class), `index`, `timestep` (diffusion); for all samples `n`, `set` (1 forget, 2 retain, 4 test, 8
/// validation), `classes`; and every key of the values given along.
package final class FunctionMetric {
  private let function: BoundFunction
  private let classes: Int

  package init(
    library: String, symbol: String, signature: String, arguments: [(key: String, value: ParameterValue)],
    classes: Int, trust: TrustPolicy = TrustPolicy(SearchPath())
  ) throws(PluginError) {
    function = try BoundFunction(
      library: library, symbol: symbol, signature: signature, arguments: arguments, for: .metric, trust: trust)
    self.classes = classes
  }

  /// Its number for one set, which has samples.
  package func value(of found: MeasuredColumns) throws(PluginError) -> Double {
    var input = BoundFunction.Input(count: found.losses.count)
    for (name, binding) in function.inputs {
      switch binding {
      case .loss: input.columns[binding] = found.losses
      case .label: input.columns[binding] = found.labels
      case .index: input.columns[binding] = found.indices
      case .prediction: input.columns[binding] = try there(found.predictions, name)
      case .confidence:
        _ = try there(found.predictions, name)
        input.columns[binding] = found.losses.map { exp(-$0) }
      case .timestep: input.columns[binding] = try there(found.timesteps, name)
      case .set: input.scalars[binding] = Double(found.set.bit)
      case .classes: input.scalars[binding] = Double(classes)
      case .cleanLoss, .weight, .value, .derivative, .count, .reference, .step, .given:
        preconditionFailure("a metric is not bound to '\(name)'")
      }
    }
    function.note("metric.value", step: nil)
    defer { FlightRecorder.leave() }
    let value = reduced(function(input))
    guard value.isFinite else { throw function.error(.badResult(set: found.set.rawValue, found: value)) }
    return value
  }

  private func there(_ column: [Double]?, _ name: String) throws(PluginError) -> [Double] {
    guard let column else { throw function.error(.argument(name: name, .notInTask)) }
    return column
  }

  private func reduced(_ found: [ForeignBinding: [Double]]) -> Double {
    let numbers = found[.value] ?? []
    return function.isWhole ? numbers.first ?? .nan : numbers.reduce(0, +) / Double(numbers.count)
  }

  /// Runs the function's test: one number is expected.
  package func run(_ test: FunctionTest) throws(PluginError) {
    function.note("metric.test", step: nil)
    defer { FlightRecorder.leave() }
    try function.check(test, [reduced(function(function.input(of: test)))])
  }
}
