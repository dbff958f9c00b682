package import Tensors

/// The U-Net of Ho, Jain and Abbeel (2020) as diffusers' class `UNet2DModel` has it: levels of residual blocks, some with
/// attention, down to a middle and up again, every level of the way up seeing what the way down left there. Names are
/// diffusers'.
struct UNet2D: NoiseNetwork {
  private let config: UNetConfig
  private let input: Convolution
  private let time: TimestepEmbedding
  private let classes: Tensor?
  private let down: [UNetLevelDown]
  private let up: [UNetLevelUp]
  private let middle: UNetMiddle
  private let outputNormalisation: GroupNormalisation
  private let output: Convolution

  init(_ builder: ModelBuilder, _ config: UNetConfig) throws(TensorError) {
    self.config = config
    let first = config.widths[0]
    let last = config.widths[config.widths.count - 1]
    input = try builder.plainConvolution(
      "conv_in", inputs: config.inChannels, outputs: first, kernel: 3, padding: 1)
    time = try TimestepEmbedding(
      builder, names: ("time_embedding.linear_1", "time_embedding.linear_2"),
      frequencies: try Self.frequencies(width: first, shift: config.frequencyShift), width: first,
      outputs: config.embeddingWidth, isCosineFirst: config.isCosineFirst)
    classes =
      config.conditions > 0
      ? try builder.normal("class_embedding.weight", [config.conditions, config.embeddingWidth]) : nil
    var down: [UNetLevelDown] = []
    for level in config.widths.indices { down.append(try UNetLevelDown(builder, config, level)) }
    self.down = down
    var up: [UNetLevelUp] = []
    for level in config.widths.indices { up.append(try UNetLevelUp(builder, config, level)) }
    self.up = up
    middle = try UNetMiddle(builder, config, width: last)
    outputNormalisation = try builder.groupNormalisation(
      "conv_norm_out", channels: first, groups: config.groups, epsilon: config.epsilon)
    output = try builder.plainConvolution(
      "conv_out", inputs: first, outputs: config.outChannels, kernel: 3, padding: 1)
  }

  /// 10000^(-j / (half − shift)) for j below half the width, rounded as diffusers rounds.
  private static func frequencies(width: Int, shift: Int) throws(TensorError) -> Tensor {
    let half = width / 2
    // The logarithm of 10 000, the longest period.
    let exponents = try Tensor.arange(half, dtype: .float32) * -9.210340371976184
    return try (exponents / Double(half - shift)).exp()
  }

  func callAsFunction(
    _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool
  ) throws(TensorError) -> Tensor {
    var embedding = try time(timesteps)
    if let classes {
      guard let conditions else { preconditionFailure("a network with conditions is called with some") }
      // -1, the null condition, adds nothing.
      let isKnown = try conditions.isAtLeast(0)
      let rows = try classes.embedding(try conditions * isKnown.to(.int64))
      embedding = try embedding + rows * isKnown.to(rows.dtype).unsqueeze(1)
    }
    embedding = try embedding.silu()
    var hidden = try input(config.centersInput ? try noisy * 2.0 - 1.0 : noisy)
    var skips = [hidden]
    for level in down { hidden = try level(hidden, embedding, &skips, training: training) }
    hidden = try middle(hidden, embedding, training: training)
    for level in up { hidden = try level(hidden, embedding, &skips, training: training) }
    return try output(try outputNormalisation.activated(hidden))
  }
}

extension Denoiser {
  /// A U-Net of diffusers' class `UNet2DModel`.
  ///
  /// First weights are PyTorch's defaults. The null condition -1 adds nothing where a class adds its embedding.
  ///
  /// - Parameter seed: what first weights are drawn from, on the CPU.
  package static func unet(
    _ config: UNetConfig, seed: UInt64, device: Device = .cpu, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> Denoiser {
    let builder = try ModelBuilder(
      seed: seed, dtype: dtype, device: device, channelsLast: channelsLast, normalised: [])
    let network = try UNet2D(builder, config)
    return Denoiser(
      "unet2d", builder, network, inputShape: [config.inChannels] + config.sampleSize, conditions: config.conditions,
      dtype: dtype, device: device, channelsLast: channelsLast)
  }
}
