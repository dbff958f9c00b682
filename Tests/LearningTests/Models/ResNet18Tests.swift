import Foundation
import Tensors
import Testing

@testable import Learning

/// `Fixtures/resnet18-width4.json`, which `scripts/reference/models.py` made with PyTorch in binary64.
private struct Reference: Decodable {
  struct Summary: Decodable {
    /// The Euclidean norm, and the sum of the elements times sin 1, sin 2, sin 3, ….
    let norm: Double
    let projection: Double
  }

  let width: Int
  let classes: Int
  let seed: UInt64
  let mean: [Double]
  let std: [Double]
  let images: [Double]
  let imageShape: [Int]
  let labels: [Int64]
  let learningRate: Double
  let momentum: Double
  let weightDecay: Double
  let trainLogits: [[[Double]]]
  let losses: [Double]
  let gradients: [String: Summary]
  let stateAfterOne: [String: Summary]
  let evaluatedAfterTwo: [[Double]]

  static let shared = Result { () throws -> Reference in
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Reference.self, from: Data(contentsOf: Beside.fixture("resnet18-width4.json")))
  }

  /// The model before the first step, with PyTorch's weights.
  func model(_ dtype: DType, channelsLast: Bool = false) throws -> ImageClassifier {
    let model = try ImageClassifier.resNet18(
      width: width, inputShape: Array(imageShape.dropFirst()), classes: classes,
      normalisation: Normalisation(mean: mean, standardDeviation: std), seed: seed + 1, channelsLast: channelsLast,
      dtype: dtype)
    try model.load(file: Beside.fixture("resnet18-width4.safetensors").path)
    return model
  }
}

/// A precision, a memory order, and how far a number may be off, relative to the largest of its tensor.
struct Precision: Sendable, CustomTestStringConvertible {
  let dtype: DType
  let channelsLast: Bool
  let tolerance: Double

  var testDescription: String { "\(dtype)\(channelsLast ? ", channels last" : "")" }

  static let all = [
    Precision(dtype: .float64, channelsLast: false, tolerance: 1e-10),
    Precision(dtype: .float64, channelsLast: true, tolerance: 1e-10),
    Precision(dtype: .float32, channelsLast: false, tolerance: 1e-5),
    // Channels-last kernels sum in another order, which the number of threads changes too.
    Precision(dtype: .float32, channelsLast: true, tolerance: 5e-5),
  ]
}

@Suite struct ResNet18Tests {
  /// Two steps of SGD in PyTorch: logits, losses, gradients, weights, statistics, and logits by the running statistics.
  @Test(arguments: Precision.all)
  func `forward passes and steps agree with PyTorch's`(_ precision: Precision) throws {
    let reference = try Reference.shared.get()
    let tolerance = precision.tolerance
    let model = try reference.model(precision.dtype, channelsLast: precision.channelsLast)
    let images = try (Tensor(reference.images, shape: reference.imageShape) / 256.0).to(precision.dtype)
    let labels = try Tensor(reference.labels, shape: [reference.labels.count])
    let parameters = model.parameters.map(\.tensor)
    let optimizer = try Optimizer(
      OptimizerSettings(
        rule: .sgd(momentum: reference.momentum, nesterov: false), learningRate: reference.learningRate,
        weightDecay: reference.weightDecay), parameters: parameters)
    for step in 0..<2 {
      let logits = try model.forward(images, training: true)
      let loss = try logits.crossEntropy(labels)
      // The second step starts from weights that differ by the first one's rounding.
      let grown = step == 0 ? tolerance : 10 * tolerance
      #expect(try distance(logits.doubles(), reference.trainLogits[step].flatMap(\.self)) < grown)
      #expect(abs(try loss.item() - reference.losses[step]) < grown)
      let gradients = try gradient(of: [loss], withRespectTo: parameters).compactMap(\.self)
      if step == 0 { try compare(zip(model.parameters.map(\.name), gradients), reference.gradients, tolerance) }
      try optimizer.step(gradients, learningRate: reference.learningRate)
      if step == 0 {
        try compare(zip(model.state.map(\.name), model.state.map(\.tensor)), reference.stateAfterOne, tolerance)
      }
    }
    let evaluated = try withoutGradients { try model.forward(images, training: false) }
    #expect(try distance(evaluated.doubles(), reference.evaluatedAfterTwo.flatMap(\.self)) < 10 * tolerance)
  }

  private func compare(
    _ found: some Sequence<(String, Tensor)>, _ expected: [String: Reference.Summary], _ tolerance: Double
  ) throws {
    var seen = 0
    for (name, tensor) in found {
      let wanted = try #require(expected[name], "\(name)")
      let values = try tensor.doubles()
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let projection = values.enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }
      #expect(abs(norm - wanted.norm) <= tolerance * max(wanted.norm, 1), "\(name)")
      #expect(abs(projection - wanted.projection) <= tolerance * max(wanted.norm, 1), "\(name)")
      seen += 1
    }
    #expect(seen == expected.count)
  }

  /// The largest difference, relative to the largest value.
  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / b.reduce(0) { max($0, abs($1)) }
  }

  @Test func `first weights are PyTorch's for the same seed and order`() throws {
    let reference = try Reference.shared.get()
    let drawn = try ImageClassifier.resNet18(
      width: reference.width, inputShape: Array(reference.imageShape.dropFirst()), classes: reference.classes,
      normalisation: Normalisation(mean: reference.mean, standardDeviation: reference.std), seed: reference.seed)
    let stored = try SafeTensors.read(Beside.fixture("resnet18-width4.safetensors").path)
    #expect(Set(stored.tensors.map(\.name)) == Set(drawn.state.map(\.name)))
    for (name, tensor) in drawn.state {
      let other = try #require(stored[name])
      // Vector units differ in the last bit of a logarithm or cosine.
      #expect(try zip(tensor.doubles(), other.doubles()).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(name)")
    }
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
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["LETHE_PYTHON"] != nil,
      "LETHE_PYTHON names no Python with torch, torchvision and safetensors"))
  func `a file of ours loads strictly in torchvision's layout and gives the same logits`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lethe-torchvision-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = try ImageClassifier.resNet18(
      inputShape: [3, 32, 32], classes: 10, normalisation: .cifar10ForTests, seed: 5, channelsLast: true)
    let images = try Tensor.randomUniform([4, 3, 32, 32], generator: Generator(seed: 1))
    _ = try withoutGradients { try model.forward(images, training: true) }
    let logits = try withoutGradients { try model.forward(images, training: false) }
    let weights = folder.appending(path: "weights.safetensors").path
    let samples = folder.appending(path: "samples.safetensors").path
    try model.save(file: weights)
    try SafeTensors.write([("images", images), ("logits", logits)], to: samples)

    let process = Process()
    let python = ProcessInfo.processInfo.environment["LETHE_PYTHON"] ?? "python3"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let script = Beside.folder.appending(path: "../../scripts/reference/check_torchvision.py").path
    process.arguments = [python, script, weights, samples]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(said)")
    #expect(said.hasPrefix("122 tensors loaded, strict=True"), "\(said)")
  }
}

extension Normalisation {
  static let cifar10ForTests = Normalisation(
    mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.247, 0.2435, 0.2616])
}
