package import Tensors

/// VGG-16 with batch normalisation (Simonyan & Zisserman 2015, configuration D) in the two forms that unlearning papers use
/// for small images: thirteen 3×3 convolutions with four poolings, the fifth left out.
///
/// The convolutions have torchvision's names, `features.N`, and its biases in the `globalAverage` form; the classifiers are
/// not torchvision's, so its `vgg16_bn` loads a file strictly once these have been replaced.
package enum VGG16Form: String, Sendable, Equatable, CaseIterable {
  /// Convolutions without bias, 2×2 average, linear layers to 4, 4 times the width and to the classes, named
  /// `classifier.0`, `.2`, `.4`. With width 64, three channels and ten classes it has 15 311 818 parameters.
  case threeLinear = "vgg16_bn"
  /// Convolutions with bias, global average, one linear layer, named `classifier`. With width 64, three channels and ten
  /// classes it has 14 728 266 parameters.
  case globalAverage = "vgg16_bn_lth"
}

struct VGG16: Network {
  private enum Layer {
    case convolution(Convolution, BatchNormalisation)
    case pooling
  }

  /// Channels of the convolutions as multiples of the width; a pooling follows each group but the last.
  private static let groups = [[1, 1], [2, 2], [4, 4, 4], [8, 8, 8], [8, 8, 8]]

  private let features: [Layer]
  private let pool: Int
  private let hidden: [Linear]
  private let head: Linear

  /// The least height and width: every pooling halves the image.
  static let leastSide = 16

  /// Channels of every batch normalisation, in module order.
  static func normalised(width: Int) -> [Int] { groups.joined().map { $0 * width } }

  init(
    _ builder: ModelBuilder, _ form: VGG16Form, width: Int, channels: Int, classes: Int
  ) throws(TensorError) {
    var features: [Layer] = []
    var inputs = channels
    // A convolution, its normalisation and its ReLU are three modules of torchvision's list, a pooling is one.
    var module = 0
    for (index, group) in Self.groups.enumerated() {
      for multiple in group {
        let outputs = multiple * width
        let convolution = try builder.convolution(
          "features.\(module)", inputs: inputs, outputs: outputs, kernel: 3, padding: 1,
          hasBias: form == .globalAverage)
        features.append(
          .convolution(convolution, try builder.batchNormalisation("features.\(module + 1)", channels: outputs)))
        (inputs, module) = (outputs, module + 3)
      }
      guard index + 1 < Self.groups.count else { break }
      features.append(.pooling)
      module += 1
    }
    self.features = features
    switch form {
    case .threeLinear:
      pool = 2
      let units = 4 * width
      hidden = [
        try builder.linear("classifier.0", inputs: 4 * inputs, outputs: units, deviation: 0.01),
        try builder.linear("classifier.2", inputs: units, outputs: units, deviation: 0.01),
      ]
      head = try builder.linear("classifier.4", inputs: units, outputs: classes, deviation: 0.01)
    case .globalAverage:
      pool = 1
      hidden = []
      head = try builder.linear("classifier", inputs: inputs, outputs: classes, deviation: 0.01)
    }
  }

  func features(_ images: Tensor, training: Bool) throws(TensorError) -> Tensor {
    var features = images
    for layer in self.features {
      switch layer {
      case .convolution(let convolution, let normalisation):
        features = try normalisation(try convolution(features), training: training)
        try features.rectify()
      case .pooling: features = try features.maxPool2d(2)
      }
    }
    features = try features.adaptiveAveragePool2d(pool, pool).flatten(from: 1)
    for linear in hidden {
      features = try linear(features)
      try features.rectify()
    }
    return features
  }

  func logits(_ features: Tensor) throws(TensorError) -> Tensor { try head(features) }
}

extension ImageClassifier {
  /// VGG-16 with batch normalisation, for small images.
  ///
  /// - Parameters:
  ///   - width: channels of the first two convolutions; the others have two, four and eight times as many.
  ///   - inputShape: channels, height and width of an image.
  ///   - seed: what first weights are drawn from, on the CPU.
  /// - Throws: `LearningError.imagesTooSmall`; `TensorError`.
  package static func vgg16(
    _ form: VGG16Form, width: Int = 64, inputShape: [Int], classes: Int, normalisation: Normalisation, seed: UInt64,
    device: Device = .cpu, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> ImageClassifier {
    precondition(inputShape.count == 3, "an image has channels, height and width")
    guard inputShape[1] >= VGG16.leastSide, inputShape[2] >= VGG16.leastSide else {
      throw LearningError.imagesTooSmall(
        model: form.rawValue, height: inputShape[1], width: inputShape[2], least: VGG16.leastSide)
    }
    let builder = try ModelBuilder(
      seed: seed, dtype: dtype, device: device, channelsLast: channelsLast,
      normalised: VGG16.normalised(width: width))
    let network = try VGG16(builder, form, width: width, channels: inputShape[0], classes: classes)
    return try ImageClassifier(
      form.rawValue, builder, network, normalisation, dtype: dtype, device: device, channelsLast: channelsLast)
  }
}
