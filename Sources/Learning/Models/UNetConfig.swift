/// What a U-Net of diffusers' class `UNet2DModel` looks like; the names of its keys are in ``key`` comments.
package struct UNetConfig: Sendable, Equatable {
  /// Channels of an image; `in_channels`.
  package let inChannels: Int
  /// Channels of what is predicted; `out_channels`.
  package let outChannels: Int
  /// Height and width of an image; `sample_size`.
  package let sampleSize: [Int]
  /// Channels of each level, the finest first; `block_out_channels`.
  package let widths: [Int]
  /// Residual blocks of a level on the way down; on the way up there is one more; `layers_per_block`.
  package let layers: Int
  /// Whether each level attends on the way down, the finest first; `down_block_types`.
  package let downAttention: [Bool]
  /// Whether each level attends on the way up, the coarsest first; `up_block_types`.
  package let upAttention: [Bool]
  /// Whether the middle attends; `add_attention`.
  package let midAttention: Bool
  /// Channels of an attention head; nil for one head that has all; `attention_head_dim`.
  package let headDim: Int?
  /// Groups of every group normalisation; `norm_num_groups`.
  package let groups: Int
  /// What group normalisation adds to a variance; `norm_eps`.
  package let epsilon: Double
  /// The share of features that is dropped in training; `dropout`.
  package let dropout: Double
  /// 1, or 0 for zeros below and to the right only; `downsample_padding`.
  package let downsamplePadding: Int
  /// Whether cosines come before sines in the embedding of a timestep; `flip_sin_to_cos`.
  package let isCosineFirst: Bool
  /// What is taken off the count of frequencies between which they fall; `freq_shift`.
  package let frequencyShift: Int
  /// Whether images come in [0, 1] and are moved to [-1, 1]; `center_input_sample`.
  package let centersInput: Bool
  /// What sums in the middle are divided by; `mid_block_scale_factor`.
  package let midScale: Double
  /// How many classes it is conditioned on, 0 for none; `num_class_embeds`.
  package let conditions: Int
  /// The config.json that says so: as it was read, with unknown keys and their order, or written in diffusers' way.
  package let json: String

  /// The width of what residual blocks are told of timestep and class.
  var embeddingWidth: Int { 4 * widths[0] }

  /// A U-Net of our own; whatever is not asked for is as diffusers has it when nothing is said.
  ///
  /// - Parameters:
  ///   - outChannels: as many as go in unless given.
  ///   - sampleSize: height and width of an image.
  ///   - widths: channels of each level, the finest first.
  ///   - layers: residual blocks of a level on the way down.
  ///   - attention: whether each level attends, both ways, the finest first.
  ///   - midAttention: whether the middle attends.
  ///   - headDim: channels of an attention head; nil for one head.
  ///   - conditions: how many classes it is conditioned on, 0 for none.
  /// - Throws: `LearningError.modelConfig` where these do not fit each other.
  package init(
    inChannels: Int, outChannels: Int? = nil, sampleSize: Int, widths: [Int], layers: Int, attention: [Bool],
    midAttention: Bool = true, headDim: Int? = 8, groups: Int = 32, dropout: Double = 0, conditions: Int = 0
  ) throws(LearningError) {
    precondition(attention.count == widths.count, "a U-Net says for each level whether it attends")
    func names(_ attention: [Bool], _ way: String) -> String {
      "[\n" + attention.map { "    \"\($0 ? "Attn" : "")\(way)Block2D\"" }.joined(separator: ",\n") + "\n  ]"
    }
    let members: [(String, String)] = [
      ("_class_name", "\"UNet2DModel\""), ("_diffusers_version", "\"0.35.2\""), ("act_fn", "\"silu\""),
      ("add_attention", "\(midAttention)"), ("attention_head_dim", headDim.map(String.init) ?? "null"),
      ("attn_norm_num_groups", "null"),
      ("block_out_channels", "[\n" + widths.map { "    \($0)" }.joined(separator: ",\n") + "\n  ]"),
      ("center_input_sample", "false"), ("class_embed_type", "null"),
      ("down_block_types", names(attention, "Down")), ("downsample_padding", "1"), ("downsample_type", "\"conv\""),
      ("dropout", "\(dropout)"), ("flip_sin_to_cos", "true"), ("freq_shift", "0"), ("in_channels", "\(inChannels)"),
      ("layers_per_block", "\(layers)"), ("mid_block_scale_factor", "1"), ("mid_block_type", "\"UNetMidBlock2D\""),
      ("norm_eps", "1e-05"), ("norm_num_groups", "\(groups)"),
      ("num_class_embeds", conditions > 0 ? "\(conditions)" : "null"), ("num_train_timesteps", "null"),
      ("out_channels", "\(outChannels ?? inChannels)"), ("resnet_time_scale_shift", "\"default\""),
      ("sample_size", "\(sampleSize)"), ("time_embedding_dim", "null"), ("time_embedding_type", "\"positional\""),
      ("up_block_types", names(attention.reversed(), "Up")), ("upsample_type", "\"conv\""),
    ]
    let text = "{\n" + members.map { "  \"\($0)\": \($1)" }.joined(separator: ",\n") + "\n}\n"
    try self.init(json: text, from: "the U-Net's settings")
  }

  /// Reads a config.json, in which keys that are not there have diffusers' defaults.
  ///
  /// - Parameter source: what messages call the place that it comes from.
  /// - Throws: `LearningError.modelConfig` for a value that this network does not have, and where values do not fit each
  ///   other; `LearningError.notJSON`.
  package init(json: String, from source: String = "config.json") throws(LearningError) {
    let reader = try ConfigReader(json, source)
    try reader.expect("_class_name", in: ["UNet2DModel"], default: "UNet2DModel")
    for (key, value) in [
      ("act_fn", "silu"), ("time_embedding_type", "positional"), ("downsample_type", "conv"), ("upsample_type", "conv"),
      ("resnet_time_scale_shift", "default"), ("mid_block_type", "UNetMidBlock2D"),
    ] {
      // "swish" is an older name of SiLU.
      try reader.expect(key, in: key == "act_fn" ? [value, "swish"] : [value], default: value)
    }
    try reader.expectNull("class_embed_type", "null, with num_class_embeds for conditions")
    self.json = json
    inChannels = try reader.whole("in_channels", from: 1, default: 3)
    outChannels = try reader.whole("out_channels", from: 1, default: 3)
    widths = try reader.wholes("block_out_channels", from: 1, default: [224, 448, 672, 896])
    layers = try reader.whole("layers_per_block", from: 1, default: 2)
    midAttention = try reader.bool("add_attention", default: true)
    headDim = try reader.optionalWhole("attention_head_dim", from: 1, default: 8)
    groups = try reader.whole("norm_num_groups", from: 1, default: 32)
    epsilon = try reader.number("norm_eps", above: 0, default: 1e-5)
    dropout = try reader.number("dropout", from: 0, below: 1, default: 0)
    downsamplePadding = try reader.whole("downsample_padding", from: 0, to: 1, default: 1)
    isCosineFirst = try reader.bool("flip_sin_to_cos", default: true)
    frequencyShift = try reader.whole("freq_shift", from: 0, default: 0)
    centersInput = try reader.bool("center_input_sample", default: false)
    midScale = try reader.number("mid_block_scale_factor", above: 0, default: 1)
    conditions = try reader.optionalWhole("num_class_embeds", from: 1, default: nil) ?? 0
    sampleSize = try reader.size("sample_size")
    downAttention = try reader.attention(
      "down_block_types", "Down", widths.count, default: [false, true, true, true])
    upAttention = try reader.attention("up_block_types", "Up", widths.count, default: [true, true, true, false])
    try check(reader)
  }

  /// What no key says alone.
  private func check(_ reader: ConfigReader) throws(LearningError) {
    if let width = try reader.optionalWhole("time_embedding_dim", from: 1, default: nil), width != embeddingWidth {
      throw reader.refusal("time_embedding_dim", "null or \(embeddingWidth), four times the first width")
    }
    if let own = try reader.optionalWhole("attn_norm_num_groups", from: 1, default: nil), own != groups {
      throw reader.refusal("attn_norm_num_groups", "null or \(groups), as norm_num_groups is")
    }
    guard widths.allSatisfy({ $0.isMultiple(of: groups) }) else {
      throw reader.refusal(
        "block_out_channels",
        "multiples of the \(groups) groups of norm_num_groups, or fewer groups")
    }
    guard widths[0] / 2 > frequencyShift else {
      throw reader.refusal("freq_shift", "less than half the first width, which is \(widths[0])")
    }
    let attending =
      zip(widths, downAttention).filter(\.1).map(\.0) + zip(widths.reversed(), upAttention).filter(\.1).map(\.0)
      + (midAttention ? widths.suffix(1) : [])
    if let headDim, let width = attending.first(where: { !$0.isMultiple(of: headDim) }) {
      throw reader.refusal("attention_head_dim", "a divisor of the \(width) channels that attend")
    }
    let multiple = 1 << (widths.count - 1)
    guard sampleSize.allSatisfy({ $0.isMultiple(of: multiple) }) else {
      throw reader.refusal(
        "sample_size", "multiples of \(multiple), as \(widths.count - 1) halvings of the image need")
    }
  }
}
