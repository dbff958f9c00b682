// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Boundary shrinking: push each forget sample over the nearest decision boundary of the original model.
///
///     L(theta) = mean over (x, y) in D_f of  CE(theta; x, y_adv)
///     y_adv    = argmax f(x_adv; theta_o)
///     x_adv    = round255( clip( x + bound * sign( grad_x CE(f(x; theta_o), y) ), 0, 1) )
///
/// The attack is made anew in every step, on the image as it was augmented; where it fails, y_adv is y.
struct BoundaryShrink: Objective {
  private let bound: Double

  init(parameters: Parameters) throws { bound = try parameters.float(0) }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    try step.batches.filter { step.wants(.forget, in: $0) }.map { batch in
      let labels = try nearestClasses(batch, call)
      let logits = try step.model.forward(batch.inputs)
      return Term(
        "forget", over: .forget, losses: try call.losses(logits, labels),
        cleanLosses: try call.losses(logits.detached(), batch.labels), indices: batch.indices)
    }
  }

  /// y_adv for every sample, int64 [n].
  private func nearestClasses(_ batch: Batch, _ call: Call) throws -> Tensor {
    let original = try call.model("original")
    let images = try batch.inputs.asLeaf()
    let loss = try call.losses(original.forward(images, .evaluating), batch.labels).sum()
    guard let gradient = try call.gradient(of: loss, withRespectTo: [images])[0] else {
      throw Failure("the original model's loss does not depend on its input", status: LETHE_E_INTERNAL)
    }
    return try call.withoutGraph {
      let moved = try (batch.inputs + bound * gradient.sign()).clamped(min: 0, max: 1)
      let attacked = try (1 / 255) * (255 * moved).rounded()
      return try original.forward(attacked, [.evaluating, .withoutGraph]).argmax(along: 1)
    }
  }
}

let plugin = Plugin(
  id: "lethe.boundary-shrink", version: "0.1.0", [.objective("boundary-shrink", BoundaryShrink.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
