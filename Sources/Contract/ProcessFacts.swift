import Glibc
import PluginHost

/// What the system says about this process.
enum ProcessFacts {
  /// Threads that run.
  static var threads: Int { ProcessStatus.number(after: "Threads:") ?? 1 }

  /// Resident memory in KiB.
  static var residentKiB: Int { ResidentMemory.kibibytes }

  /// The version of glibc, "2.36".
  static var glibc: String {
    var text = [CChar](repeating: 0, count: 64)
    guard unsafe confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count) > 0 else { return "0" }
    let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return words.split(separator: " ").last.map(String.init) ?? "0"
  }

  /// Waits up to half a second for something to become true.
  static func settled(milliseconds: Int = 500, _ condition: () -> Bool) -> Bool {
    // By the clock: on a busy machine a sleep of ten milliseconds is a long one.
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    while ContinuousClock.now < end {
      if condition() { return true }
      usleep(10_000)
    }
    return condition()
  }
}
