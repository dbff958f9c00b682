import Foundation
import Tensors
import Testing

@testable import Learning

/// `Fixtures/inception.json`, which `scripts/reference/generation.py` made with `pytorch-fid` and `torch-fidelity`.
private struct InceptionFixture: Decodable {
  struct Summary: Decodable {
    let first: [Double]
    let norm, projection: Double

    /// The largest difference, relative to the largest value or the norm.
    func distance(_ tensor: Tensor) throws -> Double {
      let values = try tensor.doubles()
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let projection = values.enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }
      let largest = first.reduce(0) { max($0, abs($1)) }
      return max(
        farthest(Array(values.prefix(first.count)), first) / largest, abs(norm - self.norm) / self.norm,
        abs(projection - self.projection) / self.norm)
    }
  }

  let shape: [Int]
  let weights: Int
  let pytorchFID, tensorflow, logits: Summary

  enum CodingKeys: String, CodingKey {
    case shape, weights, tensorflow, logits
    case pytorchFID = "pytorch-fid"
  }

  static func read() throws -> InceptionFixture {
    try JSONDecoder().decode(InceptionFixture.self, from: Data(contentsOf: Beside.fixture("inception.json")))
  }
}

/// The script's numbers from a name, in [0, 1).
private func mixed(_ name: String, _ count: Int) -> [Double] {
  var start: UInt32 = 0x811C_9DC5
  for byte in name.utf8 { start = (start ^ UInt32(byte)) &* 0x0100_0193 }
  return (0..<count).map { index in
    var x = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ start
    x = (x ^ (x >> 16)) &* 0x85EB_CA6B
    x = (x ^ (x >> 13)) &* 0xC2B2_AE35
    return Double(x ^ (x >> 16)) * 0x1p-32
  }
}

private func weights() throws -> [(name: String, tensor: Tensor)] {
  try InceptionLayer.shapes.map { name, shape in
    let count = shape.reduce(1, *)
    let numbers = try Tensor(mixed(name, count), shape: shape)
    let tensor =
      if name.hasPrefix("fc.") {
        try (numbers - 0.5) * 0.05
      } else if name.hasSuffix("conv.weight") {
        try (numbers - 0.5) * (24 / Double(count / shape[0])).squareRoot()
      } else if name.hasSuffix("bn.weight") || name.hasSuffix("running_var") {
        try numbers + 0.5
      } else {
        try (numbers - 0.5) * 0.2
      }
    // Files of weights are in single precision.
    return (name, try tensor.to(.float32))
  }
}

@Suite(.serialized) struct InceptionV3Tests {
  @Test(arguments: InceptionV3.Preprocessing.allCases)
  func `features are those of the published implementations with the same weights`(
    _ preprocessing: InceptionV3.Preprocessing
  ) throws {
    let fixture = try InceptionFixture.read()
    let weights = try weights()
    #expect(weights.reduce(0) { $0 + $1.tensor.count } == fixture.weights)
    let count = fixture.shape.reduce(1, *)
    let images = try Tensor(mixed("images", count), shape: fixture.shape) * 2.0 - 1.0
    let expected = preprocessing == .tensorFlow ? fixture.tensorflow : fixture.pytorchFID
    for (dtype, tolerance) in [(DType.float64, 1e-9), (.float32, 1e-4)] {
      let network = try InceptionV3(weights, from: "test", preprocessing: preprocessing, dtype: dtype)
      let features = try network.features(images, batch: 1, cancel: CancelFlag())
      #expect(features.shape == [2, InceptionV3.featureCount])
      let found = try expected.distance(features)
      #expect(found < tolerance, "\(dtype)")
      guard preprocessing == .tensorFlow else { continue }
      #expect(try fixture.logits.distance(network.logits(features)) < tolerance)
    }
  }

  @Test func `a file without the last layer gives features, and one without a convolution is refused`() throws {
    let all = try weights()
    let body = all.filter { !$0.name.hasPrefix("fc.") }
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let path = folder.url.appending(path: "inception.safetensors").path
    try SafeTensors.write(body, to: path)
    let network = try InceptionV3(file: path)
    let grey = try Tensor.zeros([1, 1, 28, 28])
    let features = try network.features(grey, cancel: CancelFlag())
    #expect(throws: LearningError.weightsMissing(path: "inception-v3", names: ["fc.weight"])) {
      try network.logits(features)
    }
    let name = "Mixed_6e.branch7x7_2.conv.weight"
    #expect(throws: LearningError.weightsMissing(path: "w", names: [name])) {
      try InceptionV3(body.filter { $0.name != name }, from: "w")
    }
    #expect(throws: LearningError.weightsUnexpected(path: "w", names: ["AuxLogits.fc.weight"])) {
      try InceptionV3(body + [("AuxLogits.fc.weight", Tensor.zeros([1]))], from: "w")
    }
    #expect(throws: LearningError.self) { try network.features(Tensor.zeros([1, 2, 28, 28]), cancel: CancelFlag()) }
  }
}

struct ClassifierFeaturesTests {
  @Test func `the last layer of features gives the logits of every classifier`() throws {
    let shape = [3, 32, 32]
    let normalisation = Normalisation.cifar10ForTests
    let images = try Tensor.randomUniform([4] + shape, generator: Generator(seed: 2))
    let models: [(ImageClassifier, String, Int)] = [
      (
        try .smallCNN(channels: [4, 8], inputShape: shape, classes: 5, normalisation: normalisation, seed: 1), "fc",
        8 * 8 * 8
      ),
      (try .resNet18(width: 4, inputShape: shape, classes: 5, normalisation: normalisation, seed: 1), "fc", 32),
      (
        try .vgg16(.threeLinear, width: 4, inputShape: shape, classes: 5, normalisation: normalisation, seed: 1),
        "classifier.4", 16
      ),
      (
        try .vgg16(.globalAverage, width: 4, inputShape: shape, classes: 5, normalisation: normalisation, seed: 1),
        "classifier", 32
      ),
    ]
    for (model, layer, width) in models {
      try withoutGradients {
        // Statistics that are not the first ones.
        _ = try model.forward(images, training: true)
        let features = try model.features(images)
        #expect(features.shape == [4, width])
        func parameter(_ name: String) throws -> Tensor {
          try #require(model.parameters.first { $0.name == "\(layer).\(name)" }?.tensor)
        }
        let logits = try features.linear(parameter("weight"), bias: parameter("bias"))
        #expect(try logits.floats() == model.forward(images, training: false).floats())
      }
    }
  }
}
