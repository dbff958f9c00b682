package import Tensors

/// What noise a run on a diffusion model adds: x_t = γ_t x + σ_t ε with ε ~ N(0, I) and γ_t² + σ_t² = 1 (Ho et al.,
/// Denoising diffusion probabilistic models, 2020).
package struct DiffusionFacts {
  /// T: a timestep is 0 … T−1.
  package var timesteps: Int
  /// d, the elements C·H·W of an image.
  package var dimensions: Int
  /// Classes that the network is conditioned on; 0 for none.
  package var conditions: Int
  /// Float32 `[T]`.
  package var gamma: Tensor
  /// Float32 `[T]`.
  package var sigma: Tensor

  /// - Precondition: `gamma` and `sigma` have `timesteps` elements, on the run's device.
  package init(timesteps: Int, dimensions: Int, conditions: Int = 0, gamma: Tensor, sigma: Tensor) {
    precondition(gamma.shape == [timesteps] && sigma.shape == [timesteps], "a factor for every timestep")
    self.timesteps = timesteps
    self.dimensions = dimensions
    self.conditions = conditions
    self.gamma = gamma
    self.sigma = sigma
  }
}

/// What goes into a forward pass of a denoiser.
package struct DenoiseInput {
  /// Float `[n, C, H, W]`.
  package var noisy: Tensor
  /// `int64 [n]`.
  package var timesteps: Tensor
  /// `int64 [n]`, −1 for the null condition; nil for a network without conditions.
  package var conditions: Tensor?
  /// s in (1+s) ε(c) − s ε(null); 0 for ε(c) alone.
  package var guidance: Double
  /// Without dropout.
  package var evaluation: Bool
  /// Whether conditions are forgotten at the rate of the model's training.
  package var dropsConditions: Bool

  package init(
    noisy: Tensor, timesteps: Tensor, conditions: Tensor? = nil, guidance: Double = 0, evaluation: Bool = false,
    dropsConditions: Bool = false
  ) {
    self.noisy = noisy
    self.timesteps = timesteps
    self.conditions = conditions
    self.guidance = guidance
    self.evaluation = evaluation
    self.dropsConditions = dropsConditions
  }
}
