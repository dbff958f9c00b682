import Tensors

/// Blocks of 3×3 convolution, batch normalisation, ReLU and 2×2 pooling, then a linear layer.
struct SmallCNN: Network {
  private let blocks: [(convolution: Convolution, normalisation: BatchNormalisation)]
  private let head: Linear

  /// - Parameter inputShape: channels, height and width of an image, each side at least 2 to the number of blocks.
  init(_ builder: ModelBuilder, channels: [Int], inputShape: [Int], classes: Int) throws(TensorError) {
    var blocks: [(Convolution, BatchNormalisation)] = []
    var (inputs, height, width) = (inputShape[0], inputShape[1], inputShape[2])
    for (index, outputs) in channels.enumerated() {
      blocks.append(
        (
          try builder.convolution("block\(index + 1).conv", inputs: inputs, outputs: outputs, kernel: 3, padding: 1),
          try builder.batchNormalisation("block\(index + 1).bn", channels: outputs)
        ))
      (inputs, height, width) = (outputs, height / 2, width / 2)
    }
    self.blocks = blocks
    head = try builder.linear("fc", inputs: inputs * height * width, outputs: classes)
  }

  func features(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    var features = images
    for block in blocks {
      features = try block.normalisation(try block.convolution(features), training: training)
      try features.rectify()
      features = try features.maxPool2d(2)
    }
    return try features.flatten(from: 1)
  }

  func logits(_ features: Tensor) throws(TensorError) -> Tensor { try head(features) }
}
