import Foundation
import Tensors
import Testing

@testable import Learning

/// `diffusion.json`, which `scripts/reference/diffusion.py` made with diffusers.
struct DiffusionReference: Decodable {
  /// A network: what it is given by position (`uniform`), and what comes out.
  struct Net: Decodable {
    let config: String?
    let shape: [Int]
    let timesteps: [Int64]
    let classes: [Int64]?
    let weights: [NamedShape]
    let drawnSeed: UInt64
    let drawn: [String: [Double]]
    let outputShape: [Int]
    let output: [Double]?
    let outputSummary: [Double]
    let loss: Double
    let gradients: [String: [Double]]
  }

  /// A parameter's name and shape, written as a pair.
  struct NamedShape: Decodable, Equatable {
    let name: String
    let shape: [Int]

    init(from decoder: any Decoder) throws {
      var pair = try decoder.unkeyedContainer()
      name = try pair.decode(String.self)
      shape = try pair.decode([Int].self)
    }

    init(_ name: String, _ shape: [Int]) {
      self.name = name
      self.shape = shape
    }
  }

  struct Schedule: Decodable {
    let shape: String
    let timesteps: Int
    let betaStart: Double
    let betaEnd: Double
    let places: [Int]
    let betas: [Double]
    let alphaBars: [Double]
    let noisy: [Double]
  }

  struct Walk: Decodable, Sendable {
    let kind: String
    let eta: Double?
    let steps: Int
    let clip: Bool
    let variance: String?
    let timesteps: [Int]
    let kept: [Int]
    let walk: [[Double]]
  }

  struct Average: Decodable {
    struct Step: Decodable {
      let decay: Double
      let values: [Double]
    }

    let power: Double
    let highest: Double
    let steps: [Step]
    let counts: [Int]
    let decays: [Double]
  }

  let unets: [String: Net]
  let conditional: Net
  let schedules: [Schedule]
  let samplers: [Walk]
  let averages: [Average]

  static func read() throws -> DiffusionReference {
    let decoder = JSONDecoder()
    // The names of parameters are keys too: only those of this type are changed.
    decoder.keyDecodingStrategy = .custom { path in
      let key = path[path.count - 1]
      let known = [
        "drawn_seed": "drawnSeed", "output_shape": "outputShape", "output_summary": "outputSummary",
        "beta_start": "betaStart", "beta_end": "betaEnd", "alpha_bars": "alphaBars",
      ]
      return Key(stringValue: known[key.stringValue] ?? key.stringValue)
    }
    return try decoder.decode(DiffusionReference.self, from: Data(contentsOf: Beside.fixture("diffusion.json")))
  }

  private struct Key: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Numbers in [-1, 1) that depend on `number` and their position, as the script computes them.
  static func uniform(_ number: Int, _ shape: [Int]) throws -> Tensor {
    let salt = UInt32(truncatingIfNeeded: (number + 1) * 0x85EB_CA6B)
    let values = (0..<shape.reduce(1, *)).map { index in
      var x = (UInt32(truncatingIfNeeded: index + 1) &* 0x9E37_79B1) ^ salt
      x ^= x >> 15
      x &*= 0x2C1B_3C6D
      x ^= x >> 12
      x &*= 0x297A_2D39
      x ^= x >> 15
      return Double(x >> 8) / 0x80_0000 - 1
    }
    return try Tensor(values, shape: shape)
  }

  static func summary(_ tensor: Tensor) throws -> [Double] {
    let values = try tensor.doubles()
    let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return [norm, values.enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }]
  }

  /// The largest difference, relative to the largest value.
  static func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / b.reduce(0) { max($0, abs($1)) }
  }
}

extension DiffusionReference.Net {
  /// Gives a model the script's weights, and compares names, prediction, loss and gradients.
  func expect(_ model: Denoiser, agreesTo tolerance: Double) throws {
    #expect(model.state.map { DiffusionReference.NamedShape($0.name, $0.tensor.shape) } == weights)
    let values = try model.state.enumerated().map { number, entry in
      let shape = entry.tensor.shape
      var drawn = try DiffusionReference.uniform(number, shape)
      if shape.count > 1 {
        drawn = try drawn * (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
      } else if entry.name.hasSuffix("weight") {
        drawn = try drawn / 4.0 + 1.0
      } else {
        drawn = try drawn / 4.0
      }
      return (name: entry.name, tensor: try drawn.to(.float32))
    }
    try model.load(values)
    let images = try DiffusionReference.uniform(900, shape).to(model.dtype)
    let output = try model.forward(
      images, timesteps: Tensor(timesteps, shape: [timesteps.count]),
      conditions: classes.map { try Tensor($0, shape: [$0.count]) }, training: false)
    #expect(output.shape == outputShape)
    if let expected = self.output {
      #expect(DiffusionReference.distance(try output.doubles(), expected) < tolerance)
    }
    try near(DiffusionReference.summary(output), outputSummary, tolerance * outputSummary[0])
    let target = try DiffusionReference.uniform(901, outputShape).to(model.dtype)
    let loss = try output.squaredError(target) / 2.0
    #expect(abs(try loss.item() - self.loss) < tolerance)
    let used = model.parameters.filter { gradients[$0.name] != nil }
    #expect(used.count == gradients.count && used.count == model.parameters.count)
    let found = try gradient(of: [loss], withRespectTo: used.map(\.tensor)).compactMap(\.self)
    let scale = gradients.values.map { $0[0] }.max() ?? 0
    for ((name, _), gradient) in zip(used, found) {
      try near(DiffusionReference.summary(gradient), gradients[name] ?? [], tolerance * scale, name)
    }
  }

  /// First weights are what PyTorch draws from one generator, parameter after parameter.
  func expect(drawn model: Denoiser) throws {
    #expect(drawn.count == model.state.count)
    for (name, tensor) in model.state {
      let expected = try #require(drawn[name], "\(name)")
      try near(DiffusionReference.summary(tensor), expected, 1e-5 * max(1, expected[0]), name)
    }
  }

  private func near(_ a: [Double], _ b: [Double], _ tolerance: Double, _ name: String = "") throws {
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= tolerance } && a.count == b.count, "\(name): \(a) \(b)")
  }
}
