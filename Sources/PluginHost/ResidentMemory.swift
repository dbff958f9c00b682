import Glibc

/// What this process has resident, as the kernel counts it.
package enum ResidentMemory {
  /// KiB now.
  package static var kibibytes: Int { ProcessStatus.number(after: "VmRSS:") ?? 0 }

  /// The most KiB since `startWatching`.
  static var mostKiB: Int { ProcessStatus.number(after: "VmHWM:") ?? 0 }

  /// Forgets the most there ever was; gives what there is.
  static func startWatching() -> Int {
    if let file = unsafe fopen("/proc/self/clear_refs", "w") {
      unsafe fputs("5", file)
      unsafe fclose(file)
    }
    return kibibytes
  }
}

/// Numbers of `/proc/self/status`.
package enum ProcessStatus {
  /// The number that follows a word at the start of a line; nil where there is none.
  package static func number(after word: String) -> Int? {
    guard let file = unsafe fopen("/proc/self/status", "r") else { return nil }
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
