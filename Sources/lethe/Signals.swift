import Foundation
import Glibc

/// Answers Ctrl-C and SIGTERM on a thread of its own.
enum Signals {
  /// From here on the two signals are waited for instead of ending the process; call before any other thread begins.
  ///
  /// The first asks the work to stop, which saves its state; the second Ctrl-C ends the process at once. `live` is told,
  /// where a dashboard is shown.
  static func watch(_ cancel: @escaping @Sendable (Int32) -> Void, live: LiveTerminal? = nil) {
    block()
    Thread.detachNewThread {
      var isStopping = false
      while true {
        let signal = wait()
        if isStopping, signal == SIGINT {
          if live != nil { LiveTerminal.abandon() }
          _exit(128 + signal)
        }
        isStopping = true
        cancel(signal)
        let text = "stopping and saving; Ctrl-C once more ends at once"
        if let live { live.tell(text) } else { Output.tell("\n\(text)\n") }
      }
    }
  }

  /// From here on the two signals wait for whoever asks for them.
  static func block() {
    var signals = both
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Hands each of the two signals on, on a thread of its own. They must be blocked.
  static func pass(_ handler: @escaping @Sendable (Int32) -> Void) {
    Thread.detachNewThread { while true { handler(wait()) } }
  }

  private static func wait() -> Int32 {
    var set = both
    var signal: Int32 = 0
    while unsafe sigwait(&set, &signal) != 0 {}
    return signal
  }

  private static var both: sigset_t {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGTERM)
    return signals
  }
}
