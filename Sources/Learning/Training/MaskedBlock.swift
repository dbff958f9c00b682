import Tensors

/// Some of an optimizer's weights, stepped along together and put back at once where a mask holds them still: while they are
/// in the processor's cache, that costs no further walk through memory. On a device one block has all weights.
struct MaskedBlock {
  /// Where a tensor of the block lies in the parameter of that number; a whole parameter keeps its shape.
  private struct Piece {
    let parameter, start, length: Int
    let isWhole: Bool

    func cut(_ whole: [Tensor]) throws(TensorError) -> Tensor {
      isWhole
        ? whole[parameter]
        : try whole[parameter].detach().inMemoryOrder().narrow(0, start: start, length: length)
    }
  }

  /// Of so many weights at most, but on a device: with gradient, moments and what they were before about two megabytes.
  private static let size = 1 << 17

  private let pieces: [Piece]
  let parameters, means, squares: [Tensor]
  /// True where a weight may move; on a device 1 where it must not, in the parameters' type.
  private let mask: [Tensor]
  /// The weights before the step; blocks of a processor share this memory.
  private let before: [Tensor]

  /// Cuts parameters and their moments (empty where the rule has none), all in the same memory order, into blocks.
  ///
  /// - Parameter active: for each parameter true where a weight may move, in the parameter's memory order.
  static func blocks(
    _ parameters: [Tensor], means: [Tensor], squares: [Tensor], active: [Tensor]
  ) throws(TensorError) -> [MaskedBlock] {
    guard let first = parameters.first else { return [] }
    if first.device != .cpu {
      let pieces = parameters.enumerated().map { Piece(parameter: $0, start: 0, length: $1.count, isWhole: true) }
      var held: [Tensor] = []
      var before: [Tensor] = []
      for (parameter, active) in zip(parameters, active) {
        let factor = try Tensor.zeros(like: parameter.detach())
        try factor.assign(active.not())
        held.append(factor)
        before.append(try Tensor.zeros(like: parameter.detach()))
      }
      return [
        MaskedBlock(
          pieces: pieces, parameters: parameters, means: means, squares: squares, mask: held, before: before)
      ]
    }
    let scratch = try Tensor.empty([size], dtype: first.dtype)
    var blocks: [MaskedBlock] = []
    var pieces: [Piece] = []
    func close() throws(TensorError) {
      func cut(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
        whole.isEmpty ? [] : try pieces.map { (piece) throws(TensorError) in try piece.cut(whole) }
      }
      var place = 0
      var before: [Tensor] = []
      let weights = try cut(parameters)
      for (piece, weights) in zip(pieces, weights) {
        before.append(
          try scratch.narrow(0, start: place, length: piece.length).asStrided(like: weights))
        place += piece.length
      }
      blocks.append(
        MaskedBlock(
          pieces: pieces, parameters: weights, means: try cut(means), squares: try cut(squares), mask: try cut(active),
          before: before))
      pieces = []
    }
    var room = size
    for (number, parameter) in parameters.enumerated() {
      var start = 0
      while start < parameter.count {
        let length = min(room, parameter.count - start)
        pieces.append(Piece(parameter: number, start: start, length: length, isWhole: length == parameter.count))
        start += length
        room -= length
        if room == 0 {
          try close()
          room = size
        }
      }
    }
    if !pieces.isEmpty { try close() }
    return blocks
  }

  /// The block's part of gradients in the parameters' memory order.
  func gradients(_ whole: [Tensor]) throws(TensorError) -> [Tensor] {
    try pieces.map { (piece) throws(TensorError) in try piece.cut(whole) }
  }

  /// Takes a step and puts the weights that must not move back.
  func hold(during step: () throws(TensorError) -> Void) throws(TensorError) {
    try Foreach.copy(before, parameters)
    try step()
    guard parameters[0].device == .cpu else {
      // One launch for all; a weight of 1 gives the old number, though a -0 may come back as 0.
      return try Foreach.lerp(parameters, to: before, weights: mask)
    }
    for (index, parameter) in parameters.enumerated() { try parameter.keep(where: mask[index], else: before[index]) }
  }
}
