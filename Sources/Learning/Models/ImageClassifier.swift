package import Tensors

/// A network that gives logits for images.
package final class ImageClassifier: TrainableModel {
  /// How images are shifted and scaled first.
  package let normalisation: Normalisation
  private let normalise: NormalisationLayer
  private let network: any Network

  init(
    _ architecture: String, _ builder: ModelBuilder, _ network: any Network, _ normalisation: Normalisation,
    dtype: DType, device: Device, channelsLast: Bool
  ) throws(TensorError) {
    self.normalisation = normalisation
    self.network = network
    normalise = try NormalisationLayer(normalisation, dtype: dtype, device: device)
    super.init(architecture, builder, dtype: dtype, device: device, channelsLast: channelsLast)
  }

  package override var description: [String: String] {
    super.description.merging([Key.normalisation: normalisation.text]) { $1 }
  }

  /// Takes over the weights of a safetensors file.
  ///
  /// - Throws: as `load(_:from:)`; `LearningError.weightsNormalisation` where the file says how images were normalised
  ///   and that differs.
  package override func load(file path: String) throws {
    let file = try SafeTensors.read(path)
    if let stated = file.metadata[Key.normalisation], stated != normalisation.text {
      throw LearningError.weightsNormalisation(path: path, found: stated, expected: normalisation.text)
    }
    try load(file.tensors, from: path)
  }

  /// Logits [N, classes] of images [N, C, H, W] in [0, 1], of the model's type and on its device.
  ///
  /// - Parameter training: normalise by the batch's statistics and let the running ones move; else use the running ones.
  package func forward(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    if training, let flatCounts { try withoutGradients { () throws(TensorError) in try flatCounts.add(1) } }
    let ordered = channelsLast ? try images.contiguous(.channelsLast) : images
    return try network(try normalise(ordered), training: training)
  }

  /// What the last linear layer sees, [N, k], of images [N, C, H, W] in [0, 1], by the running statistics: features by which
  /// sets of images are compared. k is the number of inputs of that layer.
  package func features(_ images: Tensor) throws(TensorError) -> Tensor {
    let ordered = channelsLast ? try images.contiguous(.channelsLast) : images
    return try network.features(try normalise(ordered), training: false)
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
