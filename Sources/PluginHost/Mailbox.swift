import Glibc
import Learning
import Synchronization

/// The part of a session that any thread may touch.
final class Mailbox: Sendable {
  /// Place in the registry, part of every handle of the session.
  let number: Int
  /// The run's one thread.
  let thread: pthread_t
  let cancel: CancelFlag
  /// The context of the callback under way, or 0.
  let context = Atomic<UInt64>(0)

  private struct Letters {
    var lines: [(level: PluginLog.Level, text: String)] = []
    var drops: [Token] = []
    var unread = 0
  }

  private let letters = Mutex(Letters())
  private let hasLetters = Atomic<Bool>(false)
  private static let mostLines = 1000

  private init(number: Int, cancel: CancelFlag) {
    self.number = number
    self.cancel = cancel
    thread = pthread_self()
  }

  deinit { Mailbox.all.withLock { $0[number] = nil } }

  var isOnItsThread: Bool { pthread_equal(thread, pthread_self()) != 0 }

  /// Leaves a line for the run's thread to log.
  func post(_ level: PluginLog.Level, _ text: String) {
    letters.withLock {
      if $0.lines.count < Self.mostLines { $0.lines.append((level, text)) } else { $0.unread += 1 }
    }
    hasLetters.store(true, ordering: .releasing)
  }

  /// Leaves a kept tensor for the run's thread to give back.
  func post(drop token: Token) {
    letters.withLock { $0.drops.append(token) }
    hasLetters.store(true, ordering: .releasing)
  }

  /// Takes everything out. Costs one load when there is nothing.
  func empty(_ line: (PluginLog.Level, String) -> Void, _ drop: (Token) -> Void) {
    guard hasLetters.exchange(false, ordering: .acquiringAndReleasing) else { return }
    let all = letters.withLock { letters in
      let all = letters
      letters = Letters()
      return all
    }
    for entry in all.lines { line(entry.level, entry.text) }
    if all.unread > 0 { line(.warning, "\(all.unread) more lines were left out") }
    for token in all.drops { drop(token) }
  }
}

extension Mailbox {
  /// Weak, so that a session that is gone leaves nothing behind.
  private struct Weak: Sendable {
    weak let mailbox: Mailbox?
  }

  /// Every session of the process by its number. Held for a look-up, never during a call of a plugin.
  private static let all = Mutex<[Int: Weak]>([:])

  /// A mailbox with a number of its own for the calling thread.
  ///
  /// - Precondition: fewer than 256 sessions are open.
  static func open(_ cancel: CancelFlag) -> Mailbox {
    all.withLock { all in
      guard let number = (0..<Token.sessions).first(where: { all[$0] == nil }) else {
        preconditionFailure("a process has at most \(Token.sessions) sessions of plugins at a time")
      }
      let mailbox = Mailbox(number: number, cancel: cancel)
      all[number] = Weak(mailbox: mailbox)
      return mailbox
    }
  }

  /// The session that a handle names, when it is open.
  static func of(_ token: Token) -> Mailbox? { all.withLock { $0[token.session]?.mailbox } }

  /// The process's session, when there is exactly one.
  static var only: Mailbox? { all.withLock { $0.count == 1 ? $0.first?.value.mailbox : nil } }
}
