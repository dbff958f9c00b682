import CLethe
import Glibc
import Synchronization

/// What a checker of plugins turns on in a session, and what the session notes for it. Outside of checks a session has none.
package final class CheckMode {
  /// Bytes that every struct for a callback is longer than this host knows; they are filled with `filler`.
  package var tail = 0
  /// Which request to the host fails, counted from 1; 0 for none.
  package var failing = 0
  /// Whether tensors are lent under handles that mean nothing.
  package var lendsForeign = false
  /// Room for messages, when it is not the usual one.
  package var capacity: Int?
  /// Bytes that a state stream gives at a time, when not all that is asked for.
  package var piece: Int?
  /// Whether the memory of calls is looked at, which takes longer than many of them.
  package var watchesMemory = false
  /// Whether reweighters are asked about losses that are not finite, as they are on a device.
  package var asksAnyway = false

  /// Requests that may fail, so far.
  package private(set) var requests = 0
  /// Calls that ended with a status other than 0.
  package private(set) var failures: [Failure] = []
  /// Seconds of each call of a strategy by its name, `objective.terms`.
  package private(set) var times: [String: Times] = [:]
  /// Whether something was taken out of the graph by `detach`.
  package internal(set) var usesNoGraph = false

  /// What fills bytes that no header names.
  package static let filler: UInt8 = 0xA5

  /// A call that failed.
  package struct Failure: Sendable {
    /// The status that it gave.
    package let status: Int32
    /// What it wrote, up to the first zero byte or the end of its room.
    package let message: [UInt8]
    /// How long it said that the whole message is.
    package let length: Int
    /// The room that it was given.
    package let capacity: Int
    /// Whether it wrote beyond that room.
    package let wentTooFar: Bool
    /// Whether the message ends with a zero byte inside its room.
    package let isTerminated: Bool
  }

  /// How long calls of one name took.
  package struct Times: Sendable {
    package var calls = 0
    package var seconds = 0.0
    package var longest = 0.0
    /// The most KiB that the process had resident during one of them beyond what it had before it.
    package var mostKiB = 0
  }

  package init() {}

  /// Begins to count requests anew, and forgets failures.
  package func restart() {
    requests = 0
    failures = []
  }

  /// Counts a request; true where it is the one that fails.
  func failsNow() -> Bool {
    requests += 1
    return requests == failing
  }

  func note(_ call: String, kibibytes: Int) {
    times[call, default: Times()].mostKiB = max(times[call]?.mostKiB ?? 0, kibibytes)
  }

  func note(_ call: String, seconds: Double) {
    var times = self.times[call] ?? Times()
    times.calls += 1
    times.seconds += seconds
    times.longest = max(times.longest, seconds)
    self.times[call] = times
  }

  /// Looks at a message buffer of `bytes` bytes, all `filler` before the call.
  func note(_ status: Int32, _ error: lethe_error, _ start: UnsafeMutablePointer<CChar>, _ bytes: Int) {
    let capacity = self.capacity ?? bytes
    let all = (0..<bytes).map { unsafe UInt8(bitPattern: start[$0]) }
    let inside = all[..<capacity]
    let end = inside.firstIndex(of: 0)
    failures.append(
      Failure(
        status: status, message: Array(inside[..<(end ?? capacity)]), length: unsafe Int(error.message_len),
        capacity: capacity, wentTooFar: all[capacity...].contains { $0 != Self.filler }, isTerminated: end != nil))
  }
}

/// Which additions to the ABI this process offers: fewer than it knows where a checker plays an older host.
package enum OfferedMinor {
  private static let value = Atomic<Int>(HostFacts.minor)

  /// Plays an older host. Call it before anything is loaded.
  package static func pretend(_ minor: Int) { value.store(minor, ordering: .releasing) }

  static var now: Int { value.load(ordering: .acquiring) }

  /// The newest there is.
  package static var newest: Int { HostFacts.minor }
}

extension HostSession {
  /// A struct for a callback, in memory that lives as long as the callback; longer than this host knows it where a checker
  /// plays a newer host.
  func show<Struct: BitwiseCopyable>(_ value: Struct) throws(Refusal) -> UnsafePointer<Struct> {
    guard let check, check.tail > 0 else { return unsafe try place(value) }
    let size = MemoryLayout<Struct>.size
    guard let bytes = unsafe frame.scratch.take(size + check.tail, alignment: MemoryLayout<Struct>.alignment) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(size + check.tail) bytes")
    }
    let memory = unsafe bytes.bindMemory(to: Struct.self, capacity: 1)
    unsafe memory.initialize(to: value)
    unsafe bytes.storeBytes(of: UInt32(size + check.tail), as: UInt32.self)
    unsafe memset(bytes + size, Int32(CheckMode.filler), check.tail)
    return unsafe UnsafePointer(memory)
  }

  /// What the session's strategies keep at present.
  package var keptTensors: Int { kept.values.reduce(0) { $0 + $1.count } }
  /// Tensors under a handle at present.
  package var lentTensors: Int { tensors.count }
}
