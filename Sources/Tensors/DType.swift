/// The type of a tensor's elements; the numbers are LibTorch's and the plugin protocol's.
package enum DType: Int32, CaseIterable, Sendable {
  case uint8 = 0
  case int8 = 1
  case int16 = 2
  case int32 = 3
  case int64 = 4
  case float16 = 5
  case float32 = 6
  case float64 = 7
  case complex64 = 9
  case complex128 = 10
  case bool = 11
  case bfloat16 = 15
  case float8e5m2 = 23
  case float8e4m3 = 24
  case uint16 = 27
  case uint32 = 28
  case uint64 = 29

  /// Bytes of one element.
  package var byteCount: Int {
    switch self {
    case .uint8, .int8, .bool, .float8e5m2, .float8e4m3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    case .complex128: 16
    }
  }

  /// Whether gradients can flow through it.
  package var isFloatingPoint: Bool {
    switch self {
    case .float16, .float32, .float64, .bfloat16, .float8e5m2, .float8e4m3, .complex64, .complex128: true
    default: false
    }
  }
}

/// Where a tensor's elements are.
package enum Device: Hashable, Sendable {
  case cpu
  /// A CUDA device by its number, from 0.
  case cuda(Int)

  /// Reads "cpu", "cuda" (the first device) or "cuda:N".
  package init?(_ text: String) {
    switch text {
    case "cpu": self = .cpu
    case "cuda": self = .cuda(0)
    default:
      guard text.hasPrefix("cuda:"), let number = Int(text.dropFirst(5)), (0..<128).contains(number) else {
        return nil
      }
      self = .cuda(number)
    }
  }

  /// The shim's number: -1 for the CPU, else the CUDA device's.
  var number: Int32 {
    switch self {
    case .cpu: -1
    case .cuda(let number): Int32(number)
    }
  }

  init(number: Int32) { self = number < 0 ? .cpu : .cuda(Int(number)) }
}

extension Device: CustomStringConvertible {
  /// As recipes write it: "cpu" or "cuda:N".
  package var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let number): "cuda:\(number)"
    }
  }
}
