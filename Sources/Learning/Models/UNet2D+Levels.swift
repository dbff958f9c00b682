import Tensors

/// One level of the way down: residual blocks, each with attention where the level attends; then half the size.
struct UNetLevelDown {
  private let attentions: [AttentionBlock]
  private let blocks: [ResidualBlock]
  private let halving: Halving?

  init(_ builder: ModelBuilder, _ config: UNetConfig, _ level: Int) throws(TensorError) {
    let name = "down_blocks.\(level)"
    let width = config.widths[level]
    attentions = try config.attentions(
      builder, name, width: width, count: config.downAttention[level] ? config.layers : 0)
    var blocks: [ResidualBlock] = []
    for index in 0..<config.layers {
      blocks.append(
        try ResidualBlock(
          builder, "\(name).resnets.\(index)", config.blockStyle,
          inputs: index == 0 ? config.widths[max(level - 1, 0)] : width, outputs: width))
    }
    self.blocks = blocks
    halving =
      level + 1 == config.widths.count
      ? nil
      : try Halving(
        builder, "\(name).downsamplers.0.conv", channels: width, isLopsided: config.downsamplePadding == 0)
  }

  func callAsFunction(
    _ input: Tensor, _ embedding: Tensor, _ skips: inout [Tensor], training: Bool
  ) throws(TensorError) -> Tensor {
    var hidden = input
    for (index, block) in blocks.enumerated() {
      hidden = try block(hidden, embedding, training: training)
      if !attentions.isEmpty { hidden = try attentions[index](hidden) }
      skips.append(hidden)
    }
    if let halving {
      hidden = try halving(hidden)
      skips.append(hidden)
    }
    return hidden
  }
}

/// One level of the way up, counted from the coarsest: residual blocks that see what the way down left; then twice the
/// size.
struct UNetLevelUp {
  private let attentions: [AttentionBlock]
  private let blocks: [ResidualBlock]
  private let doubling: Doubling?

  init(_ builder: ModelBuilder, _ config: UNetConfig, _ level: Int) throws(TensorError) {
    let name = "up_blocks.\(level)"
    let widths = Array(config.widths.reversed())
    let width = widths[level]
    let count = config.layers + 1
    attentions = try config.attentions(builder, name, width: width, count: config.upAttention[level] ? count : 0)
    var blocks: [ResidualBlock] = []
    for index in 0..<count {
      let below = index == 0 ? widths[max(level - 1, 0)] : width
      // The last one sees what the level above passed down.
      let skipped = index + 1 == count ? widths[min(level + 1, widths.count - 1)] : width
      blocks.append(
        try ResidualBlock(
          builder, "\(name).resnets.\(index)", config.blockStyle, inputs: below + skipped, outputs: width))
    }
    self.blocks = blocks
    doubling =
      level + 1 == widths.count ? nil : try Doubling(builder, "\(name).upsamplers.0.conv", channels: width)
  }

  func callAsFunction(
    _ input: Tensor, _ embedding: Tensor, _ skips: inout [Tensor], training: Bool
  ) throws(TensorError) -> Tensor {
    var hidden = input
    for (index, block) in blocks.enumerated() {
      hidden = try block(try Tensor.cat([hidden, skips.removeLast()], along: 1), embedding, training: training)
      if !attentions.isEmpty { hidden = try attentions[index](hidden) }
    }
    return try doubling?(hidden) ?? hidden
  }
}

/// The middle: two residual blocks, with attention between where the middle attends.
struct UNetMiddle {
  private let attention: AttentionBlock?
  private let first: ResidualBlock
  private let second: ResidualBlock

  init(_ builder: ModelBuilder, _ config: UNetConfig, width: Int) throws(TensorError) {
    func block(_ index: Int) throws(TensorError) -> ResidualBlock {
      try ResidualBlock(
        builder, "mid_block.resnets.\(index)", config.blockStyle, inputs: width, outputs: width,
        scale: config.midScale)
    }
    attention = try config.attentions(
      builder, "mid_block", width: width, count: config.midAttention ? 1 : 0, scale: config.midScale
    ).first
    first = try block(0)
    second = try block(1)
  }

  func callAsFunction(_ input: Tensor, _ embedding: Tensor, training: Bool) throws(TensorError) -> Tensor {
    let hidden = try first(input, embedding, training: training)
    return try second(try attention?(hidden) ?? hidden, embedding, training: training)
  }
}

extension UNetConfig {
  fileprivate var blockStyle: ResidualBlock.Style {
    ResidualBlock.Style(
      projection: "time_emb_proj", shortcut: "conv_shortcut", embedding: embeddingWidth, groups: groups,
      epsilon: epsilon, dropout: dropout)
  }

  fileprivate func attentions(
    _ builder: ModelBuilder, _ name: String, width: Int, count: Int, scale: Double = 1
  ) throws(TensorError) -> [AttentionBlock] {
    let style = AttentionBlock.Style(
      normalisation: "group_norm", layers: ("to_q", "to_k", "to_v", "to_out.0"), asConvolution: false, groups: groups,
      epsilon: epsilon)
    var blocks: [AttentionBlock] = []
    for index in 0..<count {
      blocks.append(
        try AttentionBlock(
          builder, "\(name).attentions.\(index)", style, channels: width, heads: width / (headDim ?? width),
          scale: scale))
    }
    return blocks
  }
}
