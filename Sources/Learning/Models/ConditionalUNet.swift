package import Tensors

/// The class-conditional U-Net that unlearning papers train on CIFAR-10 and STL-10 (Heng & Soh: Selective amnesia; 2023):
/// the network of Ho, Jain and Abbeel (2020), told of a class beside the timestep. Group normalisation has 32 groups.
package struct ConditionalUNetConfig: Sendable, Equatable {
  /// Channels of an image.
  package let channels: Int
  /// Height and width of an image.
  package let size: Int
  /// Channels of the finest level.
  package let width: Int
  /// Channels of each level as multiples of the width, the finest first.
  package let multipliers: [Int]
  /// Residual blocks of a level on the way down; on the way up there is one more.
  package let layers: Int
  /// Heights at which levels attend; the middle always does.
  package let attending: [Int]
  /// The share of features that is dropped in training.
  package let dropout: Double
  /// How many classes there are, beside the null condition.
  package let classes: Int

  /// With three channels and ten classes it has 38 632 323 parameters at 32 pixels, and 83 159 683 at 64 with multipliers
  /// 1, 2, 2, 2, 4.
  ///
  /// - Throws: `LearningError.modelConfig` where these do not fit each other.
  package init(
    channels: Int = 3, size: Int = 32, width: Int = 128, multipliers: [Int] = [1, 2, 2, 2], layers: Int = 2,
    attending: [Int] = [16], dropout: Double = 0.1, classes: Int
  ) throws(LearningError) {
    precondition(!multipliers.isEmpty && layers > 0 && classes > 0 && channels > 0, "a network has levels and classes")
    func refusal(_ key: String, _ value: some CustomStringConvertible, _ expected: String) -> LearningError {
      .modelConfig(path: "the conditional U-Net's settings", key: key, value: "\(value)", expected: expected)
    }
    guard width > 0, width.isMultiple(of: Self.groups) else {
      throw refusal("width", width, "a multiple of the \(Self.groups) groups of its group normalisation")
    }
    let multiple = 1 << (multipliers.count - 1)
    guard size > 0, size.isMultiple(of: multiple) else {
      throw refusal("size", size, "a multiple of \(multiple), as \(multipliers.count - 1) halvings of the image need")
    }
    guard (0..<1).contains(dropout) else { throw refusal("dropout", dropout, "a number from 0 and below 1") }
    self.channels = channels
    self.size = size
    self.width = width
    self.multipliers = multipliers
    self.layers = layers
    self.attending = attending
    self.dropout = dropout
    self.classes = classes
  }

  static let groups = 32
  static let epsilon = 1e-6

  var blockStyle: ResidualBlock.Style {
    ResidualBlock.Style(
      projection: "temb_cemb_proj", shortcut: "nin_shortcut", embedding: 8 * width, groups: Self.groups,
      epsilon: Self.epsilon, dropout: dropout)
  }

  func attention(_ builder: ModelBuilder, _ name: String, _ channels: Int) throws(TensorError) -> AttentionBlock {
    let style = AttentionBlock.Style(
      normalisation: "norm", layers: ("q", "k", "v", "proj_out"), asConvolution: true, groups: Self.groups,
      epsilon: Self.epsilon)
    return try AttentionBlock(builder, name, style, channels: channels, heads: 1)
  }
}

/// The network of `ConditionalUNetConfig`. Names are those of the public code.
struct ConditionalUNet: NoiseNetwork {
  private struct Level {
    var blocks: [ResidualBlock] = []
    var attentions: [AttentionBlock] = []
    var halving: Halving?
    var doubling: Doubling?
  }

  private let null: Tensor
  private let time: TimestepEmbedding
  private let table: Tensor
  private let classes: (first: Linear, second: Linear)
  private let input: Convolution
  private let down: [Level]
  private let middle: (first: ResidualBlock, attention: AttentionBlock, second: ResidualBlock)
  /// The finest first, as in the names; run from the back.
  private let up: [Level]
  private let outputNormalisation: GroupNormalisation
  private let output: Convolution

  init(_ builder: ModelBuilder, _ config: ConditionalUNetConfig) throws(TensorError) {
    let width = config.width
    null = try builder.normal("null_classes_emb", [width])
    time = try TimestepEmbedding(
      builder, names: ("temb.dense.0", "temb.dense.1"), frequencies: try Self.frequencies(width: width), width: width,
      outputs: 4 * width, isCosineFirst: false)
    table = try builder.normal("classes_emb.weight", [config.classes, width])
    classes = (
      try builder.plainLinear("cemb.dense.0", inputs: width, outputs: 4 * width),
      try builder.plainLinear("cemb.dense.1", inputs: 4 * width, outputs: 4 * width)
    )
    input = try builder.plainConvolution("conv_in", inputs: config.channels, outputs: width, kernel: 3, padding: 1)
    let widths = config.multipliers.map { $0 * width }
    var channels = width
    down = try widths.indices.map { (index) throws(TensorError) in
      var level = Level()
      let name = "down.\(index)"
      for block in 0..<config.layers {
        level.blocks.append(
          try ResidualBlock(
            builder, "\(name).block.\(block)", config.blockStyle, inputs: channels, outputs: widths[index]))
        channels = widths[index]
      }
      if config.attending.contains(config.size >> index) {
        for block in 0..<config.layers {
          level.attentions.append(try config.attention(builder, "\(name).attn.\(block)", channels))
        }
      }
      if index + 1 < widths.count {
        level.halving = try Halving(builder, "\(name).downsample.conv", channels: channels, isLopsided: true)
      }
      return level
    }
    middle = (
      try ResidualBlock(builder, "mid.block_1", config.blockStyle, inputs: channels, outputs: channels),
      try config.attention(builder, "mid.attn_1", channels),
      try ResidualBlock(builder, "mid.block_2", config.blockStyle, inputs: channels, outputs: channels)
    )
    up = try widths.indices.map { (index) throws(TensorError) in
      var level = Level()
      let name = "up.\(index)"
      var below = index + 1 < widths.count ? widths[index + 1] : channels
      let left = Self.skips(of: index, config, widths)
      for block in 0...config.layers {
        level.blocks.append(
          try ResidualBlock(
            builder, "\(name).block.\(block)", config.blockStyle, inputs: below + left[block], outputs: widths[index]))
        below = widths[index]
      }
      if config.attending.contains(config.size >> index) {
        for block in 0...config.layers {
          level.attentions.append(try config.attention(builder, "\(name).attn.\(block)", below))
        }
      }
      if index > 0 { level.doubling = try Doubling(builder, "\(name).upsample.conv", channels: below) }
      return level
    }
    outputNormalisation = try builder.groupNormalisation(
      "norm_out", channels: widths[0], groups: ConditionalUNetConfig.groups, epsilon: ConditionalUNetConfig.epsilon)
    output = try builder.plainConvolution(
      "conv_out", inputs: widths[0], outputs: config.channels, kernel: 3, padding: 1)
  }

  /// Channels that the blocks of a level of the way up find, in their order: its own, then what came into the level.
  private static func skips(of level: Int, _ config: ConditionalUNetConfig, _ widths: [Int]) -> [Int] {
    [Int](repeating: widths[level], count: config.layers) + [level > 0 ? widths[level - 1] : config.width]
  }

  private static func frequencies(width: Int) throws(TensorError) -> Tensor {
    let half = width / 2
    // The logarithm of 10 000, the longest period.
    return try (Tensor.arange(half, dtype: .float32) * -(9.210340371976184 / Double(half - 1))).exp()
  }

  func callAsFunction(
    _ noisy: Tensor, timesteps: Tensor, conditions: Tensor?, training: Bool
  ) throws(TensorError) -> Tensor {
    guard let conditions else { preconditionFailure("a network with conditions is called with some") }
    let isKnown = try conditions.isAtLeast(0)
    let rows = try isKnown.unsqueeze(1).select(try table.embedding(try conditions * isKnown.to(.int64)), null)
    let classEmbedding = try classes.second(try classes.first(rows).silu())
    let embedding = try Tensor.cat([try time(timesteps), classEmbedding], along: 1).silu()
    var hidden = try input(noisy)
    var skips = [hidden]
    for level in down {
      for (index, block) in level.blocks.enumerated() {
        hidden = try block(hidden, embedding, training: training)
        if !level.attentions.isEmpty { hidden = try level.attentions[index](hidden) }
        skips.append(hidden)
      }
      if let halving = level.halving {
        hidden = try halving(hidden)
        skips.append(hidden)
      }
    }
    hidden = try middle.attention(try middle.first(hidden, embedding, training: training))
    hidden = try middle.second(hidden, embedding, training: training)
    for level in up.reversed() {
      for (index, block) in level.blocks.enumerated() {
        hidden = try block(try Tensor.cat([hidden, skips.removeLast()], along: 1), embedding, training: training)
        if !level.attentions.isEmpty { hidden = try level.attentions[index](hidden) }
      }
      hidden = try level.doubling?(hidden) ?? hidden
    }
    return try output(try outputNormalisation.activated(hidden))
  }
}

extension Denoiser {
  /// The class-conditional U-Net of unlearning papers; condition -1 is the null condition, which has a vector of its own.
  ///
  /// First weights are PyTorch's defaults.
  ///
  /// - Parameter seed: what first weights are drawn from, on the CPU.
  package static func conditionalUNet(
    _ config: ConditionalUNetConfig, seed: UInt64, device: Device = .cpu, channelsLast: Bool = false,
    dtype: DType = .float32
  ) throws -> Denoiser {
    let builder = try ModelBuilder(
      seed: seed, dtype: dtype, device: device, channelsLast: channelsLast, normalised: [])
    let network = try ConditionalUNet(builder, config)
    return Denoiser(
      "conditional-unet", builder, network, inputShape: [config.channels, config.size, config.size],
      conditions: config.classes, dtype: dtype, device: device, channelsLast: channelsLast)
  }
}
