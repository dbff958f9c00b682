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

  /// With as many rows as make LibTorch's own kernel write beyond the gradient where the processor has AVX2 and no AVX-512.
  @Test(arguments: [2, 4, 8])
  func `a shortcut of few channels sees every second pixel, and its gradient stays inside its memory`(_ inputs: Int)
    throws
  {
    let generator = try Generator(seed: 3)
    let image = try Tensor.randomNormal([32, inputs, 28, 28], generator: generator).contiguous(.channelsLast)
    let weight = try Tensor.randomNormal([8, inputs, 1, 1], generator: generator).contiguous(.channelsLast)
    try weight.setRequiresGrad(true)
    let shortcut = Convolution(weight: weight, bias: nil, stride: 2, padding: 0)
    let places = try Tensor((0..<14).map { Int64(2 * $0) }, shape: [14])
    let seen = try image.indexSelect(2, places).indexSelect(3, places)
    // [n, h, w, inputs] times [inputs, outputs].
    let wanted = try seen.permute([0, 2, 3, 1]).reshape([-1, inputs]).matmul(
      weight.detach().reshape([8, inputs]).transpose(0, 1))
    for _ in 0..<20 {
      let output = try shortcut(image)
      let difference = try output.detach().permute([0, 2, 3, 1]).reshape([-1, 8]) - wanted
      #expect(try difference.absolute().max().item() < 1e-5)
      let found = try #require(try gradient(of: [output.sum()], withRespectTo: [weight])[0])
      // Of the sum of all outputs: for each input the sum of what is seen of it.
      let sums = try seen.sum(along: [0, 2, 3]).reshape([1, inputs]).expand([8, inputs])
      #expect(try (found.reshape([8, inputs]) - sums).absolute().max().item() < 1e-2)
    }
  }
}
