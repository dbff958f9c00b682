package import Tensors

/// A network that gives logits for images, with its weights and statistics by name.
package final class ImageClassifier {
  /// What kind of network it is, as recipes name it.
  package let architecture: String
  /// Trainable tensors, in module order. They change in place, `resize` included, and are never replaced.
  package let parameters: [(name: String, tensor: Tensor)]
  /// Parameters and buffers, in the order of PyTorch's state dictionary. Running statistics are views of
  /// `flatStatistics`, counts of batches are views of `flatCounts`.
  package let state: [(name: String, tensor: Tensor)]
  /// All running means and variances, in one tensor with gaps; nil without batch normalisation.
  package let flatStatistics: Tensor?
  /// How many training batches each batch normalisation has seen (`int64`); nil without any.
  package let flatCounts: Tensor?
  /// Where its tensors are.
  package let device: Device
  /// The type of its parameters.
  package let dtype: DType
  /// How images are shifted and scaled first.
  package let normalisation: Normalisation
  /// Whether images and kernels are kept with their channels last.
  package let channelsLast: Bool
  private let normalise: NormalisationLayer
  private let network: any Network

  init(
    _ architecture: String, _ builder: ModelBuilder, _ network: any Network, _ normalisation: Normalisation,
    dtype: DType, device: Device, channelsLast: Bool
  ) throws(TensorError) {
    self.architecture = architecture
    parameters = builder.parameters
    state = builder.state
    flatStatistics = builder.statistics.count > 0 ? builder.statistics : nil
    flatCounts = builder.counts.count > 0 ? builder.counts : nil
    self.device = device
    self.dtype = dtype
    self.normalisation = normalisation
    self.channelsLast = channelsLast
    self.network = network
    normalise = try NormalisationLayer(normalisation, dtype: dtype, device: device)
  }

  /// Gives a parameter other elements and another size along its first dimension: a linear layer with more or fewer
  /// outputs. Optimizers and masks made before no longer fit.
  ///
  /// - Precondition: `value` has the parameter's rank, other sizes, type and device.
  package func resize(_ name: String, to value: Tensor) throws(TensorError) {
    guard let parameter = parameters.first(where: { $0.name == name })?.tensor else {
      preconditionFailure("the model has no parameter '\(name)'")
    }
    precondition(parameter.shape.dropFirst() == value.shape.dropFirst(), "only the first size may change")
    try withoutGradients { () throws(TensorError) in
      let copy = try Tensor.empty(value.shape, dtype: value.dtype, device: value.device)
      try copy.assign(value)
      try parameter.become(copy)
    }
  }

  /// The number of trainable numbers.
  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.tensor.count } }

  /// Logits [N, classes] of images [N, C, H, W] in [0, 1], of the model's type and on its device.
  ///
  /// - Parameter training: normalise by the batch's statistics and let the running ones move; else use the running ones.
  package func forward(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    if training, let flatCounts { try withoutGradients { () throws(TensorError) in try flatCounts.add(1) } }
    let ordered = channelsLast ? try images.contiguous(.channelsLast) : images
    return try network(try normalise(ordered), training: training)
  }
}

extension ImageClassifier {
  /// A small convolutional network: for each of `channels`, a 3×3 convolution with batch normalisation, ReLU and 2×2
  /// pooling; then a linear layer.
  ///
  /// - Parameters:
  ///   - inputShape: channels, height and width of an image.
  ///   - seed: what first weights are drawn from, on the CPU.
  /// - Throws: `LearningError.imagesTooSmall`; `TensorError`.
  package static func smallCNN(
    channels: [Int], inputShape: [Int], classes: Int, normalisation: Normalisation, seed: UInt64,
    device: Device = .cpu, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> ImageClassifier {
    precondition(inputShape.count == 3, "an image has channels, height and width")
    let least = 1 << channels.count
    guard inputShape[1] >= least, inputShape[2] >= least else {
      throw LearningError.imagesTooSmall(model: "cnn", height: inputShape[1], width: inputShape[2], least: least)
    }
    let builder = try ModelBuilder(
      seed: seed, dtype: dtype, device: device, channelsLast: channelsLast, normalised: channels)
    let network = try SmallCNN(builder, channels: channels, inputShape: inputShape, classes: classes)
    return try ImageClassifier(
      "cnn", builder, network, normalisation, dtype: dtype, device: device, channelsLast: channelsLast)
  }

  /// ResNet-18 with the stem for small images.
  ///
  /// - Parameters:
  ///   - width: channels of the first stage; the others have two, four and eight times as many.
  ///   - inputShape: channels, height and width of an image.
  ///   - seed: what first weights are drawn from, on the CPU.
  package static func resNet18(
    width: Int = 64, inputShape: [Int], classes: Int, normalisation: Normalisation, seed: UInt64,
    device: Device = .cpu, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> ImageClassifier {
    precondition(inputShape.count == 3, "an image has channels, height and width")
    let builder = try ModelBuilder(
      seed: seed, dtype: dtype, device: device, channelsLast: channelsLast,
      normalised: ResNet18.normalised(width: width))
    let network = try ResNet18(builder, width: width, channels: inputShape[0], classes: classes)
    return try ImageClassifier(
      "resnet18", builder, network, normalisation, dtype: dtype, device: device, channelsLast: channelsLast)
  }
}
