extension Tensor {
  /// The sum of all elements, of rank 0.
  package func sum() throws(TensorError) -> Tensor { try Self.operators().sum.tensor(self) }

  /// Sums along dimensions; `keeps` leaves them with extent 1.
  package func sum(along dimensions: [Int], keeps: Bool = false) throws(TensorError) -> Tensor {
    try Self.operators().sumDim.tensor(.tensor(self), .ints(dimensions), .bool(keeps))
  }

  /// The mean of all elements, of rank 0.
  package func mean() throws(TensorError) -> Tensor { try Self.operators().mean.tensor(self) }

  /// Means along dimensions.
  package func mean(along dimensions: [Int], keeps: Bool = false) throws(TensorError) -> Tensor {
    try Self.operators().meanDim.tensor(.tensor(self), .ints(dimensions), .bool(keeps))
  }

  /// Largest elements along dimensions; of all, without any.
  package func max(along dimensions: [Int] = [], keeps: Bool = false) throws(TensorError) -> Tensor {
    try Self.operators().amax.tensor(.tensor(self), .ints(dimensions), .bool(keeps))
  }

  /// Smallest elements along dimensions; of all, without any.
  package func min(along dimensions: [Int] = [], keeps: Bool = false) throws(TensorError) -> Tensor {
    try Self.operators().amin.tensor(.tensor(self), .ints(dimensions), .bool(keeps))
  }

  /// Places of the largest elements along a dimension (`int64`).
  package func argMax(along dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().argmax.tensor(.tensor(self), .int(dimension))
  }

  /// Places of the smallest elements along a dimension (`int64`).
  package func argMin(along dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().argmin.tensor(.tensor(self), .int(dimension))
  }

  /// `log Σ exp` along dimensions.
  package func logSumExp(along dimensions: [Int], keeps: Bool = false) throws(TensorError) -> Tensor {
    try Self.operators().logsumexp.tensor(.tensor(self), .ints(dimensions), .bool(keeps))
  }

  /// Running sums along a dimension.
  package func cumulativeSum(along dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().cumsum.tensor(.tensor(self), .int(dimension))
  }

  /// The norm of all elements as one vector, of rank 0.
  package func norm(_ order: Double = 2) throws(TensorError) -> Tensor {
    try Self.operators().norm.tensor(self, order)
  }

  /// The variance of all elements, divided by count − `correction`.
  package func variance(correction: Int = 1) throws(TensorError) -> Tensor {
    try Self.operators().variance.tensor(.tensor(self), .none, .int(correction))
  }

  /// Sorted elements along a dimension and the places they came from (`int64`). Ties keep their order.
  package func sorted(
    along dimension: Int = -1, descending: Bool = false
  ) throws(TensorError) -> (values: Tensor, indices: Tensor) {
    let found = try Self.operators().sort.tensors(.tensor(self), .bool(true), .int(dimension), .bool(descending))
    return (found[0], found[1])
  }

  /// The `count` largest (or smallest) elements along a dimension, in order, and their places.
  package func topK(
    _ count: Int, along dimension: Int = -1, largest: Bool = true
  ) throws(TensorError) -> (values: Tensor, indices: Tensor) {
    let found = try Self.operators().topk.tensors(.tensor(self), .int(count), .int(dimension), .bool(largest))
    return (found[0], found[1])
  }

  /// The `k`-th smallest element along a dimension, counted from 1, and its place.
  package func kthSmallest(
    _ k: Int, along dimension: Int = -1
  ) throws(TensorError) -> (value: Tensor, index: Tensor) {
    let found = try Self.operators().kthvalue.tensors(.tensor(self), .int(k), .int(dimension))
    return (found[0], found[1])
  }

  /// How often each whole number from 0 occurs; at least `minimumLength` counts.
  package func counts(minimumLength: Int = 0) throws(TensorError) -> Tensor {
    try Self.operators().bincount.tensor(.tensor(self), .none, .int(minimumLength))
  }
}
