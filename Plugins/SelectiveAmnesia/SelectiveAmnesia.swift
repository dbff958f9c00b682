// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Selective amnesia: continual learning turned around. What is to be forgotten is taught as noise, the rest is rehearsed,
/// and weights that the rest depends on are held in place.
///
///     L = mean over D_f of l(x_f, c) + gamma * mean over D_r of l(x_r, c) + lambda/2 * sum_i F_i (theta_i - theta*_i)^2
///
///     l(x, c) = |eps - eps_theta(x_t, t, c)|^2,   x_f ~ U[-1, 1] instead of the sample,   the same t for both terms
///     F       = mean over N retain samples of (sum over t of grad l(x, c) at theta*)^2
///
/// theta* are the original weights. F is the square of the sum over timesteps, not the sum of squares.
struct SelectiveAmnesia: Objective, Stateful {
  private let gamma, lambda: Double
  private let samples, timesteps: Int
  /// The published code: no 1/2 before the penalty (D30), the Fisher pass on images in [0, 1] (D31).
  private let isReference: Bool
  /// F, one tensor for each parameter.
  private var fisher: [KeptTensor] = []

  init(parameters: Parameters) throws {
    (gamma, lambda) = (try parameters.float(0), try parameters.float(1))
    (samples, timesteps) = (try parameters.int(2), try parameters.int(3))
    isReference = try parameters.string(4) == "reference"
  }

  mutating func prepare(_ call: Call) throws {
    let noise = try call.diffusion()
    let model = try call.model()
    let parameters = try model.parameters().map(\.tensor)
    if let stored = try call.artifact("fisher", count: parameters.count) {
      fisher = try stored.map { try $0.keep() }
      return
    }
    let sums = try parameters.map { try $0.detached().zerosLike() }
    let count = try min(samples, call.task().retainCount)
    guard count > 0 else { throw Failure("the Fisher pass needs retain samples, and there are none") }
    let steps = Swift.min(timesteps, noise.timesteps)
    let walk = try call.pass(over: .retain, batch: 1)
    for sample in 0..<count {
      try call.checkCancelled()
      try call.freeingTensors {
        let gradient = try summedGradient(walk(sample), sample, steps, noise, model, parameters, call)
        try call.withoutGraph {
          for case (let sum, let part?) in zip(sums, gradient) { try sum.add((1 / Double(count)) * (part * part)) }
        }
      }
      try call.progress(sample + 1, of: count)
    }
    fisher = try sums.map { try $0.keep() }
    try call.store(sums, as: "fisher")
  }

  /// The gradient of l for one sample, added up over evenly spaced timesteps, a chunk of them at a time.
  private func summedGradient(
    _ batch: Batch, _ sample: Int, _ steps: Int, _ noise: Diffusion, _ model: Model, _ parameters: [Tensor],
    _ call: Call
  ) throws -> [Tensor?] {
    var total: [Tensor?] = parameters.map { _ in nil }
    let image = isReference ? try 0.5 * (batch.inputs + 1) : batch.inputs
    for start in stride(from: 0, to: steps, by: Self.chunk) {
      let t = (start..<min(start + Self.chunk, steps)).map { Int64($0 * noise.timesteps / steps) }
      let rows = try call.tensor([Int64](repeating: 0, count: t.count), shape: [t.count])
      let times = try call.tensor(t, shape: [t.count])
      let x = try image.selecting(rows)
      let eps = try noise.drawNoise("fisher.\(sample).\(start)", like: x)
      let predicted = try noise.denoise(
        model, noise.addNoise(eps, to: x, at: times), at: times,
        conditions: noise.conditions > 0 ? batch.labels.selecting(rows) : nil,
        isReference && noise.conditions > 0 ? [.evaluating, .droppingConditions] : .evaluating)
      let difference = try predicted - eps
      let part = try call.gradient(of: (difference * difference).sum(), withRespectTo: parameters)
      total = try zip(total, part).map { old, new in
        if let old, let new { return try old + new }
        return new ?? old
      }
    }
    return total
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let noise = try call.diffusion()
    var terms: [Term] = []
    for batch in step.batches {
      let count = Swift.max(batch.forgetCount, batch.retainCount)
      let t = try noise.drawTimesteps("timesteps.\(step.microBatch)", count: count)
      if step.wants(.forget, in: batch) {
        let like = try batch.rows(of: .forget, in: batch.inputs)
        let surrogate = try 2 * like.uniformLike(call.generator("surrogate.\(step.microBatch)")) + -1
        var term = try self.term(.forget, surrogate, t, batch, noise, step)
        // The loss is that of noise, not of the sample.
        term.knowsCleanLosses = false
        terms.append(term)
      }
      if step.wants(.retain, in: batch) {
        terms.append(try term(.retain, batch.rows(of: .retain, in: batch.inputs), t, batch, noise, step))
      }
    }
    terms.append(Term("ewc", coefficient: isReference ? lambda : lambda / 2, penalty: try penalty(step, call)))
    return terms
  }

  private func term(
    _ set: SampleSet, _ x: Tensor, _ t: Tensor, _ batch: Batch, _ noise: Diffusion, _ step: Step
  ) throws -> Term {
    let t = try t.narrowed(to: 0, count: batch.count(of: set))
    let eps = try noise.drawNoise("noise.\(set == .forget ? "forget" : "retain").\(step.microBatch)", like: x)
    let labels = noise.conditions > 0 ? try batch.rows(of: set, in: batch.labels) : nil
    let predicted = try noise.denoise(step.model, noise.addNoise(eps, to: x, at: t), at: t, conditions: labels)
    return Term(
      set == .forget ? "forget" : "retain", over: set, coefficient: set == .forget ? 1 : gamma,
      losses: try noise.losses(predicted, eps), timesteps: t, indices: try batch.rows(of: set, in: batch.indices))
  }

  /// sum_i F_i (theta_i - theta*_i)^2.
  private func penalty(_ step: Step, _ call: Call) throws -> Tensor {
    let original = try call.model("original").parameters()
    let parts = try zip(step.model.parameters(), original).enumerated().map { index, pair in
      let moved = try pair.0.tensor - pair.1.tensor
      return try (moved * moved * fisher[index].tensor(in: call)).sum().reshaped([1])
    }
    return try Tensor.concatenating(parts).sum()
  }

  /// Timesteps that go through the network together.
  private static let chunk = 64

  // MARK: State: a resumed run takes the Fisher matrix from here, since its noise was drawn for another step

  static let stateVersion: UInt32 = 1

  func save(to state: StateWriter, _ call: Call) throws {
    for tensor in fisher { try state.write(tensor.tensor(in: call)) }
  }

  mutating func load(from state: StateReader, version: UInt32, _ call: Call) throws {
    guard version == Self.stateVersion else {
      throw Failure("the saved state is of another version", status: LETHE_E_INVALID_ARGUMENT)
    }
    fisher = try fisher.map { try state.tensor(like: $0.tensor(in: call)).keep() }
  }
}

let plugin = Plugin(
  id: "lethe.selective-amnesia", version: "0.1.0", [.objective("selective-amnesia", SelectiveAmnesia.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
