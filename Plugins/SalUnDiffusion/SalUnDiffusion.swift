// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// SalUn's objective for class-conditional diffusion: under the forgotten class the network is to predict what it predicts
/// under another one. The saliency mask is a part of its own.
///
///     L = mean over D_f of |eps_theta(x_t, t, c) - sg(eps_theta(x_t, t, c'))|^2
///         + alpha * mean over D_r of |eps - eps_theta(x_t, t, c)|^2
struct SalUnDiffusion: Objective, Tunable {
  private var alpha: Double
  /// The published script: next class (D17), one loss averaged and the other summed over an image (D16), pairs of t.
  private let isReference: Bool

  init(parameters: Parameters) throws {
    isReference = try parameters.string(1) == "reference"
    alpha = parameters.isGiven(0) ? try parameters.float(0) : isReference ? 1e-3 : 1
  }

  mutating func retune(_ parameters: Parameters) throws { self = try SalUnDiffusion(parameters: parameters) }

  func prepare(_ call: Call) throws {
    guard try call.diffusion().conditions > 1 else {
      throw Failure("salun-diffusion gives samples another class, and the network is not conditioned on any")
    }
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let noise = try call.diffusion()
    return try step.batches.flatMap { batch in
      [
        step.wants(.forget, in: batch) ? try forget(batch, noise, step, call) : nil,
        step.wants(.retain, in: batch) ? try retain(batch, noise, step) : nil,
      ].compactMap(\.self)
    }
  }

  private func forget(_ batch: Batch, _ noise: Diffusion, _ step: Step, _ call: Call) throws -> Term {
    let (noisy, eps, t) = try diffused(batch, .forget, noise, step)
    let labels = try batch.rows(of: .forget, in: batch.labels)
    // In mode reference both passes forget their conditions apart from each other, as in training.
    let options: Model.Options = isReference ? .droppingConditions : []
    let predicted = try noise.denoise(step.model, noisy, at: t, conditions: labels, options)
    let target = try noise.denoise(
      step.model, noisy, at: t, conditions: otherClasses(labels, of: noise.conditions, step, call),
      [options, .withoutGraph])
    return Term(
      "forget", over: .forget,
      losses: isReference
        ? try (1 / Double(noise.dimensions)) * sums(predicted, target) : try noise.losses(predicted, target),
      cleanLosses: try noise.losses(predicted.detached(), eps), timesteps: t,
      indices: try batch.rows(of: .forget, in: batch.indices))
  }

  private func retain(_ batch: Batch, _ noise: Diffusion, _ step: Step) throws -> Term {
    let (noisy, eps, t) = try diffused(batch, .retain, noise, step)
    let predicted = try noise.denoise(
      step.model, noisy, at: t, conditions: batch.rows(of: .retain, in: batch.labels), .droppingConditions)
    return Term(
      "retain", over: .retain, coefficient: alpha,
      losses: isReference ? try sums(predicted, eps) : try noise.losses(predicted, eps), timesteps: t,
      indices: try batch.rows(of: .retain, in: batch.indices))
  }

  /// x_t of one set's samples, with its noise and timesteps.
  private func diffused(
    _ batch: Batch, _ set: SampleSet, _ noise: Diffusion, _ step: Step
  ) throws -> (noisy: Tensor, eps: Tensor, timesteps: Tensor) {
    let label = "\(set == .forget ? "forget" : "retain").\(step.microBatch)"
    let x = try batch.rows(of: set, in: batch.inputs)
    let t = try noise.drawTimesteps("timesteps.\(label)", count: batch.count(of: set), antithetic: isReference)
    let eps = try noise.drawNoise("noise.\(label)", like: x)
    return (try noise.addNoise(eps, to: x, at: t), eps, t)
  }

  /// c' = (c + U{1, ..., C-1}) mod C, or (c + 1) mod C in mode reference.
  private func otherClasses(_ labels: Tensor, of count: Int, _ step: Step, _ call: Call) throws -> Tensor {
    if isReference { return try (labels + labels.filledLike(1)) % count }
    let generator = try call.generator("classes.\(step.microBatch)")
    return try (labels + labels.randomLike(1..<count, generator)) % count
  }

  /// |a - b|^2 of each sample.
  private func sums(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    let difference = try (a - b).reshaped([a.shape[0], -1])
    return try (difference * difference).sum(along: 1)
  }
}

let plugin = Plugin(
  id: "lethe.salun-diffusion", version: "0.1.0", [.objective("salun-diffusion", SalUnDiffusion.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
