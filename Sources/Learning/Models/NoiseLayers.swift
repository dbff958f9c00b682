import Tensors

/// Group normalisation over channels (Wu & He 2018).
struct GroupNormalisation {
  let weight: Tensor
  let bias: Tensor
  let groups: Int
  let epsilon: Double

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor {
    try input.groupNorm(groups, weight: weight, bias: bias, epsilon: epsilon)
  }

  /// Normalised, then x / (1 + e⁻ˣ).
  func activated(_ input: Tensor) throws(TensorError) -> Tensor {
    let normalised = try self(input)
    // Its gradient needs what goes into SiLU; without one the same memory serves twice.
    guard !GradientMode.isOn else { return try normalised.silu() }
    try normalised.siluInPlace()
    return normalised
  }
}

/// Sines and cosines of a timestep times falling frequencies, then two linear layers with SiLU between.
struct TimestepEmbedding {
  /// Float32 [width / 2].
  private let frequencies: Tensor
  private let width: Int
  private let isCosineFirst: Bool
  private let first: Linear
  private let second: Linear

  /// - Parameters:
  ///   - frequencies: float32 [width / 2], on the CPU.
  ///   - names: of the two linear layers.
  init(
    _ builder: ModelBuilder, names: (String, String), frequencies: Tensor, width: Int, outputs: Int,
    isCosineFirst: Bool
  ) throws(TensorError) {
    self.frequencies = try frequencies.to(builder.device)
    self.width = width
    self.isCosineFirst = isCosineFirst
    first = try builder.plainLinear(names.0, inputs: width, outputs: outputs)
    second = try builder.plainLinear(names.1, inputs: outputs, outputs: outputs)
  }

  func callAsFunction(_ timesteps: Tensor) throws(TensorError) -> Tensor {
    let angles = try timesteps.to(.float32).unsqueeze(1) * frequencies
    let (sines, cosines) = (try angles.sine(), try angles.cosine())
    var waves = try Tensor.cat(isCosineFirst ? [cosines, sines] : [sines, cosines], along: 1)
    if width % 2 == 1 { waves = try waves.pad([0, 1]) }
    return try second(try first(try waves.to(first.weight.dtype)).silu())
  }
}

/// Two 3×3 convolutions beside a shortcut, with a shift by what is known of the image added between them.
struct ResidualBlock {
  private let firstNormalisation: GroupNormalisation
  private let first: Convolution
  private let projection: Linear
  private let secondNormalisation: GroupNormalisation
  private let second: Convolution
  private let shortcut: Convolution?
  private let dropout: Double
  private let scale: Double

  /// What differs between published layouts.
  struct Style {
    /// Name of the layer that shifts by the embedding.
    let projection: String
    /// Name of the 1×1 convolution where the number of channels changes.
    let shortcut: String
    /// The embedding's width.
    let embedding: Int
    let groups: Int
    let epsilon: Double
    let dropout: Double
  }

  init(
    _ builder: ModelBuilder, _ name: String, _ style: Style, inputs: Int, outputs: Int, scale: Double = 1
  ) throws(TensorError) {
    firstNormalisation = try builder.groupNormalisation(
      "\(name).norm1", channels: inputs, groups: style.groups, epsilon: style.epsilon)
    first = try builder.plainConvolution("\(name).conv1", inputs: inputs, outputs: outputs, kernel: 3, padding: 1)
    projection = try builder.plainLinear("\(name).\(style.projection)", inputs: style.embedding, outputs: outputs)
    secondNormalisation = try builder.groupNormalisation(
      "\(name).norm2", channels: outputs, groups: style.groups, epsilon: style.epsilon)
    second = try builder.plainConvolution("\(name).conv2", inputs: outputs, outputs: outputs, kernel: 3, padding: 1)
    shortcut =
      inputs == outputs
      ? nil : try builder.plainConvolution("\(name).\(style.shortcut)", inputs: inputs, outputs: outputs, kernel: 1)
    dropout = style.dropout
    self.scale = scale
  }

  /// - Parameter embedding: what is known of the image, after its SiLU, [N, width].
  func callAsFunction(_ input: Tensor, _ embedding: Tensor, training: Bool) throws(TensorError) -> Tensor {
    let middle = try first(try firstNormalisation.activated(input))
    try middle.add(try projection(embedding).unsqueeze(-1).unsqueeze(-1))
    var features = try secondNormalisation.activated(middle)
    if training, dropout > 0 { features = try features.dropout(dropout, training: true) }
    let output = try second(features)
    try output.add(try shortcut?(input) ?? input)
    return scale == 1 ? output : try output / scale
  }
}

/// Each pixel takes from all pixels of its image what it attends to (Vaswani et al. 2017), beside a shortcut.
struct AttentionBlock {
  private let normalisation: GroupNormalisation
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let heads: Int
  private let scale: Double

  /// Names within the block, and whether the weights of its layers have the shape of 1×1 convolutions.
  struct Style {
    let normalisation: String
    /// Of queries, keys, values and the output.
    let layers: (String, String, String, String)
    let asConvolution: Bool
    let groups: Int
    let epsilon: Double
  }

  init(
    _ builder: ModelBuilder, _ name: String, _ style: Style, channels: Int, heads: Int, scale: Double = 1
  ) throws(TensorError) {
    func layer(_ part: String) throws(TensorError) -> Linear {
      try builder.plainLinear(
        "\(name).\(part)", inputs: channels, outputs: channels, asConvolution: style.asConvolution)
    }
    normalisation = try builder.groupNormalisation(
      "\(name).\(style.normalisation)", channels: channels, groups: style.groups, epsilon: style.epsilon)
    query = try layer(style.layers.0)
    key = try layer(style.layers.1)
    value = try layer(style.layers.2)
    output = try layer(style.layers.3)
    self.heads = heads
    self.scale = scale
  }

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor {
    let shape = input.shape
    let pixels = try normalisation(input).flatten(from: 2).transpose(1, 2).contiguous()
    func split(_ layer: Linear) throws(TensorError) -> Tensor {
      try project(pixels, layer).view([shape[0], -1, heads, shape[1] / heads]).transpose(1, 2)
    }
    let attended = try split(query).attention(keys: try split(key), values: try split(value))
    let joined = try project(try attended.transpose(1, 2).flatten(from: 2), output)
    let sum = try input + joined.transpose(1, 2).reshape(shape)
    return scale == 1 ? sum : try sum / scale
  }

  private func project(_ pixels: Tensor, _ layer: Linear) throws(TensorError) -> Tensor {
    let weight = layer.weight
    return try pixels.linear(weight.rank == 4 ? weight.flatten(from: 1) : weight, bias: layer.bias)
  }
}

/// Half the height and width, by a convolution of stride 2.
struct Halving {
  private let convolution: Convolution
  /// Whether zeros are added below and to the right only.
  private let isLopsided: Bool

  init(_ builder: ModelBuilder, _ name: String, channels: Int, isLopsided: Bool) throws(TensorError) {
    self.isLopsided = isLopsided
    convolution = try builder.plainConvolution(
      name, inputs: channels, outputs: channels, kernel: 3, stride: 2, padding: isLopsided ? 0 : 1)
  }

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor {
    try convolution(isLopsided ? try input.pad([0, 1, 0, 1]) : input)
  }
}

/// Twice the height and width: each pixel four times, then a convolution.
struct Doubling {
  private let convolution: Convolution

  init(_ builder: ModelBuilder, _ name: String, channels: Int) throws(TensorError) {
    convolution = try builder.plainConvolution(name, inputs: channels, outputs: channels, kernel: 3, padding: 1)
  }

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor {
    try convolution(try input.upsampleNearest2d(2))
  }
}
