// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// EraseDiff: a bilevel problem. Among the weights that send the forget samples to noise, those that keep the rest best.
///
///     min over theta of L_r(theta)   subject to   theta in argmin L_f
///
///     L_r = E |eps - eps_theta(x_t, t)|^2 over the retain set
///     L_f = E |y - eps_theta(x_t, t)|^2 over the forget set, with a wrong target y
///
///     variant   x_t of the forget set             y
///     A         gamma_t x + sigma_t y             noise of another kind: U(0, 1) or N(m, s^2), elementwise
///     B         gamma_t x + sigma_t eps           the same, drawn apart from x_t
///     C         gamma_t x + sigma_t eps           sg(eps_theta(x_t, t, c')), c' another class than c
///     D         gamma_t x + sigma_t eps           sg(eps_theta(x_t, t, c')), c' one class for all
struct EraseDiff: Objective {
  private enum Variant: String { case a = "A", b = "B", c = "C", d = "D" }

  private let variant: Variant
  private let isUniform: Bool
  private let mean, deviation: Double
  /// lambda of the single-objective baseline SO, L_r + lambda L_f.
  private let weight: Double
  private let targetClass: Int
  /// Whether variant C draws one class a batch, from 1 on, whatever is to be forgotten, as the published script does.
  private let isReference: Bool

  init(parameters: Parameters) throws {
    variant = Variant(rawValue: try parameters.string(0)) ?? .b
    isUniform = try parameters.string(1) == "uniform"
    (mean, deviation) = (try parameters.float(2), try parameters.float(3))
    weight = try parameters.float(4)
    guard variant != .d || parameters.isGiven(5) else {
      throw Failure.parameter(5, "variant D sends every forget sample to one class: 'target_class' is missing")
    }
    targetClass = parameters.isGiven(5) ? try parameters.int(5) : 0
    isReference = try parameters.string(6) == "reference"
  }

  func prepare(_ call: Call) throws {
    let noise = try call.diffusion()
    guard variant == .c || variant == .d else { return }
    guard noise.conditions > 1 else {
      throw Failure(
        "variant \(variant.rawValue) gives samples another class, and the network is not conditioned on any")
    }
    guard targetClass < noise.conditions else {
      throw Failure.parameter(5, "class \(targetClass) is not in 0 ... \(noise.conditions - 1)")
    }
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let noise = try call.diffusion()
    return try step.batches.flatMap { batch in
      [
        step.wants(.retain, in: batch) ? try retain(batch, noise, step) : nil,
        step.wants(.forget, in: batch) ? try forget(batch, noise, step, call) : nil,
      ].compactMap(\.self)
    }
  }

  private func retain(_ batch: Batch, _ noise: Diffusion, _ step: Step) throws -> Term {
    let x = try batch.rows(of: .retain, in: batch.inputs)
    let t = try noise.drawTimesteps("retain.timesteps.\(step.microBatch)", count: batch.retainCount)
    let eps = try noise.drawNoise("retain.noise.\(step.microBatch)", like: x)
    let labels = noise.conditions > 0 ? try batch.rows(of: .retain, in: batch.labels) : nil
    let predicted = try noise.denoise(step.model, noise.addNoise(eps, to: x, at: t), at: t, conditions: labels)
    return Term(
      "retain", over: .retain, losses: try noise.losses(predicted, eps), timesteps: t,
      indices: try batch.rows(of: .retain, in: batch.indices))
  }

  private func forget(_ batch: Batch, _ noise: Diffusion, _ step: Step, _ call: Call) throws -> Term {
    let x = try batch.rows(of: .forget, in: batch.inputs)
    let t = try noise.drawTimesteps("forget.timesteps.\(step.microBatch)", count: batch.forgetCount)
    let labels = noise.conditions > 0 ? try batch.rows(of: .forget, in: batch.labels) : nil
    let indices = try batch.rows(of: .forget, in: batch.indices)

    if variant == .a {
      let wrong = try wrongNoise(like: x, step, call)
      let predicted = try noise.denoise(step.model, noise.addNoise(wrong, to: x, at: t), at: t, conditions: labels)
      var term = Term(
        "forget", over: .forget, coefficient: weight, losses: try noise.losses(predicted, wrong), timesteps: t,
        indices: indices)
      // The network is never shown the sample with the noise that it was trained on.
      term.knowsCleanLosses = false
      return term
    }
    let eps = try noise.drawNoise("forget.noise.\(step.microBatch)", like: x)
    let noisy = try noise.addNoise(eps, to: x, at: t)
    let predicted = try noise.denoise(step.model, noisy, at: t, conditions: labels)
    let target: Tensor
    if variant == .b {
      target = try wrongNoise(like: x, step, call)
    } else {
      guard let labels else { throw Failure("the network is not conditioned on any class") }
      let others = try otherClasses(labels, of: noise.conditions, step, call)
      target = try noise.denoise(step.model, noisy, at: t, conditions: others, .withoutGraph)
    }
    return Term(
      "forget", over: .forget, coefficient: weight, losses: try noise.losses(predicted, target),
      cleanLosses: try noise.losses(predicted.detached(), eps), timesteps: t, indices: indices)
  }

  /// Noise that is not N(0, I).
  private func wrongNoise(like x: Tensor, _ step: Step, _ call: Call) throws -> Tensor {
    let generator = try call.generator("target.\(step.microBatch)")
    if isUniform { return try x.uniformLike(generator) }
    return try deviation * x.normalLike(generator) + mean
  }

  /// c': drawn anew in every step, never c; or in mode reference one of 1 ... C-1 for the whole batch.
  private func otherClasses(_ labels: Tensor, of count: Int, _ step: Step, _ call: Call) throws -> Tensor {
    if variant == .d { return try labels.filledLike(Double(targetClass)) }
    let generator = try call.generator("classes.\(step.microBatch)")
    if isReference {
      return try labels.filledLike(0) + labels.narrowed(to: 0, count: 1).randomLike(1..<count, generator)
    }
    return try (labels + labels.randomLike(1..<count, generator)) % count
  }
}

/// How EraseDiff's two gradients become one: the direction nearest to the retain gradient along which the forget loss falls
/// at least as fast as eta |g_f|^2.
///
///     v = argmin 1/2 |v - g_r|^2   subject to   <g_f, v> >= eta |g_f|^2
///       = g_r + lambda g_f,        lambda = max(0, eta - <g_r, g_f> / |g_f|^2)
///
/// g_r and g_f are the sums of the gradients of the retain and of the forget terms. The paper's constraint is on
/// g(theta) = L_f(theta) - L_f(theta_K) with theta_K from K steps on L_f; its gradient is g_f whatever K.
struct Bilevel: Updater, Tunable {
  private enum Rule: String { case paper, fixed, cosine }

  private let rule: Rule
  private var size: Double
  private var cap: Double
  /// K, the steps from theta to theta_K.
  private let inner: Int
  /// Whether they go through the moments of the run's optimizer, as in the published script, which keep what they gather.
  private let sharesMoments: Bool
  /// Whether each has samples, timesteps and noise of its own.
  private let isFresh: Bool
  private let innerRate: Double?

  init(parameters: Parameters) throws {
    rule = Rule(rawValue: try parameters.string(0)) ?? .paper
    size = try parameters.float(1)
    cap = try parameters.float(2)
    inner = try parameters.int(3)
    sharesMoments = try parameters.string(4) == "shared"
    isFresh = try parameters.string(5) == "fresh"
    innerRate = parameters.isGiven(6) ? try parameters.float(6) : nil
  }

  mutating func retune(_ parameters: Parameters) throws { self = try Bilevel(parameters: parameters) }

  static let combines = true
  static let scalesTerms = true

  /// A fixed lambda is known before any gradient is.
  func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]? {
    guard rule == .fixed, inner == 0 else { return nil }
    try check(terms)
    let one = try call.tensor([1 as Float], shape: [])
    let lambda = try one.filledLike(size)
    return terms.map { $0.set == .forget ? lambda : one }
  }

  func combine(_ progress: Progress, _ call: Call) throws {
    let terms = try call.stepTerms()
    try check(terms)
    let toForget = terms.filter { $0.set == .forget }
    let retain = try call.sum(terms.filter { $0.set == .retain })
    guard let forget = try call.sum(toForget) else {
      return try call.setDirection(retain?.compactMap(\.self) ?? [])
    }
    if inner > 0 { try lookAhead(from: toForget, forget, call) }
    let none: [Tensor?] = forget.map { _ in nil }
    let product = try call.dot(retain ?? none, forget)
    let square = try call.dot(forget, forget)
    let lambda: Tensor
    switch rule {
    case .fixed: lambda = try square.filledLike(size)
    case .paper: lambda = try (-(product / (square + Self.tiny)) + size).clamped(min: 0, max: cap)
    case .cosine:
      let retained = try call.dot(retain ?? none, retain ?? none)
      let cosine = try product / ((square.sqrt() * retained.sqrt()) + Self.tiny)
      lambda = try (-cosine + size).clamped(min: 0, max: cap)
    }
    try call.report("lambda", lambda)
    try call.setDirection(call.sum(retain ?? none, scale: lambda, forget))
  }

  /// K steps on L_f from theta to theta_K, which do not stay: v depends on g's gradient alone, and theta_K is a constant in
  /// g(theta) = L_f(theta) - L_f(theta_K). Reports g on the step's own samples.
  private func lookAhead(from terms: [StepTerm], _ gradients: [Tensor?], _ call: Call) throws {
    let rate = try innerRate ?? call.learningRate()
    let loss = try value(of: terms)
    for round in 1...inner {
      var along: [Tensor?]? = gradients
      if isFresh {
        along = try call.sum(call.evaluate(.forget, round: round).filter { $0.set == .forget })
      } else if round > 1 {
        along = try call.sum(call.evaluate(.forget).filter { $0.set == .forget })
      }
      // A draw without a forget sample has no gradient to go along.
      guard let along else { continue }
      try call.advance(along: along, learningRate: rate, sharingMoments: sharesMoments)
    }
    let end = try call.evaluate(.forget, gradients: false).filter { $0.set == .forget }
    try call.report("g", loss - value(of: end))
    try call.restore()
  }

  private func value(of terms: [StepTerm]) throws -> Tensor {
    try terms.dropFirst().reduce(terms[0].loss) { try $0 + $1.loss }
  }

  private func check(_ terms: [StepTerm]) throws {
    if let other = terms.first(where: { $0.set != .retain && $0.set != .forget }) {
      throw Failure(
        "the term '\(other.name)' is of neither set: bilevel joins retain and forget terms and nothing else")
    }
  }

  private static let tiny = 1e-30
}

let plugin = Plugin(
  id: "lethe.erasediff", version: "0.1.0",
  [.objective("erasediff", EraseDiff.self), .updater("bilevel", Bilevel.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
