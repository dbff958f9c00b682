// libffi's descriptions of types are variables in C; nobody ever writes to them.
@unsafe @preconcurrency import CFFI

extension ForeignSignature.Scalar {
  /// The type as libffi knows it; the addresses are those of its own constants.
  var ffi: UnsafeMutablePointer<ffi_type> {
    switch self {
    case .int8: unsafe Self.address(&ffi_type_sint8)
    case .int16: unsafe Self.address(&ffi_type_sint16)
    case .int32: unsafe Self.address(&ffi_type_sint32)
    case .int64: unsafe Self.address(&ffi_type_sint64)
    case .uint8: unsafe Self.address(&ffi_type_uint8)
    case .uint16: unsafe Self.address(&ffi_type_uint16)
    case .uint32: unsafe Self.address(&ffi_type_uint32)
    case .uint64: unsafe Self.address(&ffi_type_uint64)
    case .float: unsafe Self.address(&ffi_type_float)
    case .double: unsafe Self.address(&ffi_type_double)
    }
  }

  private static func address(_ type: UnsafeMutablePointer<ffi_type>) -> UnsafeMutablePointer<ffi_type> { unsafe type }

  var byteCount: Int {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    }
  }

  var isWhole: Bool { self != .float && self != .double }

  /// Whether a number can be given as this type: whole where the type is, and in its range.
  func holds(_ number: Double) -> Bool {
    switch self {
    case .double: true
    case .float: number.isNaN || number.isInfinite || Float(number).isFinite
    case .int8: Int8(exactly: number) != nil
    case .int16: Int16(exactly: number) != nil
    case .int32: Int32(exactly: number) != nil
    case .int64: Int64(exactly: number) != nil
    case .uint8: UInt8(exactly: number) != nil
    case .uint16: UInt16(exactly: number) != nil
    case .uint32: UInt32(exactly: number) != nil
    case .uint64: UInt64(exactly: number) != nil
    }
  }

  /// Writes a number that this type holds.
  func store(_ number: Double, _ target: UnsafeMutableRawPointer) {
    switch self {
    case .double: unsafe target.storeBytes(of: number, as: Double.self)
    case .float: unsafe target.storeBytes(of: Float(number), as: Float.self)
    default: unsafe store(Int64(number), target)
    }
  }

  /// Writes a whole number; one that the type does not hold loses its upper bits.
  func store(_ number: Int64, _ target: UnsafeMutableRawPointer) {
    switch self {
    case .double: unsafe target.storeBytes(of: Double(number), as: Double.self)
    case .float: unsafe target.storeBytes(of: Float(number), as: Float.self)
    case .int8, .uint8: unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: number), as: UInt8.self)
    case .int16, .uint16: unsafe target.storeBytes(of: UInt16(truncatingIfNeeded: number), as: UInt16.self)
    case .int32, .uint32: unsafe target.storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
    case .int64, .uint64: unsafe target.storeBytes(of: UInt64(bitPattern: number), as: UInt64.self)
    }
  }

  /// Reads a returned number. libffi widens whole numbers that are narrower than a register to one.
  func returned(_ source: UnsafeRawPointer) -> Double {
    let register = unsafe source.load(as: ffi_arg.self)
    return switch self {
    case .double: unsafe source.load(as: Double.self)
    case .float: unsafe Double(source.load(as: Float.self))
    case .int8: Double(Int8(truncatingIfNeeded: register))
    case .int16: Double(Int16(truncatingIfNeeded: register))
    case .int32: Double(Int32(truncatingIfNeeded: register))
    case .int64: Double(Int64(truncatingIfNeeded: register))
    case .uint8: Double(UInt8(truncatingIfNeeded: register))
    case .uint16: Double(UInt16(truncatingIfNeeded: register))
    case .uint32: Double(UInt32(truncatingIfNeeded: register))
    case .uint64: Double(UInt64(truncatingIfNeeded: register))
    }
  }
}

/// A C function ready to be called: its prepared interface, which owns its array of types, and room for the arguments.
@safe final class ForeignCall {
  private let function: @convention(c) () -> Void
  private let interface: UnsafeMutablePointer<ffi_cif>
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>
  private let slots: UnsafeMutablePointer<UInt64>
  private let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let result: UnsafeMutablePointer<UInt64>
  private let signature: ForeignSignature

  /// Prepares the call; nil where libffi cannot make it.
  init?(_ signature: ForeignSignature, _ symbol: UnsafeMutableRawPointer) {
    let count = signature.arguments.count
    self.signature = signature
    unsafe function = unsafeBitCast(symbol, to: (@convention(c) () -> Void).self)
    unsafe interface = .allocate(capacity: 1)
    unsafe types = .allocate(capacity: count)
    unsafe slots = .allocate(capacity: count)
    unsafe addresses = .allocate(capacity: count)
    unsafe result = .allocate(capacity: 2)
    unsafe interface.initialize(to: ffi_cif())
    unsafe slots.initialize(repeating: 0, count: count)
    unsafe result.initialize(repeating: 0, count: 2)
    for (index, argument) in signature.arguments.enumerated() {
      let pointer = unsafe ffiPointer(&ffi_type_pointer)
      unsafe (types + index).initialize(to: argument.isPointer ? pointer : argument.type.ffi)
      unsafe (addresses + index).initialize(to: UnsafeMutableRawPointer(slots + index))
    }
    let returned = unsafe signature.result.map { unsafe $0.ffi } ?? ffiPointer(&ffi_type_void)
    guard unsafe ffi_prep_cif(interface, FFI_DEFAULT_ABI, UInt32(count), returned, types) == FFI_OK else { return nil }
  }

  deinit {
    unsafe interface.deallocate()
    unsafe types.deallocate()
    unsafe slots.deallocate()
    unsafe addresses.deallocate()
    unsafe result.deallocate()
  }

  /// Sets an argument to a number in the argument's type.
  func set(_ index: Int, _ number: Double) {
    unsafe signature.arguments[index].type.store(number, UnsafeMutableRawPointer(slots + index))
  }

  /// Sets a pointer argument; the memory must last as long as the calls.
  func set(_ index: Int, pointer: UnsafeMutableRawPointer?) {
    unsafe slots[index] = UInt64(UInt(bitPattern: pointer))
  }

  /// Calls; the result is 0 for `void`.
  func callAsFunction() -> Double {
    unsafe ffi_call(interface, function, result, addresses)
    return unsafe signature.result?.returned(UnsafeRawPointer(result)) ?? 0
  }
}

/// The address of one of libffi's constants.
private func ffiPointer(_ type: UnsafeMutablePointer<ffi_type>) -> UnsafeMutablePointer<ffi_type> { unsafe type }
