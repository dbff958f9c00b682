import Foundation
import Tensors

@testable import Learning

/// `Fixtures/generation.json`, which `scripts/reference/generation.py` made with NumPy, SciPy and scikit-learn.
struct GenerationFixture: Decodable {
  struct Kid: Decodable {
    let count, size: Int
    let seed: UInt64
    let value, deviation: Double
  }

  struct Neighbours: Decodable {
    let k, precision, recall: Int
  }

  struct Score: Decodable {
    let splits: Int
    let seed: UInt64
    let value, deviation: Double
  }

  struct Wilson: Decodable {
    let count, of: Int
    let low, high: Double
  }

  let real, generated, few, fewer: [[Double]]
  let fid, fidOfFew: Double
  let mean: [Double]
  let covariance: [[Double]]
  let kid: [Kid]
  let neighbours: [Neighbours]
  let logits: [[Double]]
  let scores: [Score]
  let probability, entropy: Double
  let targets, images: [[[[Double]]]]
  let distances, cosines, pixelDistances, losses: [Double]
  let timesteps: [Int]
  let wilson: [Wilson]

  static func read() throws -> GenerationFixture {
    try JSONDecoder().decode(GenerationFixture.self, from: Data(contentsOf: Beside.fixture("generation.json")))
  }

  func features(_ rows: [[Double]], _ name: String) throws -> FeatureSet {
    try FeatureSet(matrix(rows), name: name, metric: "test")
  }
}

func matrix(_ rows: [[Double]]) throws -> Tensor {
  try Tensor(rows.flatMap(\.self), shape: [rows.count, rows.first?.count ?? 0])
}

/// Images [n, C, H, W].
func images(_ nested: [[[[Double]]]]) throws -> Tensor {
  try Tensor(
    nested.flatMap { $0.flatMap { $0.flatMap(\.self) } },
    shape: [nested.count, nested[0].count, nested[0][0].count, nested[0][0][0].count])
}

/// Normal features, a row each, of a seed.
func normalFeatures(_ shape: [Int], seed: UInt64, mean: Double = 0) throws -> Tensor {
  try Tensor.randomNormal(shape, dtype: .float64, generator: Generator(seed: seed)) + mean
}

/// The largest difference between two lists of one length.
func farthest(_ a: [Double], _ b: [Double]) -> Double {
  a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}
