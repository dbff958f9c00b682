public import CLethe
public import LetheSDK

/// Samples with a large loss count more:
///
///     w_i = exp(loss_i / temperature) / sum over the term's samples of exp(loss_j / temperature)
struct MyMethod: Reweighter, Tunable {
  /// The manifest's first parameter: its type, range and default are the host's work.
  private var temperature: Double

  init(parameters: Parameters) throws { temperature = try parameters.float(0) }

  mutating func retune(_ parameters: Parameters) throws { self = try MyMethod(parameters: parameters) }

  func weights(for term: SeenTerm, _ call: Call) throws -> Tensor? {
    try (1 / temperature * term.losses).softmax(along: 0)
  }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.reweighter("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
