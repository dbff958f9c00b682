// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Blindspot unlearning: on what is to be forgotten, predict what a model predicts that has never seen it.
///
///     L = (1-u) mean over D_r of |eps - eps_theta(x_t, t)|^2  +  u mean over D_f of |eps_theta(x_t, t) - eps_B(x_t, t)|^2
///
/// u is the batch's share of forget samples, which the schedule `joint` gives by itself, and B the proxy: a model trained
/// for a short while on the retain set alone, from fresh weights.
struct BlindSpot: Objective {
  init(parameters: Parameters) {}

  func prepare(_ call: Call) throws {
    _ = try call.diffusion()
    _ = try call.model("proxy")
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let noise = try call.diffusion()
    return try step.batches.flatMap { batch -> [Term] in
      let t = try noise.drawTimesteps("timesteps.\(step.microBatch)", count: batch.forgetCount + batch.retainCount)
      let eps = try noise.drawNoise("noise.\(step.microBatch)", like: batch.inputs)
      let noisy = try noise.addNoise(eps, to: batch.inputs, at: t)
      let labels = noise.conditions > 0 ? batch.labels : nil
      let predicted = try noise.denoise(step.model, noisy, at: t, conditions: labels)
      let clean = try noise.losses(predicted, eps)
      func rows(_ set: SampleSet, _ tensor: Tensor) throws -> Tensor { try batch.rows(of: set, in: tensor) }

      var terms: [Term] = []
      if step.wants(.retain, in: batch) {
        terms.append(
          Term(
            "retain", over: .retain, losses: try rows(.retain, clean), timesteps: try rows(.retain, t),
            indices: try rows(.retain, batch.indices)))
      }
      if step.wants(.forget, in: batch) {
        let target = try noise.denoise(
          call.model("proxy"), rows(.forget, noisy), at: rows(.forget, t),
          conditions: labels.map { try rows(.forget, $0) }, [.evaluating, .withoutGraph])
        terms.append(
          Term(
            "forget", over: .forget, losses: try noise.losses(rows(.forget, predicted), target),
            cleanLosses: try rows(.forget, clean.detached()), timesteps: try rows(.forget, t),
            indices: try rows(.forget, batch.indices)))
      }
      return terms
    }
  }
}

let plugin = Plugin(id: "lethe.blindspot", version: "0.1.0", [.objective("blindspot", BlindSpot.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
