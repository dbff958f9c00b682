import Tensors

/// A convolution, mostly without bias: a batch normalisation follows, which has one.
struct Convolution {
  let weight: Tensor
  let bias: Tensor?
  let stride: Int
  let padding: Int
  /// Whether what the stride leaves out is taken away before and not by the convolution.
  private let thinsBefore: Bool

  /// A convolution of `weight`, [outputs, inputs, kernel, kernel].
  init(weight: Tensor, bias: Tensor?, stride: Int, padding: Int) {
    (self.weight, self.bias, self.stride, self.padding) = (weight, bias, stride, padding)
    let shape = weight.shape
    // In channels-last memory the gradient of such a weight is computed by a kernel of oneDNN that on processors with AVX2 and
    // no AVX-512 writes beyond its end where there are fewer than eight inputs (LibTorch 2.11.0).
    thinsBefore = shape[2] == 1 && shape[3] == 1 && padding == 0 && stride > 1 && shape[1] < 8
  }

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor {
    guard thinsBefore else { return try input.conv2d(weight, bias: bias, stride: stride, padding: padding) }
    return try input.maxPool2d(1, stride: stride).conv2d(weight, bias: bias)
  }
}

/// Batch normalisation with PyTorch's constants: momentum 0.1, epsilon 1e-5.
struct BatchNormalisation {
  let weight: Tensor
  let bias: Tensor
  /// Views of the model's flat statistics.
  let runningMean: Tensor
  let runningVariance: Tensor

  func callAsFunction(_ input: Tensor, training: Bool) throws(TensorError) -> Tensor {
    try input.batchNorm(
      weight: weight, bias: bias, runningMean: runningMean, runningVariance: runningVariance, training: training)
  }
}

/// A linear layer with bias.
struct Linear {
  let weight: Tensor
  let bias: Tensor

  func callAsFunction(_ input: Tensor) throws(TensorError) -> Tensor { try input.linear(weight, bias: bias) }
}

/// What a classifier computes from normalised images.
protocol Network {
  /// What the last linear layer sees [N, k] of images [N, C, H, W].
  func features(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor
  /// Logits [N, classes] of features [N, k].
  func logits(_ features: Tensor) throws(TensorError) -> Tensor
}

extension Network {
  /// Logits [N, classes] of images [N, C, H, W].
  func callAsFunction(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    try logits(try features(images, training: training))
  }
}
