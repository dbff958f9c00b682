/// How a loss over a batch becomes one number; the numbers are LibTorch's.
package enum LossReduction: Int, Sendable {
  case none = 0
  case mean = 1
  case sum = 2
}

extension Tensor {
  /// A convolution of images [N, C, H, W] with a kernel [O, C, h, w].
  package func conv2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0
  ) throws(TensorError) -> Tensor {
    try Self.operators().conv2d.tensor(
      .tensor(self), .tensor(weight), .optional(bias), .ints([stride, stride]), .ints([padding, padding]))
  }

  /// Batch normalisation over channels. When `training`, the batch's statistics are used and the running ones move by
  /// `momentum`; else the running ones are used.
  package func batchNorm(
    weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
    momentum: Double = 0.1, epsilon: Double = 1e-5
  ) throws(TensorError) -> Tensor {
    try Self.operators().batchNorm.tensor(
      .tensor(self), .optional(weight), .optional(bias), .optional(runningMean), .optional(runningVariance),
      .bool(training), .float(momentum), .float(epsilon), .bool(true))
  }

  /// Each image shifted and scaled so that `groups` groups of its channels have mean 0 and variance 1; then the weight
  /// and bias of each channel.
  package func groupNorm(
    _ groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double = 1e-5
  ) throws(TensorError) -> Tensor {
    try Self.operators().groupNorm.tensor(
      .tensor(self), .int(groups), .optional(weight), .optional(bias), .float(epsilon), true)
  }

  /// x / (1 + e⁻ˣ) for each element.
  package func silu() throws(TensorError) -> Tensor { try Self.operators().silu.tensor(self) }

  /// Sets each element to x / (1 + e⁻ˣ). Saves memory only where nothing is recorded for gradients.
  package func siluInPlace() throws(TensorError) { _ = try Self.operators().siluInPlace.tensor(self) }

  /// The larger of each element and 0.
  package func relu() throws(TensorError) -> Tensor { try Self.operators().relu.tensor(self) }

  /// Sets negative elements to 0, in place.
  package func rectify() throws(TensorError) { _ = try Self.operators().reluInPlace.tensor(self) }

  /// `self · weightᵀ + bias`.
  package func linear(_ weight: Tensor, bias: Tensor? = nil) throws(TensorError) -> Tensor {
    try Self.operators().linear.tensor(.tensor(self), .tensor(weight), .optional(bias))
  }

  /// The rows of this table that `indices` (`int64`) name, a new last dimension.
  package func embedding(_ indices: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().embedding.tensor(self, indices)
  }

  /// Images [N, C, H, W] with each pixel made a square of `factor` × `factor`.
  package func upsampleNearest2d(_ factor: Int) throws(TensorError) -> Tensor {
    try Self.operators().upsampleNearest2d.tensor(
      .tensor(self), .none, .floats([Double(factor), Double(factor)]))
  }

  /// softmax(self · keysᵀ / √width) · values, of queries, keys and values [N, heads, length, width]: LibTorch's fused
  /// kernel where it has one.
  package func attention(keys: Tensor, values: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().attention.tensor(.tensor(self), .tensor(keys), .tensor(values))
  }

  /// The largest element of each `size` × `size` window; the stride is `size` too unless given.
  package func maxPool2d(_ size: Int, stride: Int? = nil, padding: Int = 0) throws(TensorError) -> Tensor {
    let step = stride ?? size
    return try Self.operators().maxPool2d.tensor(
      .tensor(self), .ints([size, size]), .ints([step, step]), .ints([padding, padding]))
  }

  /// The mean of each `size` × `size` window; the stride is `size` too unless given.
  package func averagePool2d(_ size: Int, stride: Int? = nil, padding: Int = 0) throws(TensorError) -> Tensor {
    let step = stride ?? size
    return try Self.operators().avgPool2d.tensor(
      .tensor(self), .ints([size, size]), .ints([step, step]), .ints([padding, padding]))
  }

  /// Means over windows chosen so that `height` × `width` of them cover the image.
  package func adaptiveAveragePool2d(_ height: Int, _ width: Int) throws(TensorError) -> Tensor {
    try Self.operators().adaptiveAvgPool2d.tensor(.tensor(self), .ints([height, width]))
  }

  /// Cross-entropy of logits [N, C] with labels [N] (`int64`).
  package func crossEntropy(
    _ labels: Tensor, reduction: LossReduction = .mean, labelSmoothing: Double = 0
  ) throws(TensorError) -> Tensor {
    try Self.operators().crossEntropy.tensor(
      .tensor(self), .tensor(labels), .none, .int(reduction.rawValue), .int(-100), .float(labelSmoothing))
  }

  /// Logarithms of the shares that `softmax` gives, without leaving the logarithm.
  package func logSoftmax(along dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().logSoftmax.tensor(self, dimension)
  }

  /// Shares that sum to 1 along a dimension: eˣ over the sum of them.
  package func softmax(along dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().softmax.tensor(self, dimension)
  }

  /// Minus the log-probabilities [N, C] at the labels [N].
  package func nllLoss(_ labels: Tensor, reduction: LossReduction = .mean) throws(TensorError) -> Tensor {
    try Self.operators().nllLoss.tensor(.tensor(self), .tensor(labels), .none, .int(reduction.rawValue))
  }

  /// Squared differences.
  package func squaredError(_ target: Tensor, reduction: LossReduction = .mean) throws(TensorError) -> Tensor {
    try Self.operators().mseLoss.tensor(.tensor(self), .tensor(target), .int(reduction.rawValue))
  }

  /// Zeroes elements with `probability` and scales the others up; the default generator decides.
  package func dropout(_ probability: Double, training: Bool) throws(TensorError) -> Tensor {
    try Self.operators().dropout.tensor(.tensor(self), .float(probability), .bool(training))
  }
}
