// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Gradient ascent, or NegGrad: undo the training on what is to be forgotten.
///
///     L(theta) = - mean over the forget set of the task's own loss:
///                CE(theta; x, y), or for diffusion |eps - eps_theta(x_t, t)|^2 with t and eps drawn anew
struct GradientAscent: Objective {
  init(parameters: Parameters) {}

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    try step.batches.filter { step.wants(.forget, in: $0) }.map { batch in
      let (losses, timesteps) = try call.batchLosses(step.model, batch)
      return Term(
        "forget", over: .forget, coefficient: -1, losses: losses, timesteps: timesteps, indices: batch.indices)
    }
  }
}

let plugin = Plugin(
  id: "lethe.gradient-ascent", version: "0.1.0", [.objective("gradient-ascent", GradientAscent.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
