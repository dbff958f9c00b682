package import Tensors

/// A network that predicts the noise in images, given how much there is.
package final class Denoiser: TrainableModel {
  /// Channels, height and width of an image.
  package let inputShape: [Int]
  /// How many classes the network is conditioned on; 0 for none.
  package let conditions: Int
  private let network: any NoiseNetwork

  init(
    _ architecture: String, _ builder: ModelBuilder, _ network: any NoiseNetwork, inputShape: [Int], conditions: Int,
    dtype: DType, device: Device, channelsLast: Bool
  ) {
    self.inputShape = inputShape
    self.conditions = conditions
    self.network = network
    super.init(architecture, builder, dtype: dtype, device: device, channelsLast: channelsLast)
  }

  /// The noise in `noisy`, of the same shape [N, C, H, W].
  ///
  /// - Parameters:
  ///   - noisy: γ_t x + σ_t ε for images x in [-1, 1], of the model's type and on its device.
  ///   - timesteps: how noisy each is, from 0; int64 [N].
  ///   - conditions: the class of each, int64 [N], -1 for the null condition; nil for a network without conditions.
  ///   - training: whether dropout is active.
  package func forward(
    _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool
  ) throws(TensorError) -> Tensor {
    let ordered = channelsLast ? try noisy.contiguous(.channelsLast) : noisy
    return try network(ordered, timesteps: timesteps, conditions: conditions, training: training)
  }
}

/// What a denoiser computes.
protocol NoiseNetwork {
  /// The noise in images [N, C, H, W] at timesteps int64 [N], under conditions int64 [N] where it has any.
  func callAsFunction(
    _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool
  ) throws(TensorError) -> Tensor
}
