import Foundation
package import Tensors

/// The negative log-likelihood of images under a diffusion model in bits per dimension, by the ordinary differential equation
/// whose solutions have the model's marginal distributions (Song et al. 2021, section 4.3 and appendix D.2).
///
/// With `β(t) = β₀ + t (β₁ − β₀)` and the score `−ε̂/σ`, `dx/dt = −½ β(t) (x − ε̂(x, l)/σ_l)` is integrated from `t = 10⁻⁵` to 1,
/// beside `Δ = ∫ div`; then `−(log N(x(1); 0, I) + Δ) / (d ln 2) + 7`, where 7 = log₂ 128 is the change from [-1, 1] to 256
/// levels. The label is `l = ⌊(T − 1) t⌋` and `σ_l` the model's own noise level there, so the right-hand side **jumps** at
/// each new label: the step control then rejects many steps, and no tolerance makes the result converge to that of an
/// equation with continuous time. No noise is added to the image (no dequantisation).
///
/// Every image is integrated with steps of its own: its value does not depend on what else is measured.
package struct BitsPerDimension: Sendable {
  /// The noise that the model was trained with: betas that grow linearly from `β₀/T` to `β₁/T` in T timesteps.
  package struct Schedule: Sendable, Equatable {
    /// β(0), 0.1 for DDPM's schedule.
    package let first: Double
    /// β(1), 20 for DDPM's schedule.
    package let last: Double
    /// `σ_l = √(1 − ᾱ_l)` at each of the T timesteps.
    package let deviations: [Double]

    /// DDPM's: T = 1000, betas from 10⁻⁴ to 0.02.
    package static let ddpm = Schedule(first: 0.1, last: 20, timesteps: 1000)

    private init(first: Double, last: Double, timesteps: Int) {
      self.first = first
      self.last = last
      let spacing = (last - first) / Double(timesteps * (timesteps - 1))
      var kept = 1.0
      deviations = (0..<timesteps).map { step in
        kept *= 1 - (first / Double(timesteps) + Double(step) * spacing)
        return (1 - kept).squareRoot()
      }
    }

    /// A model's betas.
    ///
    /// - Throws: `LearningError.generation(.schedule)` unless they grow linearly and stay between 0 and 1.
    package init(betas: [Double]) throws(LearningError) {
      func refuse(_ reason: String) -> LearningError { .generation(.schedule(metric: "nll", reason: reason)) }
      guard betas.count > 1, let first = betas.first, let last = betas.last else {
        throw refuse("this model has \(betas.count) timesteps")
      }
      guard first > 0, last < 1, first < last else {
        throw refuse("this model's go from \(first) to \(last)")
      }
      let spacing = (last - first) / Double(betas.count - 1)
      // Betas are kept in single precision.
      let odd = betas.indices.first { abs(betas[$0] - (first + Double($0) * spacing)) > 1e-6 * last }
      if let odd { throw refuse("this model's is \(betas[odd]) at timestep \(odd)") }
      self.init(first: first * Double(betas.count), last: last * Double(betas.count), timesteps: betas.count)
    }
  }

  /// How the trace of the Jacobian is found.
  package enum Trace: Sendable, Equatable {
    /// As the mean of `vᵀJv` over so many vectors of random signs (Hutchinson 1989), the same for every image.
    case probes(Int)
    /// Element by element: as many gradients an evaluation as an image has values.
    case exact
  }

  /// What was found of one image.
  package struct Value: Sendable, Equatable, Codable {
    /// Bits per dimension.
    package let bits: Double
    /// The standard error over probes; nil for one probe, 0 for the exact trace.
    package let standardError: Double?
    /// How often the network was evaluated: SciPy's `nfev`.
    package let evaluations: Int
  }

  /// The model's noise.
  package var schedule = Schedule.ddpm
  /// How the trace is found; one probe is what published numbers use.
  package var trace = Trace.probes(1)
  /// Tolerance relative to the state.
  package var relativeTolerance = 1e-5
  /// Tolerance where the state is near 0.
  package var absoluteTolerance = 1e-5
  /// The time at which an image counts as free of noise.
  package var start = 1e-5
  /// After so many evaluations an image is given up.
  package var evaluationLimit = 100_000
  /// How many probes go through the network at once.
  package var batch = 32

  /// The published settings.
  package init() {}

  private static let metric = "nll"

  /// The negative log-likelihood of each image.
  ///
  /// - Parameters:
  ///   - images: [n, C, H, W] in [-1, 1], on the network's device and of its type; the integration is in `float64`.
  ///   - noise: the network in evaluation mode: noisy images [m, C, H, W] and labels int64 [m] to noise of the images'
  ///     shape. It is called with gradients on, and its input records them.
  ///   - seed: of the probes: Philox, label `nll.probe`, step = probe; bit `i mod 32` of word `i / 32` is the sign of element i.
  ///   - cancel: answered at every evaluation.
  ///   - progress: told the share that is done, 0 ... 1, after each step.
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation`, `.interrupted`; what `noise` throws.
  package func measure(
    _ images: Tensor, seed: UInt64, cancel: CancelFlag, progress: (Double) -> Void = { _ in },
    noise: (_ images: Tensor, _ labels: Tensor) throws -> Tensor
  ) throws -> [Value] {
    let shape = try GeneratedImages.check(images, "images", metric: Self.metric)
    try check()
    let size = shape.dropFirst().reduce(1, *)
    let probes = try self.probes(size, seed: seed, like: images)
    return try (0..<shape[0]).map { index in
      try withoutGradients {
        let image = try images.detach().narrow(0, start: index, length: 1)
        return try measure(image, index, probes, cancel, noise) { progress((Double(index) + $0) / Double(shape[0])) }
      }
    }
  }

  private func check() throws(LearningError) {
    func refuse(_ name: String, _ found: String, _ expected: String) -> LearningError {
      .generation(.setting(metric: Self.metric, name: name, found: found, expected: expected))
    }
    if case .probes(let count) = trace, count < 1 { throw refuse("the number of probes", "\(count)", "at least 1") }
    guard relativeTolerance > 0, absoluteTolerance > 0 else {
      throw refuse("a tolerance", "\(min(relativeTolerance, absoluteTolerance))", "more than 0")
    }
    guard start > 0, start < 1 else { throw refuse("the start", "\(start)", "a time between 0 and 1") }
    guard batch > 0 else { throw refuse("the batch", "\(batch)", "at least 1") }
  }

  /// Rows [p, d] whose products with the Jacobian are taken.
  private func probes(_ size: Int, seed: UInt64, like images: Tensor) throws(TensorError) -> Tensor {
    guard case .probes(let count) = trace else {
      return try Tensor.identity(size, dtype: images.dtype, device: images.device)
    }
    var signs: [Double] = []
    signs.reserveCapacity(count * size)
    for probe in 0..<count {
      var stream = Philox(seed: seed, label: "nll.probe", step: UInt64(probe))
      var word: UInt32 = 0
      for element in 0..<size {
        if element % 32 == 0 { word = stream.next32() }
        signs.append(word >> UInt32(element % 32) & 1 == 1 ? 1 : -1)
      }
    }
    return try Tensor(signs, shape: [count, size]).to(images.dtype).to(images.device)
  }

  private func measure(
    _ image: Tensor, _ index: Int, _ probes: Tensor, _ cancel: CancelFlag,
    _ noise: (Tensor, Tensor) throws -> Tensor, _ progress: (Double) -> Void
  ) throws -> Value {
    let size = image.count
    let traces = trace == .exact ? 1 : probes.shape[0]
    let solver = DormandPrince(relativeTolerance: relativeTolerance, absoluteTolerance: absoluteTolerance)
    let initial = try Tensor.cat([
      try image.to(.float64).reshape([size]), try Tensor.zeros([traces], dtype: .float64, device: image.device),
    ])
    var evaluations = 0
    let final: Tensor
    do {
      final = try solver.integrate(initial, from: start, to: 1, accepted: { progress(($0 - start) / (1 - start)) }) {
        time, state in
        try cancel.check()
        guard evaluations < evaluationLimit else {
          throw LearningError.generation(
            .tooManyEvaluations(metric: Self.metric, image: index, limit: evaluationLimit, time: time))
        }
        evaluations += 1
        return try slope(time, try state.narrow(0, start: 0, length: size), image, probes, noise)
      }
    } catch DormandPrince.Failure.notFinite {
      throw LearningError.notFinite(metric: Self.metric, set: "image", position: index)
    } catch DormandPrince.Failure.stepTooSmall(let time) {
      throw LearningError.generation(.stepTooSmall(metric: Self.metric, image: index, time: time))
    }
    let values = try final.doubles()
    let squares = values.prefix(size).reduce(0) { $0 + $1 * $1 }
    let density = -0.5 * (Double(size) * log(2 * .pi) + squares)
    let bits = values.suffix(traces).map { -(density + $0) / (Double(size) * log(2)) + 7 }
    let mean = bits.reduce(0, +) / Double(traces)
    let variance = bits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, traces - 1))
    let error = trace == .exact ? 0 : traces > 1 ? (variance / Double(traces)).squareRoot() : nil
    return Value(bits: mean, standardError: error, evaluations: evaluations)
  }

  /// The derivative of image and traces at a time.
  private func slope(
    _ time: Double, _ pixels: Tensor, _ image: Tensor, _ probes: Tensor, _ noise: (Tensor, Tensor) throws -> Tensor
  ) throws -> Tensor {
    let size = image.count
    let timesteps = schedule.deviations.count
    let label = min(timesteps - 1, Int(Double(timesteps - 1) * time))
    let deviation = schedule.deviations[label]
    let half = -0.5 * (schedule.first + time * (schedule.last - schedule.first))
    let input = try pixels.to(image.dtype).reshape(image.shape)
    var predicted: Tensor?
    var products: [Tensor] = []
    for start in stride(from: 0, to: probes.shape[0], by: batch) {
      let rows = try probes.narrow(0, start: start, length: min(batch, probes.shape[0] - start))
      let shape = [rows.shape[0]] + image.shape.dropFirst()
      let copies = try input.expand(shape).contiguous().clone()
      try copies.setRequiresGrad(true)
      let labels = try Tensor.full([rows.shape[0]], Double(label), dtype: .int64, device: image.device)
      let output = try withGradients { try noise(copies, labels) }
      guard output.shape == shape else {
        throw LearningError.generation(
          .shape(metric: Self.metric, what: "the predicted noise", found: output.shape, expected: "\(shape)"))
      }
      guard output.requiresGrad, !output.isLeaf else {
        throw LearningError.generation(.noGradient(metric: Self.metric))
      }
      let found = try gradient(
        of: [output], seeds: [try rows.reshape(shape)], withRespectTo: [copies], allowUnused: true)
      guard let product = found[0] else { throw LearningError.generation(.noGradient(metric: Self.metric)) }
      products.append(try (try product.to(.float64).reshape(rows.shape) * rows.to(.float64)).sum(along: [1]))
      if predicted == nil { predicted = try output.detach().select(0, 0).to(.float64).reshape([size]) }
    }
    guard let predicted else { preconditionFailure("there is at least one probe") }
    let joined = try Tensor.cat(products)
    let found = trace == .exact ? try joined.sum().reshape([1]) : joined
    let drift = try (try pixels - (try predicted / deviation)) * half
    let divergence = try (Double(size) - (try found / deviation)) * half
    return try Tensor.cat([drift, divergence])
  }
}
