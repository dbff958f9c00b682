import Foundation
import Tensors
import Testing

@testable import Learning

/// A network's `.json` fixture, which `scripts/reference/models.py` made with PyTorch in binary64.
struct ModelReference: Decodable {
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

  static func read(_ name: String) throws -> ModelReference {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(ModelReference.self, from: Data(contentsOf: Beside.fixture("\(name).json")))
  }

  var normalisation: Normalisation { Normalisation(mean: mean, standardDeviation: std) }
  /// Channels, height and width.
  var inputShape: [Int] { Array(imageShape.dropFirst()) }

  /// Two steps of SGD from PyTorch's weights: logits, losses, gradients, weights, statistics, and logits by the running
  /// statistics.
  func expect(_ model: ImageClassifier, agreesTo tolerance: Double) throws {
    let images = try (Tensor(images, shape: imageShape) / 256.0).to(model.dtype)
    let labels = try Tensor(labels, shape: [labels.count])
    let parameters = model.parameters.map(\.tensor)
    let optimizer = try Optimizer(
      OptimizerSettings(
        rule: .sgd(momentum: momentum, nesterov: false), learningRate: learningRate, weightDecay: weightDecay),
      parameters: parameters)
    for step in 0..<2 {
      let logits = try model.forward(images, training: true)
      let loss = try logits.crossEntropy(labels)
      // The second step starts from weights that differ by the first one's rounding.
      let grown = step == 0 ? tolerance : 10 * tolerance
      #expect(try distance(logits.doubles(), trainLogits[step].flatMap(\.self)) < grown)
      #expect(abs(try loss.item() - losses[step]) < grown)
      let gradients = try gradient(of: [loss], withRespectTo: parameters).compactMap(\.self)
      if step == 0 { try compare(zip(model.parameters.map(\.name), gradients), self.gradients, tolerance) }
      try optimizer.step(gradients, learningRate: learningRate)
      if step == 0 {
        try compare(zip(model.state.map(\.name), model.state.map(\.tensor)), stateAfterOne, tolerance)
      }
    }
    let evaluated = try withoutGradients { try model.forward(images, training: false) }
    #expect(try distance(evaluated.doubles(), evaluatedAfterTwo.flatMap(\.self)) < 10 * tolerance)
  }

  private func compare(
    _ found: some Sequence<(String, Tensor)>, _ expected: [String: Summary], _ tolerance: Double
  ) throws {
    // Rounding is relative to the largest: the gradient of a bias before a batch normalisation is nothing else.
    let scale = expected.values.map(\.norm).max() ?? 0
    var seen = 0
    for (name, tensor) in found {
      let wanted = try #require(expected[name], "\(name)")
      let values = try tensor.doubles()
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let projection = values.enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }
      #expect(abs(norm - wanted.norm) <= tolerance * scale, "\(name)")
      #expect(abs(projection - wanted.projection) <= tolerance * scale, "\(name)")
      seen += 1
    }
    #expect(seen == expected.count)
  }

  /// The largest difference, relative to the largest value.
  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / b.reduce(0) { max($0, abs($1)) }
  }

  /// First weights are those that PyTorch drew for the same seed, in the same order.
  func expect(_ drawn: ImageClassifier, isDrawnLike name: String) throws {
    let stored = try SafeTensors.read(Beside.fixture("\(name).safetensors").path)
    #expect(stored.tensors.map(\.name).sorted() == drawn.state.map(\.name).sorted())
    for (name, tensor) in drawn.state {
      let other = try #require(stored[name])
      // Vector units differ in the last bit of a logarithm or cosine.
      #expect(try zip(tensor.doubles(), other.doubles()).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(name)")
    }
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

/// PyTorch's side, which the variable LETHE_PYTHON names.
enum TorchVision {
  static let isThere = ProcessInfo.processInfo.environment["LETHE_PYTHON"] != nil

  /// Saves a model of three channels and 32×32 images, loads it strictly in torchvision and compares logits; gives what
  /// the script said.
  static func check(_ model: ImageClassifier) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lethe-torchvision-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
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
    return said
  }
}

extension Normalisation {
  static let cifar10ForTests = Normalisation(
    mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.247, 0.2435, 0.2616])
}
