import Tensors

/// ResNet-18 (He et al. 2016) with the stem for small images: a 3×3 convolution of stride 1, and no pooling before the
/// four stages. Names are torchvision's. With width 64, three channels and ten classes it has 11 173 962 parameters.
struct ResNet18: Network {
  private let stem: Convolution
  private let stemNormalisation: BatchNormalisation
  private let blocks: [BasicBlock]
  private let head: Linear

  /// Channels of every batch normalisation, in module order.
  static func normalised(width: Int) -> [Int] {
    [width] + (0..<4).flatMap { stage in [Int](repeating: width << stage, count: stage == 0 ? 4 : 5) }
  }

  init(_ builder: ModelBuilder, width: Int, channels: Int, classes: Int) throws(TensorError) {
    stem = try builder.convolution("conv1", inputs: channels, outputs: width, kernel: 3, padding: 1)
    stemNormalisation = try builder.batchNormalisation("bn1", channels: width)
    var blocks: [BasicBlock] = []
    var inputs = width
    for stage in 0..<4 {
      for index in 0..<2 {
        let outputs = width << stage
        blocks.append(
          try BasicBlock(
            builder, "layer\(stage + 1).\(index)", inputs: inputs, outputs: outputs,
            stride: stage > 0 && index == 0 ? 2 : 1))
        inputs = outputs
      }
    }
    self.blocks = blocks
    head = try builder.linear("fc", inputs: inputs, outputs: classes)
  }

  func features(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    var features = try stemNormalisation(try stem(images), training: training)
    try features.rectify()
    for block in blocks { features = try block(features, training: training) }
    return try features.adaptiveAveragePool2d(1, 1).flatten(from: 1)
  }

  func logits(_ features: Tensor) throws(TensorError) -> Tensor { try head(features) }
}

/// Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where the shape changes.
private struct BasicBlock {
  private let first: Convolution
  private let firstNormalisation: BatchNormalisation
  private let second: Convolution
  private let secondNormalisation: BatchNormalisation
  private let shortcut: (convolution: Convolution, normalisation: BatchNormalisation)?

  init(
    _ builder: ModelBuilder, _ name: String, inputs: Int, outputs: Int, stride: Int
  ) throws(TensorError) {
    first = try builder.convolution(
      "\(name).conv1", inputs: inputs, outputs: outputs, kernel: 3, stride: stride, padding: 1)
    firstNormalisation = try builder.batchNormalisation("\(name).bn1", channels: outputs)
    second = try builder.convolution("\(name).conv2", inputs: outputs, outputs: outputs, kernel: 3, padding: 1)
    secondNormalisation = try builder.batchNormalisation("\(name).bn2", channels: outputs)
    guard stride != 1 || inputs != outputs else {
      shortcut = nil
      return
    }
    shortcut = (
      try builder.convolution("\(name).downsample.0", inputs: inputs, outputs: outputs, kernel: 1, stride: stride),
      try builder.batchNormalisation("\(name).downsample.1", channels: outputs)
    )
  }

  func callAsFunction(_ input: Tensor, training: Bool) throws(TensorError) -> Tensor {
    let middle = try firstNormalisation(try first(input), training: training)
    try middle.rectify()
    let output = try secondNormalisation(try second(middle), training: training)
    if let shortcut {
      try output.add(try shortcut.normalisation(try shortcut.convolution(input), training: training))
    } else {
      try output.add(input)
    }
    try output.rectify()
    return output
  }
}
