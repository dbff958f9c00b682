import PluginHost
import Tensors

/// What a step gave, as bytes and as numbers under names.
struct Answer: Equatable {
  struct Item: Equatable {
    let name: String
    let shape: [Int]
    let bytes: [UInt8]
    let numbers: [Double]
  }

  private(set) var items: [Item] = []

  init() {}

  /// The terms of an objective without their graph.
  init(_ terms: [Term]) throws {
    for term in terms {
      let kinds = [
        ("losses", term.losses), ("clean losses", term.cleanLosses), ("importance", term.importance),
        ("timesteps", term.timesteps), ("indices", term.indices), ("penalty", term.penalty),
      ]
      for (kind, tensor) in kinds { try add("\(kind) of '\(term.name)'", tensor) }
      let facts = [term.coefficient, Double(term.set.rawValue)]
      items.append(
        Item(name: "coefficient and set of '\(term.name)'", shape: [2], bytes: [], numbers: facts))
    }
  }

  /// Adds a tensor, or that there is none.
  mutating func add(_ name: String, _ tensor: Tensor?) throws {
    guard let tensor else { return items.append(Item(name: name, shape: [], bytes: [], numbers: [])) }
    let plain = try withoutGradients { try tensor.detach() }
    items.append(
      Item(
        name: name, shape: plain.shape, bytes: try Answer.bytes(plain),
        numbers: try plain.contiguous().to(.float64).doubles()))
  }

  /// A tensor's elements in row-major order.
  static func bytes(_ tensor: Tensor) throws -> [UInt8] {
    try withoutGradients { try tensor.detach().contiguous().bytes() }
  }

  /// The first item in which two answers differ in more than rounding; nil where there is none.
  ///
  /// - Parameter tolerance: relative to the largest number of the item; nil for bit by bit.
  func difference(from other: Answer, within tolerance: Double? = nil) -> String? {
    guard items.map(\.name) == other.items.map(\.name) else {
      return "there are \(items.count) answers and \(other.items.count)"
    }
    for (mine, theirs) in zip(items, other.items) where !mine.agrees(with: theirs, tolerance) { return mine.name }
    return nil
  }

  /// Whether every number is finite.
  var isFinite: Bool { items.allSatisfy { $0.numbers.allSatisfy(\.isFinite) } }
}

extension Answer.Item {
  fileprivate func agrees(with other: Answer.Item, _ tolerance: Double?) -> Bool {
    guard shape == other.shape, numbers.count == other.numbers.count else { return false }
    guard let tolerance else {
      return bytes == other.bytes && numbers.map(\.bitPattern) == other.numbers.map(\.bitPattern)
    }
    let scale = numbers.filter(\.isFinite).map(abs).max() ?? 0
    return zip(numbers, other.numbers).allSatisfy { a, b in
      a.bitPattern == b.bitPattern || abs(a - b) <= tolerance * max(scale, 1e-30) || (a.isNaN && b.isNaN)
    }
  }
}
