import Tensors

/// Layers drawn by PyTorch's defaults: weight, then bias, of convolutions and linear layers uniform in ±1/√fan-in, where
/// fan-in is inputs · kernel area (Kaiming-uniform with a = √5); group normalisation 1 and 0; embeddings standard normal.
extension ModelBuilder {
  /// A convolution with bias.
  func plainConvolution(
    _ name: String, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0
  ) throws(TensorError) -> Convolution {
    let (weight, bias) = try uniform(name, [outputs, inputs, kernel, kernel])
    return Convolution(weight: weight, bias: bias, stride: stride, padding: padding)
  }

  /// A linear layer with bias whose weight is [outputs, inputs], or as a 1×1 convolution's [outputs, inputs, 1, 1].
  func plainLinear(
    _ name: String, inputs: Int, outputs: Int, asConvolution: Bool = false
  ) throws(TensorError) -> Linear {
    let (weight, bias) = try uniform(name, asConvolution ? [outputs, inputs, 1, 1] : [outputs, inputs])
    return Linear(weight: weight, bias: bias)
  }

  /// A group normalisation.
  func groupNormalisation(
    _ name: String, channels: Int, groups: Int, epsilon: Double
  ) throws(TensorError) -> GroupNormalisation {
    let weight = try add("\(name).weight", try Tensor.ones([channels]))
    let bias = try add("\(name).bias", try Tensor.zeros([channels]))
    return GroupNormalisation(weight: weight, bias: bias, groups: groups, epsilon: epsilon)
  }

  /// A standard normal parameter: a table of embeddings, say.
  func normal(_ name: String, _ shape: [Int]) throws(TensorError) -> Tensor {
    let drawn = try Tensor.empty(shape)
    try drawn.fillNormal(generator)
    return try add(name, drawn)
  }

  private func uniform(_ name: String, _ shape: [Int]) throws(TensorError) -> (weight: Tensor, bias: Tensor) {
    let bound = 1 / Double(shape.dropFirst().reduce(1, *)).squareRoot()
    let weight = try Tensor.empty(shape)
    try weight.fillUniform(from: -bound, to: bound, generator)
    let bias = try Tensor.empty([shape[0]])
    try bias.fillUniform(from: -bound, to: bound, generator)
    return (try add("\(name).weight", weight), try add("\(name).bias", bias))
  }
}
