import Tensors

/// Which weights may move, and what it takes to keep the others where they are.
final class WeightMask {
  /// For each parameter, true where the weight may move, in the parameter's memory order.
  let active: [Tensor]
  /// How many weights of each parameter may move.
  let counts: [Int]
  /// How many weights may move.
  let kept: Int
  /// How many weights there are.
  let total: Int
  private let parameters: [Tensor]
  private var made: [Tensor]?

  /// A mask from booleans in parameter order, each of its parameter's shape.
  init(active chosen: [Tensor], like parameters: [Tensor]) throws {
    self.parameters = parameters
    active = try withoutGradients {
      try zip(chosen, parameters).map { chosen, parameter in
        // Strides like the parameter's, so that selections walk all tensors in one line.
        let active = try Tensor.zeros(like: parameter.detach()).to(.bool)
        try active.assign(chosen)
        return active
      }
    }
    // One wait for the device, not one a parameter.
    counts = try chosen.isEmpty ? [] : Tensor.stack(chosen.map { try $0.sum() }).int64s().map(Int.init)
    kept = counts.reduce(0, +)
    total = parameters.reduce(0) { $0 + $1.count }
  }

  /// For each parameter, 1 where the weight may move, else 0, in the parameter's type and memory order. Made when they are first asked
  /// for: where weights are held, nobody may ask.
  func factors() throws -> [Tensor] {
    if let made { return made }
    let factors = try zip(active, parameters).map { try $0.to($1.dtype) }
    made = factors
    return factors
  }

  /// Keeps the `floor(keep · P)` weights with the highest scores, over all parameters together, for each of these shares;
  /// of equal scores those that come first in parameter order. One selection finds the borders of all shares.
  ///
  /// - Parameters:
  ///   - scores: for each parameter a tensor of its shape; finite.
  ///   - shares: of weights that may move, each in 0 ... 1.
  ///   - body: takes the number of a share, and for each parameter a boolean tensor of its shape.
  static func selecting(
    _ scores: [Tensor], keeping shares: [Double], _ body: (_ number: Int, _ active: [Tensor]) throws -> Void
  ) throws {
    let flat = try Tensor.cat(scores.map { try $0.reshape([-1]) })
    let wanted = shares.map { Int(($0 * Double(flat.count)).rounded(.down)) }
    let borders = try RankSelection.largest(wanted.filter { $0 > 0 && $0 < flat.count }, of: flat)
    for (number, wanted) in wanted.enumerated() {
      guard let border = borders[wanted] else {
        let all = wanted <= 0 ? 0.0 : 1
        try body(number, scores.map { try Tensor.full($0.shape, all, dtype: .bool, device: $0.device) })
        continue
      }
      let parts = try first(wanted, of: flat, border).split(scores.map(\.count))
      try body(number, zip(parts, scores).map { part, score in try part.reshape(score.shape) })
    }
  }

  /// The same for one share.
  static func selecting(_ scores: [Tensor], keep share: Double) throws -> [Tensor] {
    var chosen: [Tensor] = []
    try selecting(scores, keeping: [share]) { chosen = $1 }
    return chosen
  }

  private static func first(_ wanted: Int, of flat: Tensor, _ border: RankSelection.Found) throws -> Tensor {
    let missing = wanted - border.above
    guard missing < border.equal else { return try flat.isAtLeast(border.value) }
    let above = try flat.isGreater(than: border.value)
    // Positions of equal scores come in rising order; the first `missing` of them are let in.
    let tied = try flat.equals(border.value).nonZero().reshape([-1]).narrow(0, start: 0, length: missing)
    try above.copy(along: 0, at: tied, Tensor.ones([missing], dtype: .bool, device: flat.device))
    return above
  }

  /// Keeps the weights whose score is at least `threshold`.
  static func selecting(_ scores: [Tensor], threshold: Double) throws -> [Tensor] {
    try scores.map { try $0.isAtLeast(threshold) }
  }
}
