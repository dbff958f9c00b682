import CTorchTable

/// An argument of an operator, or what one returns.
package enum Value {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case tensor(Tensor)
  case ints([Int])
  case floats([Double])
  /// Entries may be nil only where the operator's schema says `Tensor?[]`.
  case tensors([Tensor?])
  case dtype(DType)
  case device(Device)
  case generator(Generator)

  /// A tensor, or none.
  package static func optional(_ tensor: Tensor?) -> Value { tensor.map(Value.tensor) ?? .none }
}

extension Value: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral {
  /// A whole number written in place.
  package init(integerLiteral value: Int) { self = .int(value) }
  /// A number written in place.
  package init(floatLiteral value: Double) { self = .float(value) }
  /// A fact written in place.
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension Value {
  /// Bytes beside the value itself that its C form needs.
  var listBytes: Int {
    switch self {
    case .ints(let list): list.count * MemoryLayout<Int64>.stride
    case .floats(let list): list.count * MemoryLayout<Double>.stride
    case .tensors(let list): unsafe list.count * MemoryLayout<OpaquePointer?>.stride
    case .string(let text): (text.utf8.count + 8) & ~7
    case .device: 16
    default: 0
    }
  }

  /// The C form. Lists and texts are written at `room`, which moves on; the value must outlive the result.
  func c(_ room: inout UnsafeMutableRawPointer) -> ct_value {
    switch self {
    case .none: unsafe ct_value(tag: CT_NONE, count: 0, as: ct_payload(raw: 0))
    case .bool(let value): unsafe ct_value(tag: CT_BOOL, count: 0, as: ct_payload(i: value ? 1 : 0))
    case .int(let value): unsafe ct_value(tag: CT_INT, count: 0, as: ct_payload(i: Int64(value)))
    case .float(let value): unsafe ct_value(tag: CT_FLOAT, count: 0, as: ct_payload(f: value))
    case .tensor(let value): unsafe ct_value(value)
    case .dtype(let value): unsafe ct_value(tag: CT_DTYPE, count: 0, as: ct_payload(i: Int64(value.rawValue)))
    case .generator(let value): unsafe ct_value(tag: CT_RNG, count: 0, as: ct_payload(g: value.handle))
    case .string(let text): unsafe Self.text(CT_STR, text, &room)
    case .device(let device): unsafe Self.text(CT_DEVICE, device.description, &room)
    case .ints(let list):
      unsafe ct_value(
        tag: CT_INTS, count: UInt32(list.count), as: ct_payload(is: Self.list(list, &room) { Int64($0) }))
    case .floats(let list):
      unsafe ct_value(tag: CT_FLOATS, count: UInt32(list.count), as: ct_payload(fs: Self.list(list, &room) { $0 }))
    case .tensors(let list):
      unsafe ct_value(
        tag: CT_TENSORS, count: UInt32(list.count),
        as: ct_payload(ts: Self.list(list, &room) { unsafe $0?.handle }))
    }
  }

  private static func list<Source, Element>(
    _ source: [Source], _ room: inout UnsafeMutableRawPointer, _ convert: (Source) -> Element
  ) -> UnsafePointer<Element> {
    let start = unsafe room.bindMemory(to: Element.self, capacity: source.count)
    for (index, item) in source.enumerated() { unsafe (start + index).initialize(to: convert(item)) }
    unsafe room += source.count * MemoryLayout<Element>.stride
    return unsafe UnsafePointer(start)
  }

  private static func text(_ tag: UInt32, _ text: String, _ room: inout UnsafeMutableRawPointer) -> ct_value {
    let start = unsafe room.bindMemory(to: CChar.self, capacity: text.utf8.count + 1)
    var count = 0
    for byte in text.utf8 {
      unsafe start[count] = CChar(bitPattern: byte)
      count += 1
    }
    unsafe start[count] = 0
    unsafe room += (count + 8) & ~7
    return unsafe ct_value(tag: tag, count: UInt32(count), as: ct_payload(s: start))
  }

  /// Takes over what the shim returned: tensors become ours; lists and texts are copied, the shim frees its own.
  init(taking value: ct_value) {
    switch unsafe value.tag {
    case CT_BOOL: self = unsafe .bool(value.as.i != 0)
    case CT_INT: self = unsafe .int(Int(value.as.i))
    case CT_FLOAT: self = unsafe .float(value.as.f)
    case CT_STR: self = unsafe .string(value.as.s.map { unsafe String(cString: $0) } ?? "")
    case CT_TENSOR: self = unsafe value.as.t.map { unsafe .tensor(Tensor(taking: $0)) } ?? .none
    case CT_INTS:
      self = unsafe .ints(UnsafeBufferPointer(start: value.as.is, count: Int(value.count)).map { Int($0) })
    case CT_FLOATS:
      self = unsafe .floats(Array(UnsafeBufferPointer(start: value.as.fs, count: Int(value.count))))
    case CT_TENSORS:
      let handles = unsafe UnsafeBufferPointer(start: value.as.ts, count: Int(value.count))
      self = unsafe .tensors(handles.map { unsafe $0.map { unsafe Tensor(taking: $0) } })
    default: self = .none
    }
  }
}

extension ct_value {
  /// A borrowed tensor.
  init(_ tensor: Tensor) { unsafe self.init(tag: CT_TENSOR, count: 0, as: ct_payload(t: tensor.handle)) }
}
