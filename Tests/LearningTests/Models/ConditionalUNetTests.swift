import Tensors
import Testing

@testable import Learning

@Suite struct ConditionalUNetTests {
  private static func small() throws -> ConditionalUNetConfig {
    try ConditionalUNetConfig(
      channels: 2, size: 8, width: 32, multipliers: [1, 2], layers: 1, attending: [4], classes: 3)
  }

  @Test(arguments: Precision.all)
  func `predictions and gradients agree with PyTorch's`(_ precision: Precision) throws {
    let model = try Denoiser.conditionalUNet(
      Self.small(), seed: 1, channelsLast: precision.channelsLast, dtype: precision.dtype)
    try DiffusionReference.read().conditional.expect(model, agreesTo: precision.tolerance)
  }

  @Test func `first weights are PyTorch's for the same seed and order`() throws {
    let net = try DiffusionReference.read().conditional
    try net.expect(drawn: try Denoiser.conditionalUNet(Self.small(), seed: net.drawnSeed))
  }

  @Test func `the published form has its number of parameters`() throws {
    let model = try Denoiser.conditionalUNet(ConditionalUNetConfig(classes: 10), seed: 1)
    #expect(model.parameterCount == 38_632_323)
    #expect(model.conditions == 10 && model.inputShape == [3, 32, 32])
  }

  @Test func `settings that cannot be built are refused`() {
    func refusal(_ body: () throws -> ConditionalUNetConfig) -> String {
      #expect(throws: LearningError.self) { try body() }?.description ?? ""
    }
    #expect(
      refusal { try ConditionalUNetConfig(width: 48, classes: 2) }
        == "'width' in 'the conditional U-Net's settings' is 48; expected a multiple of the 32 groups of its group "
        + "normalisation")
    #expect(refusal { try ConditionalUNetConfig(size: 28, classes: 2) }.contains("is 28; expected a multiple of 8"))
    #expect(refusal { try ConditionalUNetConfig(dropout: 1, classes: 2) }.contains("is 1.0; expected a number from 0"))
  }
}
