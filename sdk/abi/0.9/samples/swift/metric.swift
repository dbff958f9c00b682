import Glibc
public import CLethe
public import LetheSDK

/// How sure a model is of the true class, set by set:
///
///     confidence(D) = mean over D of  exp(-CE(theta; x, y))
struct MyMethod: Metric {
  /// Of each set that was shown: its sum and how many samples.
  private var sums: [(set: SampleSet, sum: Double, count: Int)] = []

  init(parameters: Parameters) throws {}

  mutating func begin(with model: MeasuredModel, _ call: Call) throws { sums = [] }

  mutating func update(with batch: MeasuredBatch, _ call: Call) throws {
    guard let losses = batch.losses else { throw Failure("there are no losses") }
    if sums.last?.set != batch.set { sums.append((batch.set, 0, 0)) }
    sums[sums.count - 1].sum += try losses.values(as: Double.self).reduce(0) { $0 + exp(-$1) }
    sums[sums.count - 1].count += batch.count
  }

  func results(_ call: Call) throws -> [MetricResult] {
    sums.map {
      MetricResult("confidence", $0.sum / Double($0.count), set: $0.set, direction: .retrained, samples: $0.count)
    }
  }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.metric("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
