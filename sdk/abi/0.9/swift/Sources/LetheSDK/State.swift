// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Where a strategy writes its state, in little-endian bytes.
public struct StateWriter {
  let stream: UnsafePointer<lethe_stream>?

  /// Writes an integer, eight bytes.
  public func write(_ int: Int) throws { try withUnsafeBytes(of: Int64(int)) { try write($0) } }

  /// Writes a number, eight bytes.
  public func write(_ number: Double) throws { try write(Int(bitPattern: UInt(number.bitPattern))) }

  /// Writes a tensor: element type, shape, elements. Waits for the device.
  public func write(_ tensor: Tensor) throws {
    let (dtype, shape) = (try tensor.dtype, try tensor.shape)
    try write(Int(dtype.rawValue))
    try write(shape.count)
    for dimension in shape { try write(dimension) }
    let count = shape.reduce(dtype.bytes, *)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    defer { bytes.deallocate() }
    let filled = UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count))
    try tensor.read(dtype, filled)
    try write(UnsafeRawBufferPointer(filled))
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    let stream = snapshot(stream, lethe_stream())
    let write = try offered(stream.write, "a stream to write to")
    guard write(stream.ctx, bytes.baseAddress, UInt64(bytes.count)) >= 0 else {
      throw Failure("the state could not be written", status: LETHE_E_UNKNOWN)
    }
  }
}

/// Where a strategy reads its state from.
public struct StateReader {
  let stream: UnsafePointer<lethe_stream>?

  /// Reads an integer.
  public func int() throws -> Int {
    var int: Int64 = 0
    try withUnsafeMutableBytes(of: &int) { try read($0) }
    return Int(int)
  }

  /// Reads a number.
  public func number() throws -> Double { Double(bitPattern: UInt64(UInt(bitPattern: try int()))) }

  /// Reads a tensor that must have the element type and the shape of `expected`.
  public func tensor(like expected: Tensor) throws -> Tensor {
    let (dtype, shape) = (try expected.dtype, try expected.shape)
    let found = (dtype: try int(), shape: try (0..<Self.rank(try int())).map { _ in try int() })
    guard found.dtype == Int(dtype.rawValue), found.shape == shape else {
      throw Failure("the saved state is of a model of another shape", status: LETHE_E_INVALID_ARGUMENT)
    }
    let call = expected.call
    let make = try offered(call.services.tensors.make, "lethe.tensors/1 make")
    let count = shape.reduce(dtype.bytes, *)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    defer { bytes.deallocate() }
    try read(UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count)))
    let dims = shape.map(Int64.init)
    var made: lethe_tensor?
    try ask {
      make(call.context, dtype.rawValue, dims, UInt32(dims.count), bytes.baseAddress, UInt64(count), &made, $0)
    }
    return try call.tensor(made)
  }

  /// A number of dimensions that a tensor can have.
  private static func rank(_ number: Int) throws -> Int {
    guard 0...16 ~= number else { throw Failure("the saved state is damaged", status: LETHE_E_INVALID_ARGUMENT) }
    return number
  }

  private func read(_ bytes: UnsafeMutableRawBufferPointer) throws {
    let stream = snapshot(stream, lethe_stream())
    let read = try offered(stream.read, "a stream to read from")
    var filled = 0
    while filled < bytes.count {
      let count = read(stream.ctx, bytes.baseAddress.map { $0 + filled }, UInt64(bytes.count - filled))
      guard count > 0, count <= bytes.count - filled else {
        throw Failure("the saved state ends too early", status: LETHE_E_INVALID_ARGUMENT)
      }
      filled += Int(count)
    }
  }
}
