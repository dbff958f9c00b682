import Foundation
import Tensors
import Testing

@testable import Learning

@Suite struct VGG16Tests {
  private static func model(
    _ form: VGG16Form, _ reference: ModelReference, seed: UInt64, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> ImageClassifier {
    try ImageClassifier.vgg16(
      form, width: reference.width, inputShape: reference.inputShape, classes: reference.classes,
      normalisation: reference.normalisation, seed: seed, channelsLast: channelsLast, dtype: dtype)
  }

  @Test(arguments: VGG16Form.allCases, Precision.all)
  func `forward passes and steps agree with PyTorch's`(_ form: VGG16Form, _ precision: Precision) throws {
    let name = "\(form.rawValue)-width2"
    let reference = try ModelReference.read(name)
    let model = try Self.model(
      form, reference, seed: reference.seed + 1, channelsLast: precision.channelsLast, dtype: precision.dtype)
    try model.load(file: Beside.fixture("\(name).safetensors").path)
    // Thirteen normalised layers of a few channels each round more than ResNet's.
    try reference.expect(model, agreesTo: precision.dtype == .float32 ? 5e-5 : precision.tolerance)
  }

  @Test(arguments: VGG16Form.allCases)
  func `first weights are PyTorch's for the same seed and order`(_ form: VGG16Form) throws {
    let name = "\(form.rawValue)-width2"
    let reference = try ModelReference.read(name)
    try reference.expect(try Self.model(form, reference, seed: reference.seed), isDrawnLike: name)
  }

  @Test(arguments: [(VGG16Form.threeLinear, 15_311_818, 45), (.globalAverage, 14_728_266, 54)])
  func `width 64 and ten classes give the parameters of the papers`(
    _ form: VGG16Form, _ count: Int, _ tensors: Int
  ) throws {
    let model = try ImageClassifier.vgg16(
      form, inputShape: [3, 32, 32], classes: 10, normalisation: .cifar10ForTests, seed: 1)
    #expect(model.parameterCount == count)
    #expect(model.parameters.count == tensors)
    #expect(model.state.count == tensors + 3 * 13)
    #expect(model.architecture == form.rawValue)
  }

  @Test(arguments: VGG16Form.allCases)
  func `images that four poolings leave nothing of are refused`(_ form: VGG16Form) throws {
    #expect(throws: LearningError.imagesTooSmall(model: form.rawValue, height: 15, width: 28, least: 16)) {
      try ImageClassifier.vgg16(
        form, width: 2, inputShape: [1, 15, 28], classes: 10,
        normalisation: Normalisation(mean: [0], standardDeviation: [1]), seed: 1)
    }
  }

  /// Needs a Python with torch, torchvision and safetensors, named by LETHE_PYTHON.
  @Test(
    .enabled(if: TorchVision.isThere, "LETHE_PYTHON names no Python with torch, torchvision and safetensors"),
    arguments: [(VGG16Form.threeLinear, 84), (.globalAverage, 93)])
  func `a file of ours loads strictly in torchvision's features and gives the same logits`(
    _ form: VGG16Form, _ tensors: Int
  ) throws {
    let model = try ImageClassifier.vgg16(
      form, inputShape: [3, 32, 32], classes: 10, normalisation: .cifar10ForTests, seed: 5, channelsLast: true)
    let said = try TorchVision.check(model)
    #expect(said.hasPrefix("\(tensors) tensors loaded, strict=True"), "\(said)")
  }
}
