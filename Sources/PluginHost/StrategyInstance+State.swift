import CLethe

extension StrategyInstance {
  /// Whether the strategy keeps anything between steps.
  package var hasState: Bool { strategy.loaded.hasState }

  /// Which form the state has; nil where the strategy keeps nothing.
  package var stateVersion: UInt32? { hasState ? unsafe strategy.loaded.table.state_version : nil }

  /// What the instance needs to go on bit for bit; nil where it keeps nothing.
  package func saveState(step: Int? = nil) throws -> SavedState? {
    _ = try legal(.state, "save_state", step)
    guard let save = unsafe strategy.loaded.table.save_state else { return nil }
    let buffer = StateBuffer([])
    try unsafe call("save_state", step, .work) { instance, context, error in
      unsafe buffer.withStream { stream in unsafe save(instance, context, stream, error) }
    }
    guard !buffer.isTooLarge else {
      throw PluginError.call(
        describe("save_state", step), .state("its state is larger than \(StateBuffer.largest) bytes"))
    }
    return SavedState(version: unsafe strategy.loaded.table.state_version, bytes: buffer.bytes)
  }

  /// Puts back what `saveState` gave, in an instance that is ready.
  package func loadState(_ state: SavedState, step: Int? = nil) throws {
    _ = try legal(.state, "load_state", step)
    guard let load = unsafe strategy.loaded.table.load_state else {
      throw PluginError.call(
        describe("load_state", step), .state("there are \(state.bytes.count) bytes of state, and it keeps none"))
    }
    let buffer = StateBuffer(state.bytes, piece: session.check?.piece)
    try unsafe call("load_state", step, .work) { instance, context, error in
      unsafe buffer.withStream { stream in unsafe load(instance, context, state.version, stream, error) }
    }
  }
}

/// Bytes of state on their way through a stream.
private final class StateBuffer {
  static let largest = 1 << 32

  private(set) var bytes: [UInt8]
  private(set) var isTooLarge = false
  private var position = 0

  /// Bytes that a read gives at most.
  private let piece: Int

  init(_ bytes: [UInt8], piece: Int? = nil) {
    self.bytes = bytes
    self.piece = piece ?? .max
  }

  /// A stream over these bytes, valid during `body`.
  func withStream<Result>(_ body: (UnsafePointer<lethe_stream>) -> Result) -> Result {
    var stream = unsafe lethe_stream(
      size: ServiceTables.size(of: lethe_stream.self), reserved0: 0, ctx: Unmanaged.passUnretained(self).toOpaque(),
      read: { context, target, count in
        guard let context = unsafe context else { return -1 }
        return unsafe Unmanaged<StateBuffer>.fromOpaque(context).takeUnretainedValue().read(target, count)
      },
      write: { context, source, count in
        guard let context = unsafe context else { return -1 }
        return unsafe Unmanaged<StateBuffer>.fromOpaque(context).takeUnretainedValue().write(source, count)
      })
    return unsafe body(&stream)
  }

  private func read(_ target: UnsafeMutableRawPointer?, _ count: UInt64) -> Int64 {
    let length = min(Int(clamping: count), bytes.count - position, piece)
    guard length > 0 else { return 0 }
    guard let target = unsafe target else { return -1 }
    unsafe target.copyMemory(from: Array(bytes[position..<position + length]), byteCount: length)
    position += length
    return Int64(length)
  }

  private func write(_ source: UnsafeRawPointer?, _ count: UInt64) -> Int64 {
    guard count > 0 else { return 0 }
    guard let source = unsafe source, count <= UInt64(Self.largest - bytes.count) else {
      unsafe isTooLarge = isTooLarge || source != nil
      return -1
    }
    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: source, count: Int(count)))
    return Int64(count)
  }
}
