public import CLethe
public import LetheSDK

/// Descent on what is kept, ascent on what is forgotten:
///
///     L(theta) = mean over D_r of CE(theta; x, y)  -  ascent * mean over D_f of CE(theta; x, y)
struct MyMethod: Objective, Tunable {
  /// The manifest's first parameter: its type, range and default are the host's work.
  private var ascent: Double

  init(parameters: Parameters) throws { ascent = try parameters.float(0) }

  mutating func retune(_ parameters: Parameters) throws { self = try MyMethod(parameters: parameters) }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    var terms: [Term] = []
    for batch in step.batches {
      let losses = try call.batchLosses(step.model, batch).losses
      for (set, name, coefficient) in [(SampleSet.forget, "forget", -ascent), (.retain, "retain", 1)]
      where step.wants(set, in: batch) {
        terms.append(
          Term(
            name, over: set, coefficient: coefficient, losses: try batch.rows(of: set, in: losses),
            indices: try batch.rows(of: set, in: batch.indices)))
      }
    }
    return terms
  }
}

let plugin = Plugin(
  id: "org.example.my-method", version: "0.1.0", [.objective("org.example.my-method", MyMethod.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
