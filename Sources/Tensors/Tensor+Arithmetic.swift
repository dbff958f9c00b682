extension Tensor {
  /// The sum, element by element; shapes are broadcast.
  package static func + (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().add.tensor(a, b) }
  /// The difference, element by element; shapes are broadcast.
  package static func - (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().sub.tensor(a, b) }
  /// The product, element by element; shapes are broadcast.
  package static func * (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().mul.tensor(a, b) }
  /// The quotient, element by element; shapes are broadcast. Whole numbers give floats.
  package static func / (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().div.tensor(a, b) }

  /// Each element plus a number.
  package static func + (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().addScalar.tensor(a, b) }
  /// Each element minus a number.
  package static func - (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().subScalar.tensor(a, b) }
  /// A number minus each element.
  package static func - (a: Double, b: Tensor) throws(TensorError) -> Tensor { try operators().rsubScalar.tensor(b, a) }
  /// Each element times a number.
  package static func * (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(a, b) }
  /// A number times each element.
  package static func * (a: Double, b: Tensor) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(b, a) }
  /// Each element divided by a number.
  package static func / (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().divScalar.tensor(a, b) }

  /// With a whole number a tensor of whole numbers stays one.
  package static func + (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().addScalar.tensor(a, b) }
  /// Each element minus a whole number.
  package static func - (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().subScalar.tensor(a, b) }
  /// Each element times a whole number.
  package static func * (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(a, b) }

  /// Each element with the other sign.
  package static prefix func - (a: Tensor) throws(TensorError) -> Tensor { try operators().neg.tensor(a) }

  /// Each element to the power `exponent`.
  package func power(_ exponent: Double) throws(TensorError) -> Tensor {
    try Self.operators().pow.tensor(self, exponent)
  }
  /// e to the power of each element.
  package func exp() throws(TensorError) -> Tensor { try Self.operators().exp.tensor(self) }
  /// The natural logarithm of each element.
  package func log() throws(TensorError) -> Tensor { try Self.operators().log.tensor(self) }
  /// The square root of each element.
  package func squareRoot() throws(TensorError) -> Tensor { try Self.operators().sqrt.tensor(self) }
  /// One over the square root of each element.
  package func reciprocalSquareRoot() throws(TensorError) -> Tensor { try Self.operators().rsqrt.tensor(self) }
  /// The sine of each element.
  package func sine() throws(TensorError) -> Tensor { try Self.operators().sin.tensor(self) }
  /// The cosine of each element.
  package func cosine() throws(TensorError) -> Tensor { try Self.operators().cos.tensor(self) }
  /// Each element without its sign.
  package func absolute() throws(TensorError) -> Tensor { try Self.operators().abs.tensor(self) }
  /// −1, 0 or 1 for each element.
  package func sign() throws(TensorError) -> Tensor { try Self.operators().sign.tensor(self) }
  /// One over each element.
  package func reciprocal() throws(TensorError) -> Tensor { try Self.operators().reciprocal.tensor(self) }
  /// The largest whole number not above each element.
  package func floor() throws(TensorError) -> Tensor { try Self.operators().floor.tensor(self) }
  /// The nearest whole number to each element; halves go to the even one.
  package func rounded() throws(TensorError) -> Tensor { try Self.operators().round.tensor(self) }
  /// 1 / (1 + e⁻ˣ) for each element.
  package func sigmoid() throws(TensorError) -> Tensor { try Self.operators().sigmoid.tensor(self) }
  /// The hyperbolic tangent of each element.
  package func tanh() throws(TensorError) -> Tensor { try Self.operators().tanh.tensor(self) }

  /// The remainder of division by `divisor`, of the divisor's sign.
  package func remainder(_ divisor: Int) throws(TensorError) -> Tensor {
    try Self.operators().remainder.tensor(self, divisor)
  }

  /// Each whole number moved right by so many bits; the sign is kept.
  package func shiftedRight(by bits: Int) throws(TensorError) -> Tensor {
    try Self.operators().shiftRight.tensor(self, bits)
  }

  /// Each element moved into `lower...upper`; nil is no bound.
  package func clamped(min lower: Double? = nil, max upper: Double? = nil) throws(TensorError) -> Tensor {
    try Self.operators().clamp.tensor(
      .tensor(self), lower.map(Value.float) ?? .none, upper.map(Value.float) ?? .none)
  }

  /// The larger of two elements, place by place; NaN wins.
  package func maximum(_ other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().maximum.tensor(self, other)
  }
  /// The smaller of two elements, place by place; NaN wins.
  package func minimum(_ other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().minimum.tensor(self, other)
  }

  /// `self + weight · (end − self)`.
  package func lerp(to end: Tensor, weight: Double) throws(TensorError) -> Tensor {
    try Self.operators().lerp.tensor(.tensor(self), .tensor(end), .float(weight))
  }

  /// The sum of products of two vectors.
  package func dot(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().dot.tensor(self, other) }

  /// The matrix product, batched over leading dimensions.
  package func matmul(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().matmul.tensor(self, other) }
}

/// Changes in place. A leaf that requires gradients may change only inside `withoutGradients`.
extension Tensor {
  /// `self += scale · other`.
  package func add(_ other: Tensor, scale: Double = 1) throws(TensorError) {
    guard scale != 1 else {
      _ = try Self.operators().addInPlace.tensor(self, other)
      return
    }
    _ = try Self.operators().addInPlace.tensor(.tensor(self), .tensor(other), .float(scale))
  }

  /// `self += number`.
  package func add(_ number: Double) throws(TensorError) {
    _ = try Self.operators().addScalarInPlace.tensor(self, number)
  }

  /// `self += number`, for tensors of whole numbers too.
  package func add(_ number: Int) throws(TensorError) { _ = try Self.operators().addScalarInPlace.tensor(self, number) }

  /// Takes the bits of each whole number away that `bits` does not have.
  package func keepBits(_ bits: Int) throws(TensorError) {
    _ = try Self.operators().bitwiseAndScalarInPlace.tensor(self, bits)
  }

  /// Keeps the bits of each whole number that `mask` has too, in place, and adds those of `bits`.
  package func replaceBits(outside mask: Tensor, with bits: Tensor) throws(TensorError) {
    _ = try Self.operators().bitwiseAndInPlace.tensor(self, mask)
    _ = try Self.operators().bitwiseOrInPlace.tensor(self, bits)
  }

  /// `self *= other`.
  package func multiply(by other: Tensor) throws(TensorError) {
    _ = try Self.operators().mulInPlace.tensor(self, other)
  }

  /// `self *= number`.
  package func multiply(by number: Double) throws(TensorError) {
    _ = try Self.operators().mulScalarInPlace.tensor(self, number)
  }

  /// Takes over the elements of `other`, converted to this tensor's type and device, broadcast to its shape.
  package func assign(_ other: Tensor) throws(TensorError) { _ = try Self.operators().copy.tensor(self, other) }

  /// Takes over another tensor's memory, shape and strides, in place: whoever holds this tensor sees the new elements.
  package func become(_ other: Tensor) throws(TensorError) { _ = try Self.operators().setSource.tensor(self, other) }

  /// Sets every element to `number`.
  package func fill(_ number: Double) throws(TensorError) { _ = try Self.operators().fill.tensor(self, number) }

  /// Sets every element to zero.
  package func zero() throws(TensorError) { _ = try Self.operators().zero.tensor(self) }

  /// Sets the elements where `mask` is true to `number`.
  package func fill(where mask: Tensor, _ number: Double) throws(TensorError) {
    _ = try Self.operators().maskedFill.tensor(.tensor(self), .tensor(mask), .float(number))
  }

  /// Copies the slices of `source` to the places `indices` along a dimension.
  package func copy(along dimension: Int, at indices: Tensor, _ source: Tensor) throws(TensorError) {
    _ = try Self.operators().indexCopy.tensor(.tensor(self), .int(dimension), .tensor(indices), .tensor(source))
  }

  /// Draws every element from a normal distribution.
  package func fillNormal(mean: Double = 0, deviation: Double = 1, _ generator: Generator?) throws(TensorError) {
    _ = try Self.operators().normalInPlace.tensor(
      .tensor(self), .float(mean), .float(deviation), generator.map(Value.generator) ?? .none)
  }

  /// Draws every element from [`from`, `to`).
  package func fillUniform(from: Double, to: Double, _ generator: Generator?) throws(TensorError) {
    _ = try Self.operators().uniformInPlace.tensor(
      .tensor(self), .float(from), .float(to), generator.map(Value.generator) ?? .none)
  }
}
