/// How images are drawn from a network that predicts noise.
package struct SamplerSettings: Sendable, Equatable {
  /// What a step does with the prediction.
  package enum Kind: Sendable, Equatable {
    /// A draw from the posterior of the image before, given the predicted image (Ho, Jain, Abbeel 2020, equation 7), with
    /// the variance that the schedule names: diffusers' `DDPMScheduler`.
    case ddpm
    /// The generalised step of Song, Meng and Ermon (2021), equation 12: `eta` from 0, where nothing is drawn, to 1, where
    /// with all timesteps it is `ddpm`.
    case ddim(eta: Double)
  }

  /// What a step does.
  package var kind: Kind
  /// How many steps, from 1 to the schedule's timesteps T. Timesteps are multiples of T / steps rounded down, from 0:
  /// what diffusers calls "leading", without an offset.
  package var steps: Int
  /// s in (1 + s) ε(c) − s ε(null), classifier-free guidance; 0 for the condition alone. A guidance scale w, as others
  /// count it, is s + 1.
  package var guidance: Double
  /// Whether the image predicted at each step is kept in [-1, 1].
  package var clip: Bool

  /// See the properties.
  package init(kind: Kind, steps: Int, guidance: Double = 0, clip: Bool = true) {
    self.kind = kind
    self.steps = steps
    self.guidance = guidance
    self.clip = clip
  }
}
