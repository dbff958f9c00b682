import Synchronization

/// C texts that live as long as the process, each once.
enum PermanentTexts {
  /// An address that is never freed, which makes it safe to hand round.
  @safe private struct Address: @unchecked Sendable {
    let pointer: UnsafePointer<CChar>
  }

  private static let all = Mutex<[String: Address]>([:])

  static func text(_ text: String) -> UnsafePointer<CChar> {
    unsafe all.withLock { all in
      if let found = all[text] { return found }
      let made = unsafe Address(pointer: ServiceTables.permanent(text))
      all[text] = made
      return made
    }.pointer
  }
}
