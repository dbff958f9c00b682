import Foundation
import Tensors
import Testing

@testable import Learning

@Suite struct ResNet18Tests {
  private static let name = "resnet18-width4"

  @Test(arguments: Precision.all)
  func `forward passes and steps agree with PyTorch's`(_ precision: Precision) throws {
    let reference = try ModelReference.read(Self.name)
    let model = try ImageClassifier.resNet18(
      width: reference.width, inputShape: reference.inputShape, classes: reference.classes,
      normalisation: reference.normalisation, seed: reference.seed + 1, channelsLast: precision.channelsLast,
      dtype: precision.dtype)
    try model.load(file: Beside.fixture("\(Self.name).safetensors").path)
    try reference.expect(model, agreesTo: precision.tolerance)
  }

  @Test func `first weights are PyTorch's for the same seed and order`() throws {
    let reference = try ModelReference.read(Self.name)
    let drawn = try ImageClassifier.resNet18(
      width: reference.width, inputShape: reference.inputShape, classes: reference.classes,
      normalisation: reference.normalisation, seed: reference.seed)
    try reference.expect(drawn, isDrawnLike: Self.name)
  }

  @Test func `width 64 and ten classes give the parameters of the papers`() throws {
    let model = try ImageClassifier.resNet18(
      inputShape: [3, 32, 32], classes: 10, normalisation: .cifar10ForTests, seed: 1)
    #expect(model.parameterCount == 11_173_962)
    #expect(model.parameters.count == 62)
    #expect(model.state.count == 122)
    #expect(model.flatStatistics?.count == 2 * 4_800)
    #expect(model.flatCounts?.count == 20)
  }

  /// Needs a Python with torch, torchvision and safetensors, named by LETHE_PYTHON.
  @Test(.enabled(if: TorchVision.isThere, "LETHE_PYTHON names no Python with torch, torchvision and safetensors"))
  func `a file of ours loads strictly in torchvision's layout and gives the same logits`() throws {
    let model = try ImageClassifier.resNet18(
      inputShape: [3, 32, 32], classes: 10, normalisation: .cifar10ForTests, seed: 5, channelsLast: true)
    let said = try TorchVision.check(model)
    #expect(said.hasPrefix("122 tensors loaded, strict=True"), "\(said)")
  }
}
