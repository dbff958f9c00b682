/// How much noise is in an image at each timestep: γ_t x + σ_t ε, from t = 0, nearly the image, to t = `timesteps` − 1,
/// nearly noise (Ho, Jain, Abbeel: Denoising diffusion probabilistic models; 2020).
///
/// The tables are rounded to binary32 where diffusers rounds its own, so that they agree to that rounding.
package struct NoiseSchedule: Sendable, Equatable {
  /// How β grows from its first value to its last.
  package enum Shape: String, Sendable, CaseIterable {
    /// Evenly.
    case linear
    /// Its square root grows evenly, as for Stable Diffusion.
    case scaledLinear = "scaled-linear"
  }

  /// The variance of what ancestral sampling draws at a step; both are bounds of the true one (Ho et al. 2020, section 3.2).
  package enum Variance: String, Sendable, CaseIterable {
    /// That of q(x_{t'} given x_t, x₀): diffusers' `fixed_small`.
    case small = "fixed_small"
    /// 1 − ᾱ_t / ᾱ_{t'}, which for neighbours is β_t: diffusers' `fixed_large`.
    case large = "fixed_large"
  }

  /// How β grows.
  package let shape: Shape
  /// How many levels of noise there are, T.
  package let timesteps: Int
  /// β at t = 0.
  package let betaStart: Double
  /// β at t = T − 1.
  package let betaEnd: Double
  /// The variance of ancestral sampling.
  package let variance: Variance
  /// β_t: the variance of the noise that step t adds.
  package let betas: [Double]
  /// ᾱ_t = Π_{s ≤ t} (1 − β_s): the share of the image's variance that is left.
  package let alphaBars: [Double]
  /// γ_t = √ᾱ_t: what the image is multiplied by.
  package let gammas: [Double]
  /// σ_t = √(1 − ᾱ_t): the noise's standard deviation.
  package let sigmas: [Double]

  /// - Precondition: at least one timestep, and 0 < `betaStart` ≤ `betaEnd` < 1.
  package init(shape: Shape, timesteps: Int, betaStart: Double, betaEnd: Double, variance: Variance = .small) {
    precondition(timesteps > 0, "a noise schedule has at least one timestep")
    precondition(0 < betaStart && betaStart <= betaEnd && betaEnd < 1, "0 < first beta <= last beta < 1")
    self.shape = shape
    self.timesteps = timesteps
    self.betaStart = betaStart
    self.betaEnd = betaEnd
    self.variance = variance
    let betas =
      switch shape {
      case .linear: Self.even(Float(betaStart), Float(betaEnd), timesteps)
      case .scaledLinear:
        Self.even(Float(betaStart.squareRoot()), Float(betaEnd.squareRoot()), timesteps).map { $0 * $0 }
      }
    var product = 1.0
    let alphaBars = betas.map { beta in
      product *= Double(1 - beta)
      return Double(Float(product))
    }
    self.betas = betas.map(Double.init)
    self.alphaBars = alphaBars
    gammas = alphaBars.map { $0.squareRoot() }
    sigmas = alphaBars.map { (1 - $0).squareRoot() }
  }

  /// Numbers at even distances, each counted from the nearer end.
  private static func even(_ start: Float, _ end: Float, _ count: Int) -> [Float] {
    let step = count > 1 ? (end - start) / Float(count - 1) : 0
    return (0..<count).map { index in
      index < count / 2 || count == 1 ? start + step * Float(index) : end - step * Float(count - 1 - index)
    }
  }

  /// What a noise schedule is in the published DDPM experiments: β from 1e-4 to 0.02, evenly, in 1000 steps.
  package static let ddpm = NoiseSchedule(shape: .linear, timesteps: 1000, betaStart: 1e-4, betaEnd: 0.02)
}
