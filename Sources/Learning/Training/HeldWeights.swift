package import Tensors

/// Weights that a mask holds still, and the bits that they keep. Parameters are of a float type of two bytes or more.
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
    /// The same memory as whole numbers; in a block of all weights each parameter is a row.
    private let bits: [Tensor]
    /// All bits of weights that may move and none of the others, and the other way round the bits that are kept. Such numbers are put
    /// together five times as fast as `where` chooses between floats, and no infinity gets in. One row in a block of all weights.
    private let free, kept: [Tensor]
    private let isOneRow: Bool

    fileprivate init(
      _ pieces: [Piece], of parameters: [Tensor], free: [Tensor], kept: [Tensor], asOneRow isOneRow: Bool
    ) throws(TensorError) {
      func cut(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
        try pieces.map { (piece) throws(TensorError) in try piece.cut(whole).detach() }
      }
      func rows(_ tensors: [Tensor]) throws(TensorError) -> [Tensor] {
        try tensors.map { (tensor) throws(TensorError) in try tensor.inMemoryOrder() }
      }
      self.pieces = pieces
      self.isOneRow = isOneRow
      self.parameters = try cut(parameters)
      let bits = try self.parameters.map { (tensor) throws(TensorError) in
        try tensor.reinterpreted(as: tensor.dtype.bits)
      }
      self.bits = try isOneRow ? rows(bits) : bits
      self.free = try isOneRow ? [.cat(rows(cut(free)))] : cut(free)
      self.kept = try isOneRow ? [.cat(rows(cut(kept)))] : cut(kept)
    }

    /// The block's part of gradients or moments in the parameters' memory order; nothing of nothing.
    func cut(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
      whole.isEmpty ? [] : try pieces.map { (piece) throws(TensorError) in try piece.cut(whole) }
    }

    /// Gives held weights their bits back.
    func putBack() throws(TensorError) {
      guard isOneRow else {
        for (index, bits) in bits.enumerated() { try bits.replaceBits(outside: free[index], with: kept[index]) }
        return
      }
      let row = try Tensor.cat(bits)
      try row.replaceBits(outside: free[0], with: kept[0])
      try Foreach.copy(bits, row.split(bits.map(\.count)))
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
    var free: [Tensor] = []
    var kept: [Tensor] = []
    for (parameter, active) in zip(parameters, active) {
      let bits = try parameter.detach().reinterpreted(as: parameter.dtype.bits)
      // -1 has all bits.
      free.append(try Tensor.zeros(like: bits) - active.to(bits.dtype))
      // What is left where the bits of weights that may move are taken away.
      let rest = try bits.clone()
      try rest.multiply(by: active.not().to(bits.dtype))
      kept.append(rest)
    }
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
    blocks = try cuts.filter { !$0.isEmpty }.map { (pieces) throws(TensorError) in
      try Block(pieces, of: parameters, free: free, kept: kept, asOneRow: isOneRow)
    }
  }

  /// Gives held weights their bits back.
  package func putBack() throws(TensorError) {
    for block in blocks { try block.putBack() }
  }
}

extension DType {
  /// The whole numbers of the same size.
  fileprivate var bits: DType {
    switch byteCount {
    case 8: .int64
    case 4: .int32
    default: .int16
    }
  }
}
