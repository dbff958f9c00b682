import CLethe
import Learning
import Tensors

/// "lethe.core/1" and "lethe.rng/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let core: UnsafePointer<lethe_core> = unsafe make(
    lethe_core(
      size: size(of: lethe_core.self), reserved0: 0,
      log: { context, level, message in unsafe log(context, level, message) },
      cancelled: { context in unsafe cancelled(context) },
      scratch: { context, bytes, alignment in
        var piece: UnsafeMutableRawPointer?
        _ = unsafe HostSession.serve(context, nil) { session throws(Refusal) in
          guard let bytes = Int(exactly: bytes), let alignment = Int(exactly: alignment) else { return }
          unsafe piece = session.frame.scratch.take(bytes, alignment: alignment)
        }
        return unsafe piece
      },
      report: { context, key, value, error in
        unsafe HostSession.serve(context, error, mayFail: false) { session throws(Refusal) in
          unsafe try session.report(key, value)
        }
      }))

  private static func log(_ context: lethe_ctx?, _ level: Int32, _ message: UnsafePointer<CChar>?) {
    guard let text = unsafe CStruct.text(message) else { return }
    let levels: [PluginLog.Level] = [.debug, .info, .warning]
    let level = levels.indices.contains(Int(level)) ? levels[Int(level)] : .info
    let token = unsafe Token(context)
    if let session = HostSession.current, session.frame.call != nil,
      token.bits == session.frame.context || token.bits == 0
    {
      session.log(level, text)
    } else if token.bits == 0 {
      Mailbox.only?.post(level, text)
    } else if token.isKind(.context), let mailbox = Mailbox.of(token) {
      mailbox.post(level, text)
    }
  }

  /// One load from any thread, whether the callback of the context still runs or not.
  private static func cancelled(_ context: lethe_ctx?) -> Int32 {
    let token = unsafe Token(context)
    if let session = HostSession.current, session.frame.context == token.bits {
      return session.cancel.isCancelled ? 1 : 0
    }
    let mailbox = token.bits == 0 ? Mailbox.only : Mailbox.of(token)
    return mailbox?.cancel.isCancelled == true ? 1 : 0
  }

  nonisolated(unsafe) static let randoms: UnsafePointer<lethe_rngs> = unsafe make(
    lethe_rngs(
      size: size(of: lethe_rngs.self), reserved0: 0,
      stream: { context, label, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          try session.refuseInRecordedStep("draws words")
          let stream = unsafe try session.stream(label)
          unsafe try session.give(.words(stream), out)
        }
      },
      bits: { context, random, out, count, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          unsafe try session.words(random, out, count)
        }
      },
      generator: { context, label, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          unsafe try session.give(.generator(session.generator(session.streamName(label))), out)
        }
      }))
}

extension HostSession {
  fileprivate func report(
    _ key: UnsafePointer<CChar>?, _ value: UnsafePointer<lethe_value>?
  ) throws(Refusal) {
    try refuseInRecordedStep("reports something")
    guard let key = unsafe CStruct.text(key), key.isReportKey else {
      throw .argument(1, "a report's key must look like [a-z][a-z0-9_.]*")
    }
    guard let value = unsafe value?.pointee else { throw .argument(2, "a report's value is NULL") }
    let reported: PluginReport.Value
    switch unsafe value.tag {
    case LETHE_T_BOOL, LETHE_T_INT: reported = unsafe .number(Double(value.as.i))
    case LETHE_T_FLOAT: reported = unsafe .number(value.as.f)
    case LETHE_T_STR:
      guard let text = unsafe CStruct.text(value.as.s) else { throw .argument(2, "a report's text is NULL") }
      reported = .text(CStruct.line(text))
    case LETHE_T_TENSOR:
      let tensor = unsafe try tensor(value.as.t, 2)
      guard tensor.count == 1 else { throw .argument(2, "a reported tensor has \(tensor.count) elements, not one") }
      // A copy: the number of this moment counts, whatever is written into the tensor later.
      reported = .tensor(try attempt { try withoutGradients { try tensor.detach().clone() } })
    default: throw unsafe .argument(2, "a report's value has the tag \(value.tag), a number or text would be right")
    }
    world.report(
      PluginReport(
        strategy: frame.instance?.strategy.id ?? "", key: key, step: frame.call?.step, value: reported))
  }

  /// What the stream of a label is called: "<instance>/<label>", in a later round "<instance>/<label>#<round>".
  func streamName(_ label: UnsafePointer<CChar>?) throws(Refusal) -> String {
    guard let label = unsafe CStruct.text(label), let instance = frame.instance else {
      throw .argument(1, "a stream's label is NULL")
    }
    return "\(instance.name)/\(label)" + (round == 0 ? "" : "#\(round)")
  }

  /// The stream of a label at this step.
  fileprivate func stream(_ label: UnsafePointer<CChar>?) throws(Refusal) -> Philox {
    Self.stream(unsafe try streamName(label), seed: world.seed, step: step)
  }

  /// The stream of a name: (seed, name, step).
  private static func stream(_ name: String, seed: UInt64, step: Int) -> Philox {
    Philox(seed: seed, label: name, step: UInt64(step))
  }

  private var step: Int { max(0, frame.call?.step ?? 0) }

  /// LibTorch's generator, seeded from a stream at this step.
  func generator(_ name: String) throws(Refusal) -> Generator {
    let (seed, device) = (world.seed, world.device)
    func number(_ step: Int) -> UInt64 {
      var stream = Self.stream(name, seed: seed, step: step)
      return stream.next64()
    }
    let step = step
    return try attempt {
      try draws?.generator(name, on: device, seed: number) ?? Generator(seed: number(step), device: device)
    }
  }

  /// A tensor of numbers from a stream at this step; `what` they are tells it apart from others of the same stream.
  func drawn(
    _ name: String, _ what: String, _ make: @escaping (_ stream: inout Philox) throws -> Tensor
  ) throws(Refusal) -> Tensor {
    let seed = world.seed
    func numbers(_ step: Int) throws -> Tensor {
      var stream = Self.stream(name, seed: seed, step: step)
      return try make(&stream)
    }
    let step = step
    return try attempt { try draws?.tensor("\(name) \(what)", numbers) ?? numbers(step) }
  }

  /// Refuses what cannot be recorded, or would happen once where it should happen in every step.
  func refuseInRecordedStep(_ what: String) throws(Refusal) {
    guard draws != nil else { return }
    throw Refusal(
      LETHE_E_PRECONDITION,
      "a strategy whose manifest says 'capturable' \(what) in a step that is to be recorded, where it cannot")
  }

  fileprivate func give(_ source: RandomSource, _ out: UnsafeMutablePointer<lethe_rng?>?) throws(Refusal) {
    guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
    guard frame.randoms.count < Token.slots else { throw Refusal(LETHE_E_EXHAUSTED, "too many streams in one call") }
    frame.randoms.append(source)
    let generation = Token(bits: frame.context).generation
    let token = Token(
      .random, session: mailbox.number, slot: frame.randoms.count - 1, generation: generation)
    unsafe out.pointee = token.pointer
  }

  /// Place of a stream or generator of this callback.
  func random(_ handle: lethe_rng?, _ index: Int) throws(Refusal) -> Int {
    let token = unsafe Token(handle)
    guard token.isKind(.random), token.session == mailbox.number, token.slot < frame.randoms.count,
      token.generation == Token(bits: frame.context).generation
    else {
      throw Refusal(LETHE_E_STALE, "argument \(index) is not a random stream of this call", detail: Int64(index))
    }
    return token.slot
  }

  fileprivate func words(
    _ handle: lethe_rng?, _ out: UnsafeMutablePointer<UInt32>?, _ count: UInt64
  ) throws(Refusal) {
    let place = unsafe try random(handle, 1)
    guard case .words(var stream) = frame.randoms[place] else {
      throw .argument(1, "a generator for operators gives no words; ask for a stream")
    }
    guard let count = Int(exactly: count) else { throw .argument(3, "there is no room for \(count) words") }
    guard let out = unsafe out else {
      if count == 0 { return }
      throw .argument(2, "argument 2 is NULL")
    }
    for index in 0..<count { unsafe out[index] = stream.next32() }
    frame.randoms[place] = .words(stream)
  }
}
