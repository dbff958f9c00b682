import CLethe
import Glibc
import Synchronization
import Tensors

/// "lethe.ops/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let operations: UnsafePointer<lethe_ops> = unsafe make(
    lethe_ops(
      size: size(of: lethe_ops.self), reserved0: 0,
      resolve: { context, schema, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let schema = unsafe CStruct.text(schema, limit: 1 << 16) else {
            throw .argument(1, "argument 1 is NULL, the text of a schema would be right")
          }
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          if let check = session.check, schema.hasPrefix("aten::detach") { check.usesNoGraph = true }
          let slot = try attempt { try OperatorTable.resolve(schema) }
          let token = Token(.operation, session: 0, slot: slot, generation: OperatorTable.generation)
          unsafe out.pointee = token.pointer
        }
      },
      call: { context, operation, arguments, count, returns, room, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let found = unsafe try session.operation(operation)
          unsafe try session.call(found, arguments, Int(count), returns, Int(room))
        }
      }))
}

/// Every operator that a plugin of this process asked for; handles are places in it, so it only grows.
private enum OperatorTable {
  struct Contents {
    var operators: [Operator] = []
    var slots: [String: Int] = [:]
  }

  static let generation = Generations.next()
  static let contents = Mutex(Contents())

  static func resolve(_ schema: String) throws -> Int {
    if let slot = contents.withLock({ $0.slots[schema] }) { return slot }
    let found = try Operator.resolve(schema)
    return try contents.withLock {
      guard $0.operators.count < Token.slots else {
        throw Refusal(LETHE_E_EXHAUSTED, "there are \(Token.slots) operators already")
      }
      $0.operators.append(found)
      $0.slots[schema] = $0.operators.count - 1
      return $0.operators.count - 1
    }
  }
}

extension HostSession {
  /// The operator that a handle means, from the session's own copy of the process's list.
  fileprivate func operation(_ handle: lethe_op?) throws(Refusal) -> Operator {
    let token = unsafe Token(handle)
    guard token.isKind(.operation), token.generation == OperatorTable.generation else {
      throw Refusal(LETHE_E_STALE, "argument 1 is not an operator", detail: 1)
    }
    if token.slot >= operators.count { operators = OperatorTable.contents.withLock { $0.operators } }
    guard token.slot < operators.count else { throw Refusal(LETHE_E_STALE, "argument 1 is not an operator", detail: 1) }
    return operators[token.slot]
  }

  /// Calls an operator. Values have the same layout and tags on both borders, handles aside; so the arguments are copied
  /// and only handles are looked up, on the stack where they are few.
  fileprivate func call(
    _ operation: Operator, _ arguments: UnsafePointer<lethe_value>?, _ count: Int,
    _ returns: UnsafeMutablePointer<lethe_value>?, _ room: Int
  ) throws(Refusal) {
    guard count <= 64 else { throw .argument(3, "\(count) arguments are too many") }
    guard unsafe count == 0 || arguments != nil else { throw .argument(2, "argument 2 is NULL") }
    guard unsafe room == 0 || returns != nil else { throw .argument(4, "argument 4 is NULL") }
    var handles = 0
    if let arguments = unsafe arguments {
      for index in 0..<count where unsafe arguments[index].tag == LETHE_T_TENSORS {
        unsafe handles += Int(arguments[index].count)
      }
    }
    let returned = operation.returns
    let stride = unsafe MemoryLayout<lethe_value>.stride
    let bytes = unsafe (count + returned) * stride + handles * MemoryLayout<OpaquePointer?>.stride
    var failure: Refusal?
    unsafe withUnsafeTemporaryAllocation(byteCount: max(bytes, stride), alignment: stride) { memory in
      do throws(Refusal) {
        guard let start = memory.baseAddress else { throw Refusal(LETHE_E_EXHAUSTED, "there is no memory") }
        let given = unsafe start.bindMemory(to: lethe_value.self, capacity: count + returned)
        let results = unsafe given + count
        var list = unsafe UnsafeMutableRawPointer(results + returned)
          .bindMemory(to: OpaquePointer?.self, capacity: handles)
        for index in 0..<count {
          guard let source = unsafe arguments?[index] else { break }
          unsafe (given + index).initialize(to: try translate(source, index, &list))
        }
        for index in 0..<returned { unsafe (results + index).initialize(to: lethe_value()) }
        // The operator's own values are these bytes under another name, which only Tensors knows.
        try attempt {
          unsafe try operation.call(
            rawArguments: UnsafePointer(OpaquePointer(given)), count: count,
            returns: UnsafeMutablePointer(OpaquePointer(results)), capacity: returned)
        }
        defer {
          unsafe operation.free(
            returned: UnsafeMutablePointer(OpaquePointer(results)), count: returned, withTensors: false)
        }
        unsafe try take(results, returned, returns, room)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// A plugin's value as the operator takes it. Handles of lists are written at `list`, which moves on.
  private func translate(
    _ value: lethe_value, _ index: Int, _ list: inout UnsafeMutablePointer<OpaquePointer?>
  ) throws(Refusal) -> lethe_value {
    var value = unsafe value
    switch unsafe value.tag {
    case LETHE_T_NONE, LETHE_T_BOOL, LETHE_T_INT, LETHE_T_FLOAT, LETHE_T_DTYPE: return unsafe value
    case LETHE_T_STR, LETHE_T_DEVICE:
      guard let text = unsafe value.as.s else { throw .argument(index, "value \(index) is text that is NULL") }
      if unsafe value.tag == LETHE_T_DEVICE { unsafe value.count = UInt32(strlen(text)) }
    case LETHE_T_INTS, LETHE_T_FLOATS:
      guard unsafe value.count == 0 || value.as.raw != 0 else {
        throw .argument(index, "value \(index) is a list that is NULL")
      }
    case LETHE_T_TENSOR:
      if let tensor = unsafe try tensor(optional: value.as.t, index) {
        unsafe value.as.t = tensor.handle
      } else {
        unsafe value.tag = LETHE_T_NONE
      }
    case LETHE_T_TENSORS:
      guard unsafe value.count == 0 || value.as.ts != nil else {
        throw .argument(index, "value \(index) is a list that is NULL")
      }
      let start = unsafe list
      for place in unsafe 0..<Int(value.count) {
        unsafe list.initialize(to: try tensor(optional: value.as.ts[place], index)?.handle)
        unsafe list += 1
      }
      unsafe value.as.ts = UnsafePointer(start)
    case LETHE_T_RNG:
      guard case .generator(let generator) = frame.randoms[unsafe try random(value.as.g, index)] else {
        throw .argument(index, "value \(index) is a stream of words; an operator takes what 'generator' gives")
      }
      unsafe value.as.g = generator.handle
    default: throw unsafe .argument(index, "value \(index) has the unknown tag \(value.tag)")
    }
    return unsafe value
  }

  /// Takes over what an operator returned, and hands the first `room` values on.
  private func take(
    _ results: UnsafeMutablePointer<lethe_value>, _ count: Int, _ out: UnsafeMutablePointer<lethe_value>?, _ room: Int
  ) throws(Refusal) {
    // Every tensor gets its owner first, so that nothing leaks when a later value cannot be handed on.
    var owned: [Tensor] = []
    for index in 0..<count {
      let result = unsafe results[index]
      if unsafe result.tag == LETHE_T_TENSOR, let handle = unsafe result.as.t {
        if count == 1, room == 1 {
          unsafe out?.pointee = lethe_value(
            tag: LETHE_T_TENSOR, count: 0, as: .init(t: try lend(Tensor(taking: handle))))
          return
        }
        unsafe owned.append(Tensor(taking: handle))
      } else if unsafe result.tag == LETHE_T_TENSORS {
        for place in unsafe 0..<Int(result.count) {
          if let handle = unsafe result.as.ts[place] { unsafe owned.append(Tensor(taking: handle)) }
        }
      }
    }
    var next = owned.makeIterator()
    for index in 0..<count {
      var result = unsafe results[index]
      if unsafe ![LETHE_T_NONE, LETHE_T_TENSOR, LETHE_T_TENSORS].contains(result.tag) {
        try refuseInRecordedStep("asks an operator for a value")
      }
      switch unsafe result.tag {
      case LETHE_T_TENSOR:
        if unsafe result.as.t == nil {
          unsafe result = lethe_value()
        } else if let tensor = next.next() {
          unsafe result.as.t = try lend(tensor)
        }
      case LETHE_T_TENSORS: unsafe result.as.ts = try lend(list: result, &next)
      case LETHE_T_INTS: unsafe result.as.is = try copy(result.as.is, Int(result.count))
      case LETHE_T_FLOATS: unsafe result.as.fs = try copy(result.as.fs, Int(result.count))
      case LETHE_T_STR: unsafe result.as.s = try copy(result.as.s, Int(result.count) + 1)
      default: break
      }
      if index < room { unsafe out?[index] = result }
    }
    for index in count..<max(count, room) { unsafe out?[index] = lethe_value() }
  }

  private func lend(
    list: lethe_value, _ owned: inout IndexingIterator<[Tensor]>
  ) throws(Refusal) -> UnsafePointer<lethe_tensor?>? {
    let count = unsafe Int(list.count)
    guard let handles = unsafe frame.scratch.array(of: lethe_tensor?.self, count) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(count) handles")
    }
    for place in 0..<count {
      let tensor = unsafe list.as.ts[place] == nil ? nil : owned.next()
      unsafe (handles + place).initialize(to: try lend(optional: tensor))
    }
    return unsafe UnsafePointer(handles)
  }

  /// A copy of a list that lives as long as the callback.
  private func copy<Element: BitwiseCopyable>(
    _ source: UnsafePointer<Element>?, _ count: Int
  ) throws(Refusal) -> UnsafePointer<Element>? {
    guard let target = unsafe frame.scratch.array(of: Element.self, count) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(count) elements")
    }
    if let source = unsafe source { unsafe target.initialize(from: source, count: count) }
    return unsafe UnsafePointer(target)
  }
}
