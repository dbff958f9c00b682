// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Operators that most methods need, with LibTorch's rules for shapes (broadcasting) and element types. They are recorded
/// for gradients as usual. Anything else: `Call.operator`.
extension Tensor {
  // MARK: Arithmetic

  /// Element by element.
  public static func + (a: Tensor, b: Tensor) throws -> Tensor { try a.call.apply(.add, [a.value, b.value]) }
  /// Element by element.
  public static func - (a: Tensor, b: Tensor) throws -> Tensor { try a.call.apply(.sub, [a.value, b.value]) }
  /// Element by element.
  public static func * (a: Tensor, b: Tensor) throws -> Tensor { try a.call.apply(.mul, [a.value, b.value]) }
  /// Element by element.
  public static func / (a: Tensor, b: Tensor) throws -> Tensor { try a.call.apply(.div, [a.value, b.value]) }
  /// Adds a number to every element.
  public static func + (a: Tensor, b: Double) throws -> Tensor {
    try a.call.apply(.addScalar, [a.value, lethe_of_float(b)])
  }
  /// Multiplies every element by a number.
  public static func * (a: Double, b: Tensor) throws -> Tensor {
    try b.call.apply(.mulScalar, [b.value, lethe_of_float(a)])
  }
  /// The remainder with the sign of the divisor: in 0..<divisor for a positive one.
  public static func % (a: Tensor, divisor: Int) throws -> Tensor {
    try a.call.apply(.remainder, [a.value, lethe_of_int(Int64(divisor))])
  }
  /// The other sign.
  public static prefix func - (a: Tensor) throws -> Tensor { try a.call.apply(.neg, [a.value]) }
  /// |x|.
  public func abs() throws -> Tensor { try call.apply(.abs, [value]) }
  /// -1, 0 or 1.
  public func sign() throws -> Tensor { try call.apply(.sign, [value]) }
  /// e^x.
  public func exp() throws -> Tensor { try call.apply(.exp, [value]) }
  /// The natural logarithm.
  public func log() throws -> Tensor { try call.apply(.log, [value]) }
  /// The square root.
  public func sqrt() throws -> Tensor { try call.apply(.sqrt, [value]) }
  /// 1 / (1 + e^-x).
  public func sigmoid() throws -> Tensor { try call.apply(.sigmoid, [value]) }
  /// max(x, 0).
  public func relu() throws -> Tensor { try call.apply(.relu, [value]) }
  /// To the nearest whole number; halves to the even one.
  public func rounded() throws -> Tensor { try call.apply(.round, [value]) }
  /// Values held between two bounds; nil is no bound. NaN stays.
  public func clamped(min: Double? = nil, max: Double? = nil) throws -> Tensor {
    try call.apply(.clamp, [value, min.map(lethe_of_float) ?? lethe_none(), max.map(lethe_of_float) ?? lethe_none()])
  }

  // MARK: Comparison and choice

  /// Where the elements are equal; truth values.
  public func equals(_ other: Tensor) throws -> Tensor { try call.apply(.equal, [value, other.value]) }
  /// Where the elements are greater; truth values.
  public func isGreater(than bound: Double) throws -> Tensor {
    try call.apply(.greater, [value, lethe_of_float(bound)])
  }
  /// This tensor where `condition` holds, a number elsewhere.
  public func `where`(_ condition: Tensor, else other: Double) throws -> Tensor {
    try call.apply(.choose, [condition.value, value, lethe_of_float(other)])
  }

  // MARK: Reduction

  /// The sum of all elements, a scalar.
  public func sum() throws -> Tensor { try call.apply(.sum, [value]) }
  /// The sum along a dimension, which vanishes.
  public func sum(along dimension: Int) throws -> Tensor {
    let dims = [Int64(dimension)]
    return try dims.withUnsafeBufferPointer { buffer in
      try call.apply(.sumAlong, [value, lethe_of_ints(buffer.baseAddress, UInt32(buffer.count))])
    }
  }
  /// The mean of all elements, a scalar.
  public func mean() throws -> Tensor { try call.apply(.mean, [value]) }
  /// exp(x) / sum exp(x) along a dimension; the largest element is subtracted first.
  public func softmax(along dimension: Int) throws -> Tensor {
    try call.apply(.softmax, [value, lethe_of_int(Int64(dimension))])
  }
  /// log of `softmax`.
  public func logSoftmax(along dimension: Int) throws -> Tensor {
    try call.apply(.logSoftmax, [value, lethe_of_int(Int64(dimension))])
  }
  /// The index of the largest element along a dimension, int64.
  public func argmax(along dimension: Int) throws -> Tensor {
    try call.apply(.argmax, [value, lethe_of_int(Int64(dimension))])
  }

  // MARK: Shape

  /// The same elements in another shape; one dimension may be -1.
  public func reshaped(_ shape: [Int]) throws -> Tensor {
    let dims = shape.map(Int64.init)
    return try dims.withUnsafeBufferPointer { buffer in
      try call.apply(.reshape, [value, lethe_of_ints(buffer.baseAddress, UInt32(buffer.count))])
    }
  }
  /// `count` rows from `start` on, without a copy.
  public func narrowed(to start: Int, count: Int, along dimension: Int = 0) throws -> Tensor {
    try call.apply(
      .narrow, [value, lethe_of_int(Int64(dimension)), lethe_of_int(Int64(start)), lethe_of_int(Int64(count))])
  }
  /// The entries at these int64 indices along a dimension.
  public func selecting(_ indices: Tensor, along dimension: Int = 0) throws -> Tensor {
    try call.apply(.indexSelect, [value, lethe_of_int(Int64(dimension)), indices.value])
  }
  /// One entry for each int64 index: `out[i][j] = self[i][indices[i][j]]` along dimension 1.
  public func gathering(_ indices: Tensor, along dimension: Int) throws -> Tensor {
    try call.apply(.gather, [value, lethe_of_int(Int64(dimension)), indices.value])
  }
  /// Joins tensors along a dimension. At least one.
  public static func concatenating(_ tensors: [Tensor], along dimension: Int = 0) throws -> Tensor {
    guard let call = tensors.first?.call else { throw Failure("there are no tensors to join") }
    let handles: [lethe_tensor?] = tensors.map(\.handle)
    return try handles.withUnsafeBufferPointer { buffer in
      var payload = lethe_payload()
      payload.ts = buffer.baseAddress
      let list = lethe_value(tag: LETHE_T_TENSORS, count: UInt32(buffer.count), as: payload)
      return try call.apply(.cat, [list, lethe_of_int(Int64(dimension))])
    }
  }

  // MARK: Making

  /// Zeros of the same shape, type and device.
  public func zerosLike() throws -> Tensor { try call.apply(.zerosLike, [value]) }
  /// One number in every element, with the same shape, type and device.
  public func filledLike(_ number: Double) throws -> Tensor {
    try call.apply(.fullLike, [value, lethe_of_float(number)])
  }
  /// A copy with memory of its own.
  public func clone() throws -> Tensor { try call.apply(.clone, [value]) }
  /// The same elements without the graph.
  public func detached() throws -> Tensor { try call.apply(.detach, [value]) }
  /// The same elements as the beginning of a graph: what gradients can be taken with respect to.
  public func asLeaf() throws -> Tensor {
    try call.apply(.requiresGrad, [detached().value, lethe_of_bool(1)])
  }
  /// The elements in another type; the tensor itself where it has that type.
  public func converted(to dtype: DType) throws -> Tensor {
    try call.apply(.convert, [value, lethe_of_dtype(dtype)])
  }
  /// Integers drawn uniformly from `range`, with this tensor's shape, type and device.
  public func randomLike(_ range: Range<Int>, _ generator: Generator) throws -> Tensor {
    let empty = try call.apply(.emptyLike, [value])
    return try call.apply(
      .randomInPlace,
      [
        empty.value, lethe_of_int(Int64(range.lowerBound)), lethe_of_int(Int64(range.upperBound)),
        lethe_of_generator(generator),
      ])
  }
  /// Numbers drawn uniformly from [0, 1), with this tensor's shape, type and device.
  public func uniformLike(_ generator: Generator) throws -> Tensor {
    let empty = try call.apply(.emptyLike, [value])
    return try call.apply(
      .uniformInPlace, [empty.value, lethe_of_float(0), lethe_of_float(1), lethe_of_generator(generator)])
  }
  /// Numbers drawn from N(0, 1), with this tensor's shape, type and device.
  public func normalLike(_ generator: Generator) throws -> Tensor {
    let empty = try call.apply(.emptyLike, [value])
    return try call.apply(
      .normalInPlace, [empty.value, lethe_of_float(0), lethe_of_float(1), lethe_of_generator(generator)])
  }

  // MARK: In place

  /// Adds in place.
  public func add(_ other: Tensor) throws { _ = try call.apply(.addInPlace, [value, other.value]) }
  /// Multiplies in place.
  public func multiply(by other: Tensor) throws { _ = try call.apply(.mulInPlace, [value, other.value]) }
  /// Copies the other's elements here.
  public func copy(from other: Tensor) throws { _ = try call.apply(.copyInPlace, [value, other.value]) }
}
