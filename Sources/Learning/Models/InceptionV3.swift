package import Tensors

/// Inception-v3 (Szegedy et al. 2016) as the Fréchet Inception distance has it: the network of 2015-12-05 with 1008 outputs,
/// which differs from torchvision's in its poolings. It measures images and is never trained.
///
/// Names of weights are those of torchvision and of the PyPI package `pytorch-fid`, whose file of weights
/// `scripts/convert-checkpoint` turns into one that is read here.
package final class InceptionV3 {
  /// How an image comes to 299×299 and to the range that the network knows.
  package enum Preprocessing: String, Sendable, CaseIterable {
    /// As the original graph in TensorFlow does it, and `torch-fidelity` after it: samples at `i · size/299`, without half a
    /// pixel's shift; `(x − 128)/128` of levels 0 ... 255.
    case tensorFlow = "tensorflow"
    /// As `pytorch-fid` does it: centres of pixels at halves; `2x/255 − 1`.
    case pytorchFID = "pytorch-fid"
  }

  /// Features of an image: the last average pooling, "pool_3".
  package static let featureCount = 2048
  /// Height and width of what the first layer sees.
  static let side = 299
  /// The classes of its last layer.
  static let classes = 1008

  /// A convolution without bias, batch normalisation with ε = 0.001 by the running statistics, ReLU.
  private struct Unit {
    let layer: InceptionLayer
    let weight, scale, shift, mean, variance: Tensor
  }

  private let units: [String: Unit]
  private let head: Tensor?
  private let convolution: Operator
  private let average: Operator
  private let preprocessing: Preprocessing
  private let device: Device
  private let dtype: DType

  /// Reads a safetensors file.
  ///
  /// - Throws: as ``init(_:from:preprocessing:device:dtype:)``; `TensorError` for the file.
  package convenience init(
    file path: String, preprocessing: Preprocessing = .tensorFlow, device: Device = .cpu
  ) throws {
    try self.init(SafeTensors.read(path).tensors, from: path, preprocessing: preprocessing, device: device)
  }

  /// Takes over weights. The last layer (`fc.weight`, `fc.bias`), which features do not need, may be missing, and so may the
  /// counts of batches.
  ///
  /// - Parameter source: what messages call the place that the weights come from.
  /// - Throws: `LearningError.weightsMissing`, `.weightsUnexpected`, `.weightsShape`, `.weightsNotFinite`.
  package init(
    _ tensors: [(name: String, tensor: Tensor)], from source: String, preprocessing: Preprocessing = .tensorFlow,
    device: Device = .cpu, dtype: DType = .float32
  ) throws {
    let given = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    let shapes = InceptionLayer.shapes
    let missing = shapes.map(\.name).filter { given[$0] == nil && !$0.hasPrefix("fc.") }
    guard missing.isEmpty else { throw LearningError.weightsMissing(path: source, names: missing) }
    let known = Set(shapes.map(\.name))
    let unexpected = tensors.map(\.name).filter { !known.contains($0) && !$0.hasSuffix(".num_batches_tracked") }
    guard unexpected.isEmpty else { throw LearningError.weightsUnexpected(path: source, names: unexpected) }
    var taken: [String: Tensor] = [:]
    for (name, shape) in shapes {
      guard let tensor = given[name] else { continue }
      guard tensor.shape == shape else {
        throw LearningError.weightsShape(path: source, name: name, found: tensor.shape, expected: shape)
      }
      guard try tensor.isFinite().all().item() != 0 else {
        throw LearningError.weightsNotFinite(path: source, name: name)
      }
      taken[name] = try tensor.detach().to(dtype).to(device)
    }
    func weight(_ name: String) throws(LearningError) -> Tensor {
      guard let tensor = taken[name] else { throw .weightsMissing(path: source, names: [name]) }
      return tensor
    }
    var units: [String: Unit] = [:]
    for layer in InceptionLayer.all {
      units[layer.name] = Unit(
        layer: layer, weight: try weight("\(layer.name).conv.weight"), scale: try weight("\(layer.name).bn.weight"),
        shift: try weight("\(layer.name).bn.bias"), mean: try weight("\(layer.name).bn.running_mean"),
        variance: try weight("\(layer.name).bn.running_var"))
    }
    self.units = units
    head = taken["fc.weight"]
    convolution = try Operator.resolve("aten::conv2d")
    average = try Operator.resolve("aten::avg_pool2d")
    self.preprocessing = preprocessing
    self.device = device
    self.dtype = dtype
  }

  /// Features [n, 2048] of images.
  ///
  /// - Parameters:
  ///   - images: [n, C, H, W] in [-1, 1], of any size, with 1 (repeated) or 3 channels, of any floating type and on any
  ///     device. They are rounded to the 256 levels of a file of pictures first, and nothing is stretched.
  ///   - batch: how many images go through the network at once.
  /// - Throws: `LearningError.emptySet`, `.notFinite`, `.generation(.shape)`, `.interrupted`.
  package func features(_ images: Tensor, batch: Int = 32, cancel: CancelFlag) throws -> Tensor {
    precondition(batch > 0, "a batch has images")
    let shape = try GeneratedImages.check(images, "images", metric: "inception-v3")
    guard shape[1] == 1 || shape[1] == 3 else {
      throw LearningError.generation(
        .shape(metric: "inception-v3", what: "the tensor of images", found: shape, expected: "1 or 3 channels"))
    }
    return try withoutGradients {
      let pieces = try stride(from: 0, to: shape[0], by: batch).map { start in
        try cancel.check()
        let part = try images.narrow(0, start: start, length: min(batch, shape[0] - start))
        return try network(try prepared(part))
      }
      return try Tensor.cat(pieces)
    }
  }

  /// Logits [n, 1008] of features [n, 2048], without the last layer's bias: what published Inception Scores are taken from.
  ///
  /// - Throws: `LearningError.weightsMissing` where the file had no `fc.weight`; `.generation(.shape)`.
  package func logits(_ features: Tensor) throws -> Tensor {
    guard let head else { throw LearningError.weightsMissing(path: "inception-v3", names: ["fc.weight"]) }
    guard features.rank == 2, features.shape[1] == Self.featureCount else {
      throw LearningError.generation(
        .shape(
          metric: "inception-v3", what: "the features", found: features.shape,
          expected: "[images, \(Self.featureCount)]"))
    }
    return try features.to(dtype).to(device).linear(head)
  }

  /// Images [-1, 1] as the network wants them.
  func prepared(_ images: Tensor) throws(TensorError) -> Tensor {
    // Rounded in single precision at least: half precision cannot tell 256 levels from one another.
    let levels = try ImageGrid.levels(try images.to(.float64)).to(dtype).to(device)
    let colour = try levels.expand([levels.shape[0], 3, levels.shape[2], levels.shape[3]])
    let (rows, columns) = (try resizing(from: colour.shape[2]), try resizing(from: colour.shape[3]))
    let resized = try rows.matmul(colour).matmul(try columns.transpose(0, 1))
    switch preprocessing {
    case .tensorFlow: return try (resized - 128.0) / 128.0
    case .pytorchFID: return try resized * (2 / 255.0) - 1.0
    }
  }

  /// The weights [299, size] with which pixels of one direction are mixed: two neighbours each, in proportion.
  private func resizing(from size: Int) throws(TensorError) -> Tensor {
    var weights = [Double](repeating: 0, count: Self.side * size)
    // TensorFlow keeps the scale in single precision, and where the pixels come from depends on it.
    let scale =
      preprocessing == .tensorFlow ? Double(Float(size) / Float(Self.side)) : Double(size) / Double(Self.side)
    for target in 0..<Self.side {
      let source =
        switch preprocessing {
        case .tensorFlow: Double(target) * scale
        case .pytorchFID: max(0, (Double(target) + 0.5) * scale - 0.5)
        }
      let lower = min(size - 1, Int(source))
      let share = min(1, source - Double(lower))
      weights[target * size + lower] += 1 - share
      weights[target * size + min(size - 1, lower + 1)] += share
    }
    return try Tensor(weights, shape: [Self.side, size]).to(dtype).to(device)
  }
}

/// The forward pass.
extension InceptionV3 {
  private func network(_ images: Tensor) throws(TensorError) -> Tensor {
    var x = try path(["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"], images).maxPool2d(3, stride: 2)
    x = try path(["Conv2d_3b_1x1", "Conv2d_4a_3x3"], x).maxPool2d(3, stride: 2)
    for block in ["Mixed_5b", "Mixed_5c", "Mixed_5d"] {
      x = try Tensor.cat(
        [
          try path(["\(block).branch1x1"], x),
          try path(["\(block).branch5x5_1", "\(block).branch5x5_2"], x),
          try path((1...3).map { "\(block).branch3x3dbl_\($0)" }, x),
          try path(["\(block).branch_pool"], try averaged(x)),
        ], along: 1)
    }
    x = try Tensor.cat(
      [
        try path(["Mixed_6a.branch3x3"], x),
        try path((1...3).map { "Mixed_6a.branch3x3dbl_\($0)" }, x),
        try x.maxPool2d(3, stride: 2),
      ], along: 1)
    for block in ["Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"] {
      x = try Tensor.cat(
        [
          try path(["\(block).branch1x1"], x),
          try path((1...3).map { "\(block).branch7x7_\($0)" }, x),
          try path((1...5).map { "\(block).branch7x7dbl_\($0)" }, x),
          try path(["\(block).branch_pool"], try averaged(x)),
        ], along: 1)
    }
    x = try Tensor.cat(
      [
        try path((1...2).map { "Mixed_7a.branch3x3_\($0)" }, x),
        try path((1...4).map { "Mixed_7a.branch7x7x3_\($0)" }, x),
        try x.maxPool2d(3, stride: 2),
      ], along: 1)
    for block in ["Mixed_7b", "Mixed_7c"] {
      let middle = try path(["\(block).branch3x3_1"], x)
      let double = try path(["\(block).branch3x3dbl_1", "\(block).branch3x3dbl_2"], x)
      // The last block of this network, and only that, takes the maximum where the paper has the average.
      let pooled = block == "Mixed_7c" ? try x.maxPool2d(3, stride: 1, padding: 1) : try averaged(x)
      x = try Tensor.cat(
        [
          try path(["\(block).branch1x1"], x),
          try path(["\(block).branch3x3_2a"], middle), try path(["\(block).branch3x3_2b"], middle),
          try path(["\(block).branch3x3dbl_3a"], double), try path(["\(block).branch3x3dbl_3b"], double),
          try path(["\(block).branch_pool"], pooled),
        ], along: 1)
    }
    return try x.mean(along: [2, 3])
  }

  private func path(_ names: [String], _ input: Tensor) throws(TensorError) -> Tensor {
    var x = input
    for name in names {
      guard let unit = units[name] else { preconditionFailure("no layer '\(name)'") }
      let layer = unit.layer
      x = try convolution.tensor(
        .tensor(x), .tensor(unit.weight), .none, .ints([layer.stride, layer.stride]), .ints(layer.padding))
      x = try x.batchNorm(
        weight: unit.scale, bias: unit.shift, runningMean: unit.mean, runningVariance: unit.variance, training: false,
        epsilon: 0.001)
      try x.rectify()
    }
    return x
  }

  /// The mean of 3×3 pixels, at the edge of those that are there: TensorFlow counts no padding.
  private func averaged(_ input: Tensor) throws(TensorError) -> Tensor {
    try average.tensor(
      .tensor(input), .ints([3, 3]), .ints([1, 1]), .ints([1, 1]), .bool(false), .bool(false), .none)
  }
}
