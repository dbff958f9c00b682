// SPDX-License-Identifier: Apache-2.0
import CLethe

/// An ATen operator that the kit has no function for: `call.operator(LETHE_ATEN_TOPK)`, or with any schema's text.
/// Resolve it once, in `prepare`; it lives as long as the process.
public struct Operator {
  let handle: lethe_op

  /// Calls it with arguments in the order of its schema; trailing ones may be left out where they have defaults.
  /// - Returns: its one tensor.
  public func callAsFunction(_ arguments: [Argument], in call: Call) throws -> Tensor {
    let first = try self.callAsFunction(arguments, returning: 1, in: call)[0]
    guard let first else { throw Failure("the operator gave no tensor", status: LETHE_E_INTERNAL) }
    return first
  }

  /// Calls an operator with several tensors to return; nil where it gave something else.
  public func callAsFunction(_ arguments: [Argument], returning count: Int, in call: Call) throws -> [Tensor?] {
    var lists: [UnsafeMutableRawPointer] = []
    defer { for list in lists { list.deallocate() } }
    let values = arguments.map { $0.value(&lists) }
    return try call.apply(handle, values, returning: count).map { result in
      result.tag == LETHE_T_TENSOR ? call.optional(result.as.t) : nil
    }
  }
}

/// An argument of an operator.
public enum Argument {
  /// None, for optional arguments that get their default.
  case none
  /// A tensor or none.
  case tensor(Tensor?)
  /// Several tensors.
  case tensors([Tensor])
  /// An integer; also for a Scalar.
  case int(Int)
  /// A number; also for a Scalar.
  case float(Double)
  /// A truth value.
  case bool(Bool)
  /// Integers: sizes, dimensions.
  case ints([Int])
  /// An element type.
  case dtype(DType)
  /// A generator.
  case generator(Generator)

  fileprivate func value(_ lists: inout [UnsafeMutableRawPointer]) -> lethe_value {
    func list<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
      let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
      memory.initialize(from: elements, count: elements.count)
      lists.append(UnsafeMutableRawPointer(memory))
      return UnsafePointer(memory)
    }
    switch self {
    case .none, .tensor(nil): return lethe_none()
    case .tensor(let tensor?): return tensor.value
    case .int(let int): return lethe_of_int(Int64(int))
    case .float(let float): return lethe_of_float(float)
    case .bool(let bool): return lethe_of_bool(bool ? 1 : 0)
    case .ints(let ints): return lethe_of_ints(list(ints.map(Int64.init)), UInt32(ints.count))
    case .dtype(let dtype): return lethe_of_dtype(dtype)
    case .generator(let generator): return lethe_of_generator(generator)
    case .tensors(let tensors):
      var payload = lethe_payload()
      payload.ts = list(tensors.map { Optional($0.handle) })
      return lethe_value(tag: LETHE_T_TENSORS, count: UInt32(tensors.count), as: payload)
    }
  }
}

func lethe_of_dtype(_ dtype: DType) -> lethe_value {
  var payload = lethe_payload()
  payload.i = Int64(dtype.rawValue)
  return lethe_value(tag: LETHE_T_DTYPE, count: 0, as: payload)
}

func lethe_of_generator(_ generator: Generator) -> lethe_value {
  var payload = lethe_payload()
  payload.g = generator.handle
  return lethe_value(tag: LETHE_T_RNG, count: 0, as: payload)
}

extension Call {
  /// Finds an operator by the schema text that your code is written against. Tens of microseconds: do it in `prepare`.
  public func `operator`(_ schema: String) throws -> Operator {
    Operator(handle: try services.resolve(schema, context))
  }

  func apply(_ handle: lethe_op, _ arguments: [lethe_value], returning count: Int) throws -> [lethe_value] {
    let call = try offered(services.ops.call, "lethe.ops/1 call")
    var results = [lethe_value](repeating: lethe_none(), count: count)
    try ask { call(context, handle, arguments, UInt32(arguments.count), &results, UInt32(count), $0) }
    return results
  }

  func apply(_ aten: Aten, _ arguments: [lethe_value]) throws -> Tensor {
    let call = try offered(services.ops.call, "lethe.ops/1 call")
    let handle = try services.handle(of: aten, context)
    var result = lethe_none()
    try ask { call(context, handle, arguments, UInt32(arguments.count), &result, 1, $0) }
    return try tensor(result.tag == LETHE_T_TENSOR ? result.as.t : nil)
  }
}
