import Tensors
import Testing

@testable import Learning

@Suite struct UNet2DTests {
  private static func net(_ name: String) throws -> (DiffusionReference.Net, UNetConfig) {
    let net = try #require(try DiffusionReference.read().unets[name])
    return (net, try UNetConfig(json: try #require(net.config)))
  }

  @Test(arguments: ["plain", "classes"], Precision.all)
  func `predictions and gradients agree with diffusers'`(_ name: String, _ precision: Precision) throws {
    let (net, config) = try Self.net(name)
    let model = try Denoiser.unet(
      config, seed: 1, channelsLast: precision.channelsLast, dtype: precision.dtype)
    try net.expect(model, agreesTo: precision.tolerance)
  }

  @Test(arguments: [Precision(dtype: .float64, channelsLast: false, tolerance: 1e-10), Precision.all[2]])
  func `so do those of the layout for 256 pixels`(_ precision: Precision) throws {
    let (net, config) = try Self.net("six-levels")
    try net.expect(try Denoiser.unet(config, seed: 1, dtype: precision.dtype), agreesTo: precision.tolerance)
  }

  @Test(arguments: ["plain", "classes"])
  func `first weights are PyTorch's for the same seed and order`(_ name: String) throws {
    let (net, config) = try Self.net(name)
    try net.expect(drawn: try Denoiser.unet(config, seed: net.drawnSeed))
  }

  @Test func `published sizes have their number of parameters`() throws {
    let shirt = try UNetConfig(
      inChannels: 1, sampleSize: 28, widths: [64, 128, 256], layers: 2, attention: [false, true, false])
    #expect(try Denoiser.unet(shirt, seed: 1).parameterCount == 14_735_745)
    let faces = try UNetConfig(
      inChannels: 3, sampleSize: 256, widths: [128, 128, 256, 256, 512, 512], layers: 2,
      attention: [false, false, false, false, true, false], headDim: nil)
    #expect(try Denoiser.unet(faces, seed: 1).parameterCount == 113_673_219)
    for (midAttention, count) in [(false, 1_045_729), (true, 1_062_497)] {
      let small = try UNetConfig(
        inChannels: 1, sampleSize: 28, widths: [32, 64, 64], layers: 1, attention: [false, false, false],
        midAttention: midAttention)
      #expect(try Denoiser.unet(small, seed: 1).parameterCount == count)
    }
  }

  @Test func `the null condition adds nothing, so it is the network without a class`() throws {
    let config = try UNetConfig(
      inChannels: 1, sampleSize: 8, widths: [8, 8], layers: 1, attention: [false, true], groups: 4, conditions: 3)
    let plain = try UNetConfig(
      inChannels: 1, sampleSize: 8, widths: [8, 8], layers: 1, attention: [false, true], groups: 4)
    let model = try Denoiser.unet(config, seed: 1)
    let without = try Denoiser.unet(plain, seed: 1)
    try without.load(model.state.filter { $0.name != "class_embedding.weight" })
    let images = try Tensor.randomNormal([2, 1, 8, 8], generator: Generator(seed: 1))
    let timesteps = try Tensor([3, 700] as [Int64], shape: [2])
    try withoutGradients {
      let null = try model.forward(
        images, timesteps: timesteps, conditions: Tensor([-1, -1] as [Int64], shape: [2]), training: false)
      let classed = try model.forward(
        images, timesteps: timesteps, conditions: Tensor([0, 2] as [Int64], shape: [2]), training: false)
      let bare = try without.forward(images, timesteps: timesteps, conditions: nil, training: false)
      #expect(try null.bytes() == bare.bytes())
      #expect(try classed.bytes() != bare.bytes())
    }
  }

  @Test func `dropout acts in training only`() throws {
    let config = try UNetConfig(
      inChannels: 1, sampleSize: 8, widths: [8, 8], layers: 1, attention: [false, false], groups: 4, dropout: 0.5)
    let model = try Denoiser.unet(config, seed: 1)
    let images = try Tensor.randomNormal([1, 1, 8, 8], generator: Generator(seed: 1))
    let timesteps = try Tensor([5] as [Int64], shape: [1])
    func predicted(_ training: Bool) throws -> [UInt8] {
      try withoutGradients {
        try model.forward(images, timesteps: timesteps, conditions: nil, training: training).bytes()
      }
    }
    try seedAll(1)
    #expect(try predicted(false) == predicted(false))
    #expect(try predicted(true) != predicted(true))
  }

  @Test func `prediction without gradients is that with them`() throws {
    let (_, config) = try Self.net("plain")
    let model = try Denoiser.unet(config, seed: 1)
    let images = try Tensor.randomNormal([2, 1, 8, 8], generator: Generator(seed: 1))
    let timesteps = try Tensor([5, 6] as [Int64], shape: [2])
    let recorded = try model.forward(images, timesteps: timesteps, conditions: nil, training: false)
    let plain = try withoutGradients {
      try model.forward(images, timesteps: timesteps, conditions: nil, training: false)
    }
    #expect(try recorded.bytes() == plain.bytes())
  }
}
