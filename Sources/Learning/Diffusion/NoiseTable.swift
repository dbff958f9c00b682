package import Tensors

/// A noise schedule as tensors on a device, for training steps: nothing here waits for the device.
package final class NoiseTable {
  /// The schedule that it holds.
  package let schedule: NoiseSchedule
  /// γ_t for each timestep, float32 [T].
  package let gamma: Tensor
  /// σ_t for each timestep, float32 [T].
  package let sigma: Tensor
  /// The same in binary64, for models that compute in it.
  private let exactGamma: Tensor
  private let exactSigma: Tensor
  private let device: Device

  /// Puts the tables on a device.
  package init(_ schedule: NoiseSchedule, device: Device) throws(TensorError) {
    self.schedule = schedule
    self.device = device
    exactGamma = try Tensor(schedule.gammas, shape: [schedule.timesteps]).to(device)
    exactSigma = try Tensor(schedule.sigmas, shape: [schedule.timesteps]).to(device)
    gamma = try exactGamma.to(.float32)
    sigma = try exactSigma.to(.float32)
  }

  /// γ_t x + σ_t ε.
  ///
  /// - Parameters:
  ///   - clean: images x in [-1, 1], [N, …].
  ///   - noise: ε, of the same shape.
  ///   - timesteps: t for each, from 0 to T − 1; int64 [N].
  /// - Returns: a tensor like `clean`.
  package func addNoise(_ clean: Tensor, _ noise: Tensor, _ timesteps: Tensor) throws(TensorError) -> Tensor {
    let isExact = clean.dtype == .float64
    let shape = [-1] + [Int](repeating: 1, count: clean.rank - 1)
    func picked(_ table: Tensor) throws(TensorError) -> Tensor {
      try table.indexSelect(0, timesteps).to(clean.dtype).view(shape)
    }
    let noisy = try clean * picked(isExact ? exactGamma : gamma)
    try noisy.add(try noise * picked(isExact ? exactSigma : sigma))
    return noisy
  }

  /// Timesteps for a batch, evenly from 0 to T − 1; int64 [n] on the table's device.
  ///
  /// - Parameters:
  ///   - antithetic: draw n/2 + 1, append T − 1 − t for each, and keep the first n, so that early and late ones are in
  ///     balance.
  ///   - generator: of the table's device.
  package func drawTimesteps(_ n: Int, antithetic: Bool, generator: Generator) throws(TensorError) -> Tensor {
    let count = antithetic ? n / 2 + 1 : n
    let drawn = try Tensor.randomIntegers(0..<schedule.timesteps, [count], device: device, generator: generator)
    guard antithetic else { return drawn }
    let mirrored = try -drawn + (schedule.timesteps - 1)
    return try Tensor.cat([drawn, mirrored]).narrow(0, start: 0, length: n)
  }
}
