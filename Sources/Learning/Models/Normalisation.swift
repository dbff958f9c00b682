import Tensors

/// How images in [0, 1] are shifted and scaled before the first layer: `(x − mean) / standardDeviation`, a channel each.
package struct Normalisation: Sendable, Equatable {
  /// What is taken from each channel.
  package let mean: [Double]
  /// What each channel is then divided by.
  package let standardDeviation: [Double]

  /// - Precondition: both have one value for each channel, and no deviation is 0.
  package init(mean: [Double], standardDeviation: [Double]) {
    precondition(mean.count == standardDeviation.count, "a mean and a deviation for each channel")
    precondition(standardDeviation.allSatisfy { $0 > 0 }, "deviations are above 0")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// As JSON, exact: it goes into the metadata of weights.
  var text: String { "{\"mean\": \(mean), \"std\": \(standardDeviation)}" }
}

/// The constants as tensors of shape [1, C, 1, 1]. They belong to no state dictionary, so that other programs load ours
/// strictly.
struct NormalisationLayer {
  private let mean: Tensor
  private let standardDeviation: Tensor

  init(_ constants: Normalisation, dtype: DType, device: Device) throws(TensorError) {
    let shape = [1, constants.mean.count, 1, 1]
    mean = try Tensor(constants.mean, shape: shape).to(dtype).to(device)
    standardDeviation = try Tensor(constants.standardDeviation, shape: shape).to(dtype).to(device)
  }

  func callAsFunction(_ images: Tensor) throws(TensorError) -> Tensor {
    let shifted = try images - mean
    return try shifted / standardDeviation
  }
}
