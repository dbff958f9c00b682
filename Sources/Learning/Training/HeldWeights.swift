package import Tensors

/// Weights that a mask holds still, and the bits that they keep.
///
/// On a processor they are cut into blocks: an optimizer steps along one and the held weights in it are put back at once, while
/// they are in the cache, which saves a walk through memory. On a device, where launches are dear, one block has all weights.
package final class HeldWeights {
  /// Where a tensor of a block lies in the parameter of that number; a whole parameter keeps its shape.
  fileprivate struct Piece {
    let parameter, start, length: Int
    let isWhole: Bool

    func cut(_ whole: [Tensor]) throws(TensorError) -> Tensor {
      isWhole
        ? whole[parameter] : try whole[parameter].detach().inMemoryOrder().narrow(0, start: start, length: length)
    }
  }

  /// Some of the weights.
  struct Block {
    private let pieces: [Piece]
    /// The weights; they change in place.
    let parameters: [Tensor]
    /// True where a weight may move, and what the others are; of a block of all weights, one row each.
    private let active, kept: [Tensor]
    private let isOneRow: Bool

    fileprivate init(
      _ pieces: [Piece], of parameters: [Tensor], active: [Tensor], kept: [Tensor], asOneRow isOneRow: Bool
    ) throws(TensorError) {
      func cut(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
        try pieces.map { (piece) throws(TensorError) in try piece.cut(whole) }
      }
      func row(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
        [try Tensor.cat(whole.map { (tensor) throws(TensorError) in try tensor.inMemoryOrder() })]
      }
      self.pieces = pieces
      self.isOneRow = isOneRow
      self.parameters = try cut(parameters).map { (tensor) throws(TensorError) in try tensor.detach() }
      self.active = try isOneRow ? row(active) : cut(active)
      self.kept = try isOneRow ? row(kept) : cut(kept)
    }

    /// The block's part of gradients or moments in the parameters' memory order; nothing of nothing.
    func cut(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
      whole.isEmpty ? [] : try pieces.map { (piece) throws(TensorError) in try piece.cut(whole) }
    }

    /// Gives held weights their bits back. Inside `withoutGradients`.
    func putBack() throws(TensorError) {
      guard isOneRow else {
        for (index, parameter) in parameters.enumerated() {
          try parameter.keep(where: active[index], else: kept[index])
        }
        return
      }
      let rows = try parameters.map { (tensor) throws(TensorError) in try tensor.inMemoryOrder() }
      let row = try Tensor.cat(rows)
      try row.keep(where: active[0], else: kept[0])
      try Foreach.copy(rows, row.split(rows.map(\.count)))
    }
  }

  /// Weights of a block at most, but on a device: with gradient, moments and the bits that are kept about two megabytes.
  private static let size = 1 << 17

  /// All weights, each in one block.
  let blocks: [Block]

  /// Holds weights at the bits that they have now.
  ///
  /// - Parameters:
  ///   - parameters: what is held; without gaps in memory.
  ///   - active: for each parameter booleans of its shape in its memory order, true where a weight may move.
  ///   - isOneRow: whether one block has all weights; nil: on a device.
  package init(_ parameters: [Tensor], active: [Tensor], asOneRow isOneRow: Bool? = nil) throws(TensorError) {
    let isOneRow = isOneRow ?? (parameters.first?.device != .cpu)
    let kept = try parameters.map { (parameter) throws(TensorError) in try parameter.detach().clone() }
    var cuts: [[Piece]] = [[]]
    var room = Self.size
    for (number, parameter) in parameters.enumerated() {
      var start = 0
      while start < parameter.count {
        if room == 0 {
          cuts.append([])
          room = Self.size
        }
        let length = isOneRow ? parameter.count : min(room, parameter.count - start)
        cuts[cuts.count - 1].append(
          Piece(parameter: number, start: start, length: length, isWhole: length == parameter.count))
        start += length
        if !isOneRow { room -= length }
      }
    }
    let filled = parameters.enumerated().filter { $0.element.count > 0 }.map(\.offset)
    blocks = try cuts.filter { !$0.isEmpty }.map { (pieces) throws(TensorError) in
      // Rows are of the parameters that have pieces: empty ones have none.
      try Block(
        pieces, of: parameters, active: isOneRow ? filled.map { active[$0] } : active,
        kept: isOneRow ? filled.map { kept[$0] } : kept, asOneRow: isOneRow)
    }
  }

  /// Gives held weights their bits back. Inside `withoutGradients`.
  package func putBack() throws(TensorError) {
    for block in blocks { try block.putBack() }
  }
}
