import Foundation
import Glibc

/// Answers Ctrl-C and SIGTERM on a thread of its own.
enum Signals {
  /// From here on the two signals are waited for instead of ending the process; call before any other thread begins.
  ///
  /// The first asks the work to stop, which saves its state; the second Ctrl-C ends the process at once. `live` is told,
  /// where a dashboard is shown.
  static func watch(_ cancel: @escaping @Sendable (Int32) -> Void, live: LiveTerminal? = nil) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    let waited = signals
    Thread.detachNewThread {
      var isStopping = false
      while true {
        var set = waited
        var signal: Int32 = 0
        guard unsafe sigwait(&set, &signal) == 0 else { continue }
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
}
