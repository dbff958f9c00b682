/// The order of a tensor's elements in memory; the numbers are LibTorch's.
package enum MemoryFormat: Int, Sendable {
  case rowMajor = 0
  case preserve = 1
  /// For image batches [N, C, H, W]: the channels of a pixel lie side by side.
  case channelsLast = 2
}

extension Tensor {
  /// The same elements in another shape; one extent may be −1. Copies only when it must.
  package func reshape(_ shape: [Int]) throws(TensorError) -> Tensor {
    try Self.operators().reshape.tensor(.tensor(self), .ints(shape))
  }

  /// The same memory in another shape; throws where that needs a copy.
  package func view(_ shape: [Int]) throws(TensorError) -> Tensor {
    try Self.operators().view.tensor(.tensor(self), .ints(shape))
  }

  /// Dimensions from `start` to `end` made one.
  package func flatten(from start: Int = 0, to end: Int = -1) throws(TensorError) -> Tensor {
    try Self.operators().flatten.tensor(.tensor(self), .int(start), .int(end))
  }

  /// A view with two dimensions exchanged.
  package func transpose(_ a: Int, _ b: Int) throws(TensorError) -> Tensor {
    try Self.operators().transpose.tensor(.tensor(self), .int(a), .int(b))
  }

  /// A view with the dimensions in another order.
  package func permute(_ dimensions: [Int]) throws(TensorError) -> Tensor {
    try Self.operators().permute.tensor(.tensor(self), .ints(dimensions))
  }

  /// A view of `length` slices from `start` along a dimension.
  package func narrow(_ dimension: Int, start: Int, length: Int) throws(TensorError) -> Tensor {
    try Self.operators().narrow.tensor(.tensor(self), .int(dimension), .int(start), .int(length))
  }

  /// A view of one slice along a dimension, which vanishes.
  package func select(_ dimension: Int, _ index: Int) throws(TensorError) -> Tensor {
    try Self.operators().select.tensor(.tensor(self), .int(dimension), .int(index))
  }

  /// A view with a new dimension of extent 1.
  package func unsqueeze(_ dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().unsqueeze.tensor(self, dimension)
  }

  /// A view without a dimension of extent 1.
  package func squeeze(_ dimension: Int) throws(TensorError) -> Tensor {
    try Self.operators().squeeze.tensor(self, dimension)
  }

  /// A view in which dimensions of extent 1 repeat; −1 keeps an extent.
  package func expand(_ shape: [Int]) throws(TensorError) -> Tensor {
    try Self.operators().expand.tensor(.tensor(self), .ints(shape))
  }

  /// Tensors joined along a dimension that they have.
  package static func cat(_ tensors: [Tensor], along dimension: Int = 0) throws(TensorError) -> Tensor {
    try operators().cat.tensor(.tensors(tensors), .int(dimension))
  }

  /// Tensors joined along a new dimension.
  package static func stack(_ tensors: [Tensor], along dimension: Int = 0) throws(TensorError) -> Tensor {
    try operators().stack.tensor(.tensors(tensors), .int(dimension))
  }

  /// The slices `indices` along a dimension, copied.
  package func indexSelect(_ dimension: Int, _ indices: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().indexSelect.tensor(.tensor(self), .int(dimension), .tensor(indices))
  }

  /// For each place of `indices`, the element whose coordinate along `dimension` it names.
  package func gather(_ dimension: Int, _ indices: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().gather.tensor(.tensor(self), .int(dimension), .tensor(indices))
  }

  /// A copy with the elements of `source` at the coordinates `indices` along `dimension`.
  package func scatter(_ dimension: Int, _ indices: Tensor, _ source: Tensor) throws(TensorError) -> Tensor {
    try Self.operators().scatter.tensor(.tensor(self), .int(dimension), .tensor(indices), .tensor(source))
  }

  /// Advanced indexing: one index tensor or mask for each leading dimension, nil for all of it.
  package func indexed(_ indices: [Tensor?]) throws(TensorError) -> Tensor {
    try Self.operators().index.tensor(.tensor(self), .tensors(indices))
  }

  /// Reversed along dimensions.
  package func flip(_ dimensions: [Int]) throws(TensorError) -> Tensor {
    try Self.operators().flip.tensor(.tensor(self), .ints(dimensions))
  }

  /// Padded with a constant; `widths` gives before and after, last dimension first.
  package func pad(_ widths: [Int], value: Double = 0) throws(TensorError) -> Tensor {
    try Self.operators().pad.tensor(.tensor(self), .ints(widths), "constant", .float(value))
  }

  /// Views of consecutive pieces along a dimension.
  package func split(_ lengths: [Int], along dimension: Int = 0) throws(TensorError) -> [Tensor] {
    try Self.operators().splitSizes.tensors(.tensor(self), .ints(lengths), .int(dimension))
  }

  /// Rows with a one at each label, of `int64`.
  package func oneHot(_ classes: Int) throws(TensorError) -> Tensor {
    try Self.operators().oneHot.tensor(self, classes)
  }

  /// Coordinates of the elements that are not zero, [count, rank] of `int64`. Waits for the device.
  package func nonZero() throws(TensorError) -> Tensor { try Self.operators().nonzero.tensor(self) }

  /// A copy with memory of its own, in the graph.
  package func clone(_ format: MemoryFormat = .preserve) throws(TensorError) -> Tensor {
    try Self.operators().clone.tensor(self, format.rawValue)
  }

  /// Itself, or a copy, in the given memory order.
  package func contiguous(_ format: MemoryFormat = .rowMajor) throws(TensorError) -> Tensor {
    try Self.operators().contiguous.tensor(self, format.rawValue)
  }

  /// The same memory, cut off from the graph.
  package func detach() throws(TensorError) -> Tensor { try Self.operators().detach.tensor(self) }

  /// Itself, or a copy, with elements of another type.
  package func to(_ dtype: DType) throws(TensorError) -> Tensor {
    try Self.operators().toDtype.tensor(.tensor(self), .dtype(dtype))
  }

  /// The same elements in the order of memory, as one row.
  ///
  /// - Precondition: they lie side by side, in whatever order of dimensions.
  package func inMemoryOrder() throws(TensorError) -> Tensor {
    try Self.operators().asStrided.tensor(.tensor(self), .ints([count]), .ints([1]))
  }

  /// The same memory read as elements of another type of the same size.
  package func reinterpreted(as dtype: DType) throws(TensorError) -> Tensor {
    try Self.operators().viewDtype.tensor(.tensor(self), .dtype(dtype))
  }

  /// Itself, or a copy, on another device.
  package func to(_ device: Device) throws(TensorError) -> Tensor {
    try Self.operators().toDevice.tensor(.tensor(self), .none, .none, .device(device))
  }
}

extension Value: ExpressibleByStringLiteral {
  /// A text written in place.
  package init(stringLiteral value: String) { self = .string(value) }
}
