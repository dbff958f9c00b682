/// Comparisons give tensors of facts (`bool`), element by element.
extension Tensor {
  /// Where the elements are equal.
  package func equals(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().eq.tensor(self, other) }
  /// Where an element is the number.
  package func equals(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().eqScalar.tensor(self, number)
  }
  /// Where the elements differ.
  package func differs(from other: Tensor) throws(TensorError) -> Tensor { try Self.operators().ne.tensor(self, other) }
  /// Where an element is not the number.
  package func differs(from number: Double) throws(TensorError) -> Tensor {
    try Self.operators().neScalar.tensor(self, number)
  }
  /// Where the element is below the other one.
  package func isLess(than other: Tensor) throws(TensorError) -> Tensor { try Self.operators().lt.tensor(self, other) }
  /// Where an element is below the number.
  package func isLess(than number: Double) throws(TensorError) -> Tensor {
    try Self.operators().ltScalar.tensor(self, number)
  }
  /// Where the element is the other one or below.
  package func isAtMost(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().le.tensor(self, other) }
  /// Where an element is the number or below.
  package func isAtMost(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().leScalar.tensor(self, number)
  }
  /// Where the element is above the other one.
  package func isGreater(than other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().gt.tensor(self, other)
  }
  /// Where an element is above the number.
  package func isGreater(than number: Double) throws(TensorError) -> Tensor {
    try Self.operators().gtScalar.tensor(self, number)
  }
  /// Where the element is the other one or above.
  package func isAtLeast(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().ge.tensor(self, other) }
  /// Where an element is the number or above.
  package func isAtLeast(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().geScalar.tensor(self, number)
  }

  /// Neither infinite nor NaN.
  package func isFinite() throws(TensorError) -> Tensor { try Self.operators().isfinite.tensor(self) }

  /// Where both are true.
  package func and(_ other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().logicalAnd.tensor(self, other)
  }
  /// Where either is true.
  package func or(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().logicalOr.tensor(self, other) }
  /// Where it is false.
  package func not() throws(TensorError) -> Tensor { try Self.operators().logicalNot.tensor(self) }

  /// Whether all elements are true, as a tensor of rank 0.
  package func all() throws(TensorError) -> Tensor { try Self.operators().all.tensor(self) }

  /// Whether any element is true, as a tensor of rank 0.
  package func any() throws(TensorError) -> Tensor { try Self.operators().any.tensor(self) }

  /// Elements of `a` where this tensor is true, of `b` elsewhere.
  package func select(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().where_.tensor(.tensor(self), .tensor(a), .tensor(b))
  }
}
