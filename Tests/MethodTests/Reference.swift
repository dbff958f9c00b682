import Foundation
import Tensors

/// Values that scripts/reference wrote.
enum Reference {
  /// One part of a fixture.
  static func read<Part: Decodable>(_ file: String, _ part: String) throws -> Part {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(file)")
    let parts = try JSONDecoder().decode([String: Piece<Part>].self, from: Data(contentsOf: url))
    guard case .part(let found)? = parts[part] else { throw CocoaError(.coderValueNotFound) }
    return found
  }

  private enum Piece<Part: Decodable>: Decodable {
    case part(Part), other

    init(from decoder: any Decoder) throws {
      self = (try? Part(from: decoder)).map { .part($0) } ?? .other
    }
  }
}

extension DiffusionWorld {
  /// Gives the model these weights, one flat list for each parameter.
  func load(_ network: [[Double]]) throws {
    try withoutGradients {
      for (tensor, values) in zip(models[0], network) { try tensor.assign(Tensor(values, shape: tensor.shape)) }
    }
  }
}
