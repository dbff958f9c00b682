import Tensors

/// Draws images by walking from noise to an image, a step for each of a list of falling timesteps.
package struct Sampler: Sendable {
  /// The noise that the network was trained with.
  package let schedule: NoiseSchedule
  /// How it walks.
  package let settings: SamplerSettings
  /// The timesteps at which the network is asked, falling to 0.
  package let timesteps: [Int]

  /// - Throws: `LearningError.sampler` for settings outside their ranges.
  package init(_ schedule: NoiseSchedule, _ settings: SamplerSettings) throws(LearningError) {
    guard (1...schedule.timesteps).contains(settings.steps) else {
      throw .sampler(setting: "steps", value: "\(settings.steps)", expected: "1 to \(schedule.timesteps)")
    }
    if case .ddim(let eta) = settings.kind, !(0...1).contains(eta) {
      throw .sampler(setting: "eta", value: "\(eta)", expected: "0 to 1")
    }
    guard settings.guidance.isFinite, settings.guidance >= 0 else {
      throw .sampler(setting: "guidance", value: "\(settings.guidance)", expected: "a number from 0")
    }
    self.schedule = schedule
    self.settings = settings
    let ratio = schedule.timesteps / settings.steps
    timesteps = (0..<settings.steps).reversed().map { $0 * ratio }
  }

  /// The timesteps of a walk that begins with images at `first`: that one, then those of the grid below it.
  package func timesteps(from first: Int?) -> [Int] {
    guard let first else { return timesteps }
    return [first] + timesteps.filter { $0 < first }
  }

  /// What the image at the next timestep is made of: a x₀ + b x + c ε + d z, with x₀ = (x − σ ε) / γ.
  struct Coefficients: Equatable {
    var image: Double
    var noisy: Double
    var predicted: Double
    var drawn: Double
  }

  /// - Parameter next: the timestep after `timestep`; nil for the image itself.
  func coefficients(_ timestep: Int, to next: Int?) -> Coefficients {
    let now = schedule.alphaBars[timestep]
    let then = next.map { schedule.alphaBars[$0] } ?? 1
    let variance = (1 - then) / (1 - now) * (1 - now / then)
    switch settings.kind {
    case .ddpm:
      let drawn = schedule.variance == .large ? 1 - now / then : variance
      return Coefficients(
        image: then.squareRoot() * (1 - now / then) / (1 - now),
        noisy: (now / then).squareRoot() * (1 - then) / (1 - now), predicted: 0,
        drawn: next == nil ? 0 : max(drawn, 1e-20).squareRoot())
    case .ddim(let eta):
      let spread = eta * variance.squareRoot()
      return Coefficients(
        image: then.squareRoot(), noisy: 0, predicted: max(0, 1 - then - spread * spread).squareRoot(), drawn: spread)
    }
  }

  /// One step: from images at `timestep` and the noise predicted in them to images at `next`.
  ///
  /// - Parameter noise: standard normal, of the images' shape; called only where the step needs it.
  func step(
    _ noisy: Tensor, predicted: Tensor, at timestep: Int, to next: Int?, noise: () throws -> Tensor
  ) throws -> Tensor {
    let parts = coefficients(timestep, to: next)
    let (gamma, sigma) = (schedule.gammas[timestep], schedule.sigmas[timestep])
    var image = try noisy * (1 / gamma)
    try image.add(predicted, scale: -sigma / gamma)
    if settings.clip { image = try image.clamped(min: -1, max: 1) }
    try image.multiply(by: parts.image)
    if parts.noisy != 0 { try image.add(noisy, scale: parts.noisy) }
    if parts.predicted != 0 { try image.add(predicted, scale: parts.predicted) }
    if parts.drawn != 0 { try image.add(try noise(), scale: parts.drawn) }
    return image
  }
}
