import Glibc

/// What the system says about this process.
enum ProcessFacts {
  /// Threads that run.
  static var threads: Int { number(after: "Threads:", in: "/proc/self/status") ?? 1 }

  /// Resident memory in KiB.
  static var residentKiB: Int { number(after: "VmRSS:", in: "/proc/self/status") ?? 0 }

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

  private static func number(after word: String, in path: String) -> Int? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { unsafe free(line) }
    while unsafe getline(&line, &room, file) > 0, let text = unsafe line {
      let words = unsafe String(cString: text).split(whereSeparator: \.isWhitespace)
      if words.count > 1, words[0] == word { return Int(words[1]) }
    }
    return nil
  }
}
