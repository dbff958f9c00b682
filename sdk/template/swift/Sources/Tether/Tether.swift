// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// A complete objective: ascent on what is to be forgotten, held by descent on what is to be kept.
///
///     L(theta) = beta * mean over D_r of CE(theta; x, y)  -  (1 - beta) * mean over D_f of CE(theta; x, y)
struct Tether: Objective, Tunable {
  /// The manifest's first parameter, in 0...1.
  private var beta: Double

  init(parameters: Parameters) throws { beta = try parameters.float(0) }

  mutating func retune(_ parameters: Parameters) throws { self = try Tether(parameters: parameters) }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    var terms: [Term] = []
    for batch in step.batches {
      let losses = try call.losses(step.model.forward(batch.inputs), batch.labels)
      for (set, name, coefficient) in [(SampleSet.forget, "forget", beta - 1), (.retain, "retain", beta)]
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

let plugin = Plugin(id: "org.example.tether", version: "1.0.0", [.objective("org.example.tether", Tether.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi0(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
