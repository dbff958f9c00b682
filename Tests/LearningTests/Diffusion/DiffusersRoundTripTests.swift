import Foundation
import Tensors
import Testing

@testable import Learning

/// Folders between diffusers and us, both ways.
@Suite struct DiffusersRoundTripTests {
  private static let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"] ?? ""

  /// Whether LETHE_PYTHON names a Python with diffusers.
  private static let hasDiffusers: Bool =
    !python.isEmpty && (try? run(["-c", "import diffusers, safetensors"]))?.status == 0

  private static func run(_ arguments: [String]) throws -> (status: Int32, said: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python] + arguments
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, said)
  }

  private static func script(_ arguments: String...) throws -> String {
    let file = Beside.folder.appending(path: "../../scripts/reference/check_diffusers.py").path
    let (status, said) = try run([file] + arguments)
    try #require(status == 0, "\(said)")
    return said
  }

  private static func predict(_ model: Denoiser, _ images: Tensor, _ timesteps: Tensor) throws -> Tensor {
    try withoutGradients {
      try model.forward(images, timesteps: timesteps, conditions: nil, training: false)
    }
  }

  @Test(.enabled(if: hasDiffusers, "LETHE_PYTHON names no Python with torch, diffusers and safetensors"))
  func `a folder of diffusers' is read, changed, written, and loads there with equal predictions`() throws {
    let scratch = try ScratchFolder()
    defer { scratch.remove() }
    func path(_ name: String) -> String { scratch.url.appending(path: name).path }
    _ = try Self.script("make", path("theirs"), path("samples"))
    let folder = try DiffusersFolder.read(path("theirs"))
    #expect(folder.schedule == NoiseSchedule(shape: .scaledLinear, timesteps: 1000, betaStart: 0.00085, betaEnd: 0.012))
    let model = try folder.load()
    let samples = try SafeTensors.read(path("samples"))
    let images = try #require(samples["images"])
    let timesteps = try #require(samples["timesteps"])
    let theirs = try #require(samples["predicted"]).doubles()
    #expect(DiffusionReference.distance(try Self.predict(model, images, timesteps).doubles(), theirs) < 1e-5)

    try withoutGradients { try Foreach.multiply(model.parameters.map(\.tensor), by: 0.9) }
    let changed = try Self.predict(model, images, timesteps)
    #expect(DiffusionReference.distance(try changed.doubles(), theirs) > 0.01)
    try folder.write(model, to: path("ours"))
    try SafeTensors.write(
      [("images", images), ("timesteps", timesteps), ("predicted", changed)], to: path("changed"))
    let said = try Self.script("load", path("ours"), path("changed"))
    #expect(said.contains("DDPMScheduler, scaled_linear: predictions differ by at most") && said.contains("16×16"))
    for name in ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"] {
      #expect(
        try Data(contentsOf: URL(filePath: path("ours/" + name)))
          == Data(contentsOf: URL(filePath: path("theirs/" + name))))
    }
  }

  @Test(.enabled(if: hasDiffusers, "LETHE_PYTHON names no Python with torch, diffusers and safetensors"))
  func `a network of ours loads there`() throws {
    let scratch = try ScratchFolder()
    defer { scratch.remove() }
    func path(_ name: String) -> String { scratch.url.appending(path: name).path }
    let config = try UNetConfig(
      inChannels: 1, sampleSize: 28, widths: [32, 64, 64], layers: 1, attention: [false, false, false],
      midAttention: false)
    let model = try Denoiser.unet(config, seed: 1)
    let images = try Tensor.randomNormal([2, 1, 28, 28], generator: Generator(seed: 1))
    let timesteps = try Tensor([7, 900] as [Int64], shape: [2])
    try DiffusersFolder(config: config, schedule: .ddpm).write(model, to: path("ours"))
    try SafeTensors.write(
      [("images", images), ("timesteps", timesteps), ("predicted", Self.predict(model, images, timesteps))],
      to: path("samples"))
    #expect(try Self.script("load", path("ours"), path("samples")).contains("28×28 pixels drawn"))
  }
}
