// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Random labelling: teach wrong labels for what is to be forgotten, the true ones for what is to be kept.
///
///     L(theta) = mean over (x, y) in D_f of  CE(theta; x, y')   with  y' != y drawn at random
///              + alpha * mean over (x, y) in D_r of  CE(theta; x, y)
struct RandomLabel: Objective, Tunable {
  /// The coefficient of the retain term.
  private var alpha: Double
  /// Whether labels are drawn as the published script draws them: from all classes, the true one included (D3).
  private var allowsTrueLabel: Bool

  init(parameters: Parameters) throws {
    alpha = try parameters.float(0)
    allowsTrueLabel = try parameters.string(1) == "reference"
    if allowsTrueLabel, alpha != 1 {
      throw Failure.parameter(0, "mode 'reference' has no alpha (D2); leave it at 1 or use mode 'paper'")
    }
  }

  mutating func retune(_ parameters: Parameters) throws { self = try RandomLabel(parameters: parameters) }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    var terms: [Term] = []
    for batch in step.batches where step.wants(.forget, in: batch) || step.wants(.retain, in: batch) {
      let logits = try step.model.forward(batch.inputs)
      if step.wants(.forget, in: batch) {
        let outputs = try batch.rows(of: .forget, in: logits)
        let labels = try batch.rows(of: .forget, in: batch.labels)
        terms.append(
          Term(
            "forget", over: .forget,
            losses: try call.losses(outputs, randomLabels(insteadOf: labels, in: step, call)),
            cleanLosses: try call.losses(outputs.detached(), labels),
            indices: try batch.rows(of: .forget, in: batch.indices)))
      }
      if step.wants(.retain, in: batch) {
        terms.append(
          Term(
            "retain", over: .retain, coefficient: alpha,
            losses: try call.losses(batch.rows(of: .retain, in: logits), batch.rows(of: .retain, in: batch.labels)),
            indices: try batch.rows(of: .retain, in: batch.indices)))
      }
    }
    return terms
  }

  /// y' = (y + U{1, ..., C-1}) mod C, or U{0, ..., C-1} in mode reference; drawn anew in every step.
  private func randomLabels(insteadOf labels: Tensor, in step: Step, _ call: Call) throws -> Tensor {
    let classes = try call.task().classes
    let generator = try call.generator("labels.\(step.microBatch)")
    if allowsTrueLabel { return try labels.randomLike(0..<classes, generator) }
    return try (labels + labels.randomLike(1..<classes, generator)) % classes
  }
}

let plugin = Plugin(id: "lethe.random-label", version: "0.1.0", [.objective("random-label", RandomLabel.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
