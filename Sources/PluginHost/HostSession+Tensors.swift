import CLethe
import Tensors

extension HostSession {
  /// Gives a callback a tensor, until it returns.
  func lend(_ tensor: Tensor) throws(Refusal) -> OpaquePointer? {
    guard let place = tensors.insert(tensor) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there are \(tensors.count) tensors alive; free some with release_to or drop")
    }
    let token = Token(.tensor, session: mailbox.number, slot: place.slot, generation: place.generation)
    frame.arena.append(token)
    guard check?.lendsForeign != true else {
      return unsafe Token(
        .tensor, session: mailbox.number, slot: place.slot, generation: ~place.generation
      ).pointer
    }
    return unsafe token.pointer
  }

  /// Gives a callback a tensor, or NULL.
  func lend(optional tensor: Tensor?) throws(Refusal) -> OpaquePointer? {
    guard let tensor else { return nil }
    return unsafe try lend(tensor)
  }

  /// The tensor that a handle means. `index` is which argument of the call it is.
  func tensor(_ handle: OpaquePointer?, _ index: Int) throws(Refusal) -> Tensor {
    guard let tensor = unsafe try tensor(optional: handle, index) else {
      throw .argument(index, "argument \(index) is NULL, a tensor would be right")
    }
    return tensor
  }

  /// The tensor that a handle means, nil for NULL.
  func tensor(optional handle: OpaquePointer?, _ index: Int) throws(Refusal) -> Tensor? {
    guard let handle = unsafe handle else { return nil }
    let token = unsafe Token(handle)
    guard token.isKind(.tensor), token.session == mailbox.number, let tensor = tensors[token.slot, token.generation]
    else {
      throw Refusal(
        LETHE_E_STALE, "argument \(index) is a tensor handle that is not valid, or not any more", detail: Int64(index))
    }
    return tensor
  }

  /// Frees what was lent after that many.
  func release(to count: Int) {
    while frame.arena.count > count, let token = frame.arena.popLast() {
      tensors.remove(token.slot, token.generation)
    }
  }

  /// A handle that outlives the callback and belongs to the instance.
  func keep(_ tensor: Tensor) throws(Refusal) -> OpaquePointer? {
    guard let instance = frame.instance else { throw Refusal(LETHE_E_PRECONDITION, "no instance keeps it") }
    let kept = try attempt { try withoutGradients { try tensor.detach() } }
    guard let place = tensors.insert(kept) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there are \(tensors.count) tensors alive; free some with release_to or drop")
    }
    let token = Token(.tensor, session: mailbox.number, slot: place.slot, generation: place.generation)
    self.kept[instance.number, default: [:]][token.slot] = token.generation
    return unsafe token.pointer
  }

  /// Takes back a kept tensor; a handle that is none does nothing.
  func drop(_ token: Token) {
    for owner in kept.keys where kept[owner]?[token.slot] == token.generation {
      kept[owner]?[token.slot] = nil
      tensors.remove(token.slot, token.generation)
    }
  }

  /// Takes back all that an instance kept.
  func dropAll(of instance: UInt32) {
    for (slot, generation) in kept.removeValue(forKey: instance) ?? [:] { tensors.remove(slot, generation) }
  }

  /// Named tensors as arrays that live as long as the callback.
  func lend(_ list: NamedTensors) throws(Refusal) -> lethe_named_tensors {
    guard let handles = unsafe frame.scratch.array(of: OpaquePointer?.self, list.tensors.count) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(list.tensors.count) handles")
    }
    for (index, tensor) in list.tensors.enumerated() {
      unsafe (handles + index).initialize(to: try lend(optional: tensor))
    }
    return unsafe lethe_named_tensors(
      size: UInt32(MemoryLayout<lethe_named_tensors>.size), count: UInt32(list.names.count),
      names: cNames(list.names), tensors: UnsafePointer(handles))
  }

  /// The tensors of an array of handles; nil where it has NULL.
  func tensors(
    _ handles: UnsafePointer<OpaquePointer?>?, _ count: UInt32, _ index: Int
  ) throws(Refusal) -> [Tensor?] {
    guard count > 0 else { return [] }
    guard let handles = unsafe handles else {
      throw .argument(index, "argument \(index) is NULL, a list would be right")
    }
    var list: [Tensor?] = []
    list.reserveCapacity(Int(count))
    for place in 0..<Int(count) { list.append(unsafe try tensor(optional: handles[place], index)) }
    return list
  }
}

// MARK: Models

extension HostSession {
  /// A handle for a model, valid as long as the session.
  func handle(_ model: ModelHandle) -> OpaquePointer? {
    unsafe Token(.model, session: mailbox.number, slot: model.number, generation: generation).pointer
  }

  /// The model that a handle means.
  func model(_ handle: OpaquePointer?, _ index: Int) throws(Refusal) -> ModelHandle {
    let token = unsafe Token(handle)
    guard token.isKind(.model), token.session == mailbox.number, token.generation == generation else {
      throw Refusal(LETHE_E_STALE, "argument \(index) is not a handle of a model", detail: Int64(index))
    }
    return ModelHandle(token.slot)
  }
}

// MARK: Structs for callbacks

extension HostSession {
  /// A C struct that lives as long as the callback.
  func place<Struct: BitwiseCopyable>(_ value: Struct) throws(Refusal) -> UnsafePointer<Struct> {
    guard let memory = unsafe frame.scratch.array(of: Struct.self, 1) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(MemoryLayout<Struct>.size) bytes")
    }
    unsafe memory.initialize(to: value)
    return unsafe UnsafePointer(memory)
  }

  /// Where the run stands, as plugins see it; the callback's services see it too.
  func place(_ progress: Progress) throws(Refusal) -> UnsafePointer<lethe_progress> {
    frame.progress = progress
    return unsafe try show(
      lethe_progress(
        size: ServiceTables.size(of: lethe_progress.self), reserved0: 0, step: Int64(progress.step),
        steps: Int64(progress.steps), epoch: Int64(progress.epoch), epochs: Int64(progress.epochs),
        step_in_epoch: Int64(progress.stepInEpoch), steps_in_epoch: Int64(progress.stepsInEpoch)))
  }
}
