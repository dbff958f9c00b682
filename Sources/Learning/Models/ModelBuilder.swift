import Tensors

/// Makes a model's tensors in module order, gives them their names, and draws their first values.
///
/// All draws come from one CPU generator in binary32, parameter after parameter in the order of the state dictionary, so
/// that a seed gives the same model on every device and in every precision:
///
/// - convolutions: normal, mean 0, deviation √(2 / (output channels · kernel area)) (He et al. 2015, "fan out");
/// - batch normalisation: weight 1, bias 0, running mean 0, running variance 1, nothing drawn;
/// - linear layers: weight, then bias, uniform in ±1/√inputs (PyTorch's default); or, with a deviation, weight normal of
///   mean 0, bias 0;
/// - biases of convolutions: 0, nothing drawn.
///
/// Networks that predict noise draw by PyTorch's defaults throughout: `ModelBuilder+Defaults.swift`.
final class ModelBuilder {
  private(set) var parameters: [(name: String, tensor: Tensor)] = []
  private(set) var state: [(name: String, tensor: Tensor)] = []
  /// Running means and variances of all layers.
  let statistics: Tensor
  /// How many batches each layer has seen.
  let counts: Tensor
  let generator: Generator
  let dtype: DType
  let device: Device
  private let channelsLast: Bool
  private var usedStatistics = 0
  private var usedCounts = 0

  /// Statistics of a layer start at multiples of so many elements.
  private static let alignment = 16

  /// - Parameter normalised: channels of each batch normalisation that will be asked for.
  init(
    seed: UInt64, dtype: DType, device: Device, channelsLast: Bool, normalised: [Int]
  ) throws(TensorError) {
    generator = try Generator(seed: seed)
    self.dtype = dtype
    self.device = device
    self.channelsLast = channelsLast
    let room = normalised.reduce(0) { $0 + 2 * Self.padded($1) }
    statistics = try Tensor.zeros([room], dtype: dtype, device: device)
    counts = try Tensor.zeros([normalised.count], dtype: .int64, device: device)
  }

  /// A convolution's weight [outputs, inputs, kernel, kernel] under `name.weight`, and where it has one its bias.
  func convolution(
    _ name: String, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, hasBias: Bool = false
  ) throws(TensorError) -> Convolution {
    let weight = try Tensor.empty([outputs, inputs, kernel, kernel])
    let spread = (2 / Double(outputs * kernel * kernel)).squareRoot()
    try weight.fillNormal(deviation: spread, generator)
    let added = try add("\(name).weight", weight)
    let bias = hasBias ? try add("\(name).bias", try Tensor.zeros([outputs])) : nil
    return Convolution(weight: added, bias: bias, stride: stride, padding: padding)
  }

  /// A batch normalisation: weight, bias and three buffers under `name`.
  func batchNormalisation(_ name: String, channels: Int) throws(TensorError) -> BatchNormalisation {
    let weight = try add("\(name).weight", try Tensor.ones([channels]))
    let bias = try add("\(name).bias", try Tensor.zeros([channels]))
    let mean = try view("\(name).running_mean", channels)
    let variance = try view("\(name).running_var", channels)
    try variance.fill(1)
    state.append(("\(name).num_batches_tracked", try counts.select(0, usedCounts)))
    usedCounts += 1
    return BatchNormalisation(weight: weight, bias: bias, runningMean: mean, runningVariance: variance)
  }

  /// A linear layer: weight [outputs, inputs] and bias [outputs] under `name`.
  ///
  /// - Parameter deviation: of the normal distribution that the weight is drawn from; nil for PyTorch's default.
  func linear(_ name: String, inputs: Int, outputs: Int, deviation: Double? = nil) throws(TensorError) -> Linear {
    let weight = try Tensor.empty([outputs, inputs])
    if let deviation {
      try weight.fillNormal(deviation: deviation, generator)
      return Linear(
        weight: try add("\(name).weight", weight), bias: try add("\(name).bias", try Tensor.zeros([outputs])))
    }
    let bound = 1 / Double(inputs).squareRoot()
    try weight.fillUniform(from: -bound, to: bound, generator)
    let bias = try Tensor.empty([outputs])
    try bias.fillUniform(from: -bound, to: bound, generator)
    return Linear(weight: try add("\(name).weight", weight), bias: try add("\(name).bias", bias))
  }

  /// Takes a parameter's first values, drawn in binary32 on the CPU, into the model.
  func add(_ name: String, _ drawn: Tensor) throws(TensorError) -> Tensor {
    var tensor = try drawn.to(dtype).to(device)
    if channelsLast, tensor.rank == 4 { tensor = try tensor.contiguous(.channelsLast) }
    try tensor.setRequiresGrad(true)
    parameters.append((name, tensor))
    state.append((name, tensor))
    return tensor
  }

  private func view(_ name: String, _ channels: Int) throws(TensorError) -> Tensor {
    let view = try statistics.narrow(0, start: usedStatistics, length: channels)
    usedStatistics += Self.padded(channels)
    state.append((name, view))
    return view
  }

  private static func padded(_ channels: Int) -> Int { (channels + alignment - 1) / alignment * alignment }
}
