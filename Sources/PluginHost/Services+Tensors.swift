import CLethe
import Tensors

/// "lethe.tensors/1" and "lethe.dlpack/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let tensors: UnsafePointer<lethe_tensors> = unsafe make(
    lethe_tensors(
      size: size(of: lethe_tensors.self), reserved0: 0,
      shape: { context, handle, dims, capacity, rank, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let shape = unsafe try session.tensor(handle, 1).shape
          guard let rank = unsafe rank else { throw .argument(4, "argument 4 is NULL") }
          if let dims = unsafe dims {
            for (index, extent) in shape.prefix(Int(capacity)).enumerated() { unsafe dims[index] = Int64(extent) }
          }
          unsafe rank.pointee = UInt32(shape.count)
        }
      },
      dtype: { context, handle, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let dtype = unsafe try session.tensor(handle, 1).dtype
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          unsafe out.pointee = dtype.rawValue
        }
      },
      read: { context, handle, dtype, target, bytes, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let tensor = unsafe try session.tensor(handle, 1)
          unsafe try session.read(tensor, dtype, target, bytes)
        }
      },
      make: { context, dtype, dims, rank, source, bytes, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let out = unsafe out else { throw .argument(6, "argument 6 is NULL") }
          let tensor = unsafe try session.make(dtype, dims, rank, source, bytes)
          unsafe out.pointee = try session.lend(tensor)
        }
      },
      keep: { context, handle, owned, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          try session.refuseInRecordedStep("keeps a tensor")
          guard let owned = unsafe owned else { throw .argument(2, "argument 2 is NULL") }
          unsafe owned.pointee = try session.keep(session.tensor(handle, 1))
        }
      },
      drop: { handle in
        let token = unsafe Token(handle)
        guard token.isKind(.tensor) else { return }
        if let session = HostSession.current, session.mailbox.number == token.session {
          session.drop(token)
        } else {
          Mailbox.of(token)?.post(drop: token)
        }
      },
      mark: { context in
        var mark: UInt64 = 0
        _ = unsafe HostSession.serve(context, nil, mayFail: false) { session throws(Refusal) in
          mark = session.mark
        }
        return mark
      },
      release_to: { context, mark, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in try session.release(toMark: mark) }
      }))

  nonisolated(unsafe) static let dlpack: UnsafePointer<lethe_dlpack> = unsafe make(
    lethe_dlpack(
      size: size(of: lethe_dlpack.self), reserved0: 0,
      export_tensor: { context, handle, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          try session.refuseInRecordedStep("exports a tensor")
          let tensor = unsafe try session.tensor(handle, 1)
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          unsafe out.pointee = try attempt {
            if tensor.device != .cpu { try TorchRuntime.shared().synchronize(tensor.device) }
            let view = unsafe try withoutGradients { unsafe try tensor.detach().dlpack() }
            return unsafe session.check == nil ? view : CountedExports.counting(view)
          }
        }
      },
      import_tensor: { context, source, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          try session.refuseInRecordedStep("imports a tensor")
          guard let source = unsafe source else { throw .argument(1, "argument 1 is NULL") }
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          let tensor = try attempt { unsafe try Tensor.importing(dlpack: source) }
          unsafe out.pointee = try session.lend(tensor)
        }
      }))
}

extension HostSession {
  /// Number of tensors in the callback's arena, with the callback that it is of.
  fileprivate var mark: UInt64 {
    UInt64(Token(bits: frame.context).generation) << 32 | UInt64(frame.arena.count)
  }

  fileprivate func release(toMark mark: UInt64) throws(Refusal) {
    guard UInt32(mark >> 32) == Token(bits: frame.context).generation else {
      throw Refusal(LETHE_E_STALE, "a mark was used after its callback returned")
    }
    let count = Int(mark & 0xFFFF_FFFF)
    guard count <= frame.arena.count else { throw .argument(1, "the mark was released already") }
    release(to: count)
  }

  fileprivate func read(
    _ tensor: Tensor, _ dtype: Int32, _ target: UnsafeMutableRawPointer?, _ bytes: UInt64
  ) throws(Refusal) {
    let type = try Self.type(dtype, 2)
    let wanted = tensor.count * type.byteCount
    try refuseInRecordedStep("reads values")
    guard bytes == UInt64(wanted) else {
      throw .argument(4, "the elements take \(wanted) bytes as \(type), not \(bytes)")
    }
    guard wanted > 0 else { return }
    guard let target = unsafe target else { throw .argument(3, "argument 3 is NULL") }
    try attempt {
      let source = tensor.dtype == type ? tensor : try withoutGradients { try tensor.detach().to(type) }
      unsafe try source.read(into: UnsafeMutableRawBufferPointer(start: target, count: wanted))
    }
  }

  fileprivate func make(
    _ dtype: Int32, _ dims: UnsafePointer<Int64>?, _ rank: UInt32, _ source: UnsafeRawPointer?, _ bytes: UInt64
  ) throws(Refusal) -> Tensor {
    let type = try Self.type(dtype, 1)
    guard rank <= 64 else { throw .argument(3, "a tensor has at most 64 dimensions, not \(rank)") }
    var shape: [Int] = []
    var count = 1
    for index in 0..<Int(rank) {
      guard let dims = unsafe dims else { throw .argument(2, "argument 2 is NULL") }
      let extent = unsafe Int(dims[index])
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, product <= 1 << 48 else {
        throw .argument(2, "dimension \(index) is \(extent), which cannot be")
      }
      shape.append(extent)
      count = product
    }
    guard bytes == UInt64(count * type.byteCount) else {
      throw .argument(5, "\(shape) of \(type) takes \(count * type.byteCount) bytes, not \(bytes)")
    }
    if unsafe source != nil { try refuseInRecordedStep("makes a tensor of its own numbers") }
    return try attempt {
      guard let source = unsafe source else { return try Tensor.zeros(shape, dtype: type, device: world.device) }
      return unsafe try Tensor(
        bytes: UnsafeRawBufferPointer(start: source, count: count * type.byteCount), shape: shape, dtype: type,
        device: world.device)
    }
  }

  /// An element type that plugins know.
  private static func type(_ number: Int32, _ index: Int) throws(Refusal) -> DType {
    guard let type = DType(rawValue: number), known.contains(type) else {
      throw .argument(index, "\(number) is not an element type of lethe/base.h")
    }
    return type
  }

  private static let known: Set<DType> = [
    .uint8, .int8, .int16, .int32, .int64, .float16, .float32, .float64, .bool, .bfloat16,
  ]
}
