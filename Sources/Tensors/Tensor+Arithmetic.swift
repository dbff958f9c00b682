extension Tensor {
  package static func + (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().add.tensor(a, b) }
  package static func - (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().sub.tensor(a, b) }
  package static func * (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().mul.tensor(a, b) }
  package static func / (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try operators().div.tensor(a, b) }

  package static func + (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().addScalar.tensor(a, b) }
  package static func - (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().subScalar.tensor(a, b) }
  package static func - (a: Double, b: Tensor) throws(TensorError) -> Tensor { try operators().rsubScalar.tensor(b, a) }
  package static func * (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(a, b) }
  package static func * (a: Double, b: Tensor) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(b, a) }
  package static func / (a: Tensor, b: Double) throws(TensorError) -> Tensor { try operators().divScalar.tensor(a, b) }

  /// With a whole number a tensor of whole numbers stays one.
  package static func + (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().addScalar.tensor(a, b) }
  package static func - (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().subScalar.tensor(a, b) }
  package static func * (a: Tensor, b: Int) throws(TensorError) -> Tensor { try operators().mulScalar.tensor(a, b) }

  package static prefix func - (a: Tensor) throws(TensorError) -> Tensor { try operators().neg.tensor(a) }

  /// Each element to the power `exponent`.
  package func power(_ exponent: Double) throws(TensorError) -> Tensor {
    try Self.operators().pow.tensor(self, exponent)
  }
  package func exp() throws(TensorError) -> Tensor { try Self.operators().exp.tensor(self) }
  package func log() throws(TensorError) -> Tensor { try Self.operators().log.tensor(self) }
  package func squareRoot() throws(TensorError) -> Tensor { try Self.operators().sqrt.tensor(self) }
  package func reciprocalSquareRoot() throws(TensorError) -> Tensor { try Self.operators().rsqrt.tensor(self) }
  package func absolute() throws(TensorError) -> Tensor { try Self.operators().abs.tensor(self) }
  package func sign() throws(TensorError) -> Tensor { try Self.operators().sign.tensor(self) }
  package func reciprocal() throws(TensorError) -> Tensor { try Self.operators().reciprocal.tensor(self) }
  package func floor() throws(TensorError) -> Tensor { try Self.operators().floor.tensor(self) }
  package func rounded() throws(TensorError) -> Tensor { try Self.operators().round.tensor(self) }
  package func sigmoid() throws(TensorError) -> Tensor { try Self.operators().sigmoid.tensor(self) }
  package func tanh() throws(TensorError) -> Tensor { try Self.operators().tanh.tensor(self) }

  /// The remainder of division by `divisor`, of the divisor's sign.
  package func remainder(_ divisor: Int) throws(TensorError) -> Tensor {
    try Self.operators().remainder.tensor(self, divisor)
  }

  /// Each element moved into `lower...upper`; nil is no bound.
  package func clamped(min lower: Double? = nil, max upper: Double? = nil) throws(TensorError) -> Tensor {
    try Self.operators().clamp.tensor(
      .tensor(self), lower.map(Value.float) ?? .none, upper.map(Value.float) ?? .none)
  }

  package func maximum(_ other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().maximum.tensor(self, other)
  }
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
