/// Comparisons give tensors of facts (`bool`), element by element.
extension Tensor {
  package func equals(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().eq.tensor(self, other) }
  package func equals(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().eqScalar.tensor(self, number)
  }
  package func differs(from other: Tensor) throws(TensorError) -> Tensor { try Self.operators().ne.tensor(self, other) }
  package func differs(from number: Double) throws(TensorError) -> Tensor {
    try Self.operators().neScalar.tensor(self, number)
  }
  package func isLess(than other: Tensor) throws(TensorError) -> Tensor { try Self.operators().lt.tensor(self, other) }
  package func isLess(than number: Double) throws(TensorError) -> Tensor {
    try Self.operators().ltScalar.tensor(self, number)
  }
  package func isAtMost(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().le.tensor(self, other) }
  package func isAtMost(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().leScalar.tensor(self, number)
  }
  package func isGreater(than other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().gt.tensor(self, other)
  }
  package func isGreater(than number: Double) throws(TensorError) -> Tensor {
    try Self.operators().gtScalar.tensor(self, number)
  }
  package func isAtLeast(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().ge.tensor(self, other) }
  package func isAtLeast(_ number: Double) throws(TensorError) -> Tensor {
    try Self.operators().geScalar.tensor(self, number)
  }

  /// Neither infinite nor NaN.
  package func isFinite() throws(TensorError) -> Tensor { try Self.operators().isfinite.tensor(self) }

  package func and(_ other: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().logicalAnd.tensor(self, other)
  }
  package func or(_ other: Tensor) throws(TensorError) -> Tensor { try Self.operators().logicalOr.tensor(self, other) }
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
