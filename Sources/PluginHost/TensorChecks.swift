import Tensors

/// What the host looks at in a tensor that a plugin gave. What lies in memory is read at once; what lies on a device is
/// checked there, into a flag that is read when the run waits for the device anyway.
enum TensorChecks {
  /// Shape `[count]`.
  static func vector(_ tensor: Tensor, _ count: Int) -> TensorProblem? {
    let shape = tensor.shape
    return shape == [count] ? nil : .shape(found: shape, wanted: "[\(count)]")
  }

  static func dtype(_ tensor: Tensor, _ wanted: DType) -> TensorProblem? {
    let found = tensor.dtype
    return found == wanted ? nil : .dtype(found: "\(found)", wanted: "\(wanted)")
  }

  static func floating(_ tensor: Tensor) -> TensorProblem? {
    let found = tensor.dtype
    return found.isFloatingPoint ? nil : .dtype(found: "\(found)", wanted: "a floating-point type")
  }

  static func device(_ tensor: Tensor, _ wanted: Device) -> TensorProblem? {
    let found = tensor.device
    return found == wanted ? nil : .device(found: "\(found)", wanted: "\(wanted)")
  }

  /// Numbers without a graph, in single or double precision.
  static func plain(_ tensor: Tensor) throws -> Tensor {
    try withoutGradients {
      let plain = tensor.requiresGrad ? try tensor.detach() : tensor
      return plain.dtype == .float32 || plain.dtype == .float64 ? plain : try plain.to(.float32)
    }
  }

  /// Values that a set of weights or scores must have.
  enum Rule {
    /// Finite, not negative, sum 1 within 1e-5.
    case normalised
    /// Finite, not negative.
    case free
    /// Finite.
    case signed
    /// 0 or 1.
    case binary

    init(_ promise: WeightPromise) {
      switch promise {
      case .normalised: self = .normalised
      case .free: self = .free
      case .signed: self = .signed
      }
    }
  }

  /// How far the sum of normalised weights may be from 1.
  static let sumTolerance = 1e-5

  /// Looks at every value now.
  static func values(_ tensor: Tensor, _ rule: Rule) throws -> TensorProblem? {
    let isPlain = tensor.device == .cpu && tensor.isContiguous
    if isPlain, tensor.dtype == .float32 || tensor.dtype == .float64, let start = unsafe tensor.data {
      defer { withExtendedLifetime(tensor) {} }
      let count = tensor.count
      if tensor.dtype == .float32 {
        return unsafe scan(UnsafeRawPointer(start).assumingMemoryBound(to: Float.self), count, rule)
      }
      return unsafe scan(UnsafeRawPointer(start).assumingMemoryBound(to: Double.self), count, rule)
    }
    return values(try tensor.doubles(), rule)
  }

  /// Looks at every value of a list.
  static func values(_ list: [Double], _ rule: Rule) -> TensorProblem? {
    unsafe list.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return rule == .normalised ? .sum(0) : nil }
      return unsafe scan(start, list.count, rule)
    }
  }

  private static func scan<Number: BinaryFloatingPoint>(
    _ start: UnsafePointer<Number>, _ count: Int, _ rule: Rule
  ) -> TensorProblem? {
    var sum = 0.0
    var isFinite = true
    var isNegative = false
    var isBinary = true
    for index in 0..<count {
      let value = unsafe start[index]
      isFinite = isFinite && value.isFinite
      isNegative = isNegative || value < 0
      isBinary = isBinary && (value == 0 || value == 1)
      sum += Double(value)
    }
    guard isFinite else { return .notFinite }
    switch rule {
    case .signed: return nil
    case .free: return isNegative ? .negative : nil
    case .binary: return isBinary ? nil : .notBinary
    case .normalised:
      if isNegative { return .negative }
      return abs(sum - 1) <= sumTolerance ? nil : .sum(sum)
    }
  }

  /// A flag on the tensor's device: true where the rule is broken. Nothing is waited for.
  static func flag(_ tensor: Tensor, _ rule: Rule) throws -> Tensor {
    try withoutGradients {
      var good = try tensor.isFinite()
      switch rule {
      case .signed: break
      case .free, .normalised: good = try good.and(tensor.isAtLeast(0))
      case .binary: good = try good.and(tensor.equals(0).or(tensor.equals(1)))
      }
      var isGood = try good.all()
      if rule == .normalised {
        let distance = try (tensor.to(.float64).sum() - 1.0).absolute()
        isGood = try isGood.and(distance.isAtMost(sumTolerance))
      }
      return try isGood.not()
    }
  }
}
