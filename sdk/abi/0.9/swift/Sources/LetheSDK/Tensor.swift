// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Element types, numbered as LibTorch numbers them.
public enum DType: Int32 {
  /// Integers and truth values.
  case uint8 = 0, int8, int16, int32, int64
  /// Floating point.
  case float16 = 5, float32, float64
  /// Truth values.
  case bool = 11
  /// The upper half of a float32.
  case bfloat16 = 15

  /// Eight or sixteen bits of floating point: too few to sum or exponentiate in.
  public var isHalf: Bool { self == .float16 || self == .bfloat16 }

  /// Bytes of an element.
  var bytes: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .int16, .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }
}

/// A Swift type that goes into and comes out of tensors as it is.
public protocol TensorElement: BitwiseCopyable {
  /// Its element type.
  static var dtype: DType { get }
  /// Its zero.
  static var zero: Self { get }
}
extension Float: TensorElement {
  /// float32.
  public static var dtype: DType { .float32 }
}
extension Double: TensorElement {
  /// float64.
  public static var dtype: DType { .float64 }
}
extension Int64: TensorElement {
  /// int64.
  public static var dtype: DType { .int64 }
}

/// A tensor of the host. It lives until the callback returns; see `keep`.
public struct Tensor {
  let handle: lethe_tensor
  let call: Call

  var value: lethe_value { lethe_of_tensor(handle) }

  /// The dimensions.
  public var shape: [Int] {
    get throws {
      let shape = try offered(call.services.tensors.shape, "lethe.tensors/1 shape")
      var dims = [Int64](repeating: 0, count: 16)
      var rank: UInt32 = 0
      try ask { shape(call.context, handle, &dims, UInt32(dims.count), &rank, $0) }
      return dims.prefix(Int(rank)).map(Int.init)
    }
  }

  /// How many elements there are.
  public var count: Int {
    get throws { try shape.reduce(1, *) }
  }

  /// The element type.
  public var dtype: DType {
    get throws {
      let dtype = try offered(call.services.tensors.dtype, "lethe.tensors/1 dtype")
      var number: Int32 = 0
      try ask { dtype(call.context, handle, &number, $0) }
      guard let known = DType(rawValue: number) else { throw Failure("the element type \(number) is unknown") }
      return known
    }
  }

  /// All elements in row-major order, converted to `Element`. Waits for the device: not for the inside of a step.
  public func values<Element: TensorElement>(as type: Element.Type = Element.self) throws -> [Element] {
    var values = [Element](repeating: .zero, count: try count)
    try values.withUnsafeMutableBytes { try read(.init(rawValue: Element.dtype.rawValue) ?? .float32, $0) }
    return values
  }

  func read(_ dtype: DType, _ bytes: UnsafeMutableRawBufferPointer) throws {
    let read = try offered(call.services.tensors.read, "lethe.tensors/1 read")
    try ask { read(call.context, handle, dtype.rawValue, bytes.baseAddress, UInt64(bytes.count), $0) }
  }

  /// A second handle to the same tensor that outlives the callback, detached from any graph. It sees what is written to
  /// the tensor later: `clone` first where that is not wanted.
  public func keep() throws -> KeptTensor {
    let keep = try offered(call.services.tensors.keep, "lethe.tensors/1 keep")
    var owned: lethe_tensor?
    try ask { keep(call.context, handle, &owned, $0) }
    return KeptTensor(handle: try offered(owned, "a kept tensor"), drop: call.services.tensors.drop)
  }
}

/// A tensor that belongs to the strategy, until it is let go.
public final class KeptTensor {
  private let handle: lethe_tensor
  private let drop: (@convention(c) (lethe_tensor?) -> Void)?

  init(handle: lethe_tensor, drop: (@convention(c) (lethe_tensor?) -> Void)?) {
    self.handle = handle
    self.drop = drop
  }

  deinit { drop?(handle) }

  /// The tensor, for use in this callback.
  public func tensor(in call: Call) -> Tensor { Tensor(handle: handle, call: call) }
}
