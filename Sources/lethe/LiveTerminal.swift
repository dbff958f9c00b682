import Foundation
import Glibc
import Runs
import Synchronization

/// Draws a dashboard over the whole terminal, four times a second, until it is closed. The terminal's other screen is
/// used for it: what was there before comes back, whatever size the window had meanwhile.
final class LiveTerminal: Sendable {
  private struct State {
    var dashboard = Dashboard()
    /// Lines to be left on the terminal at the end.
    var kept: [String] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Whether the other screen is shown. Held while something is drawn, so that nothing is drawn after the end; apart from
  /// the state, so that a terminal that does not read stops no run.
  private let isOpen = Mutex(false)
  private let start = ContinuousClock.now

  /// The other screen, no cursor, no new line at the edge.
  private static let enter: StaticString = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J"
  private static let leave: StaticString = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

  /// Shows the dashboard, beginning with what an earlier part of the run told. Call after signals are watched, which is
  /// to be done before other threads begin.
  func open(after events: [RunEvent] = []) {
    state.withLock { state in
      for event in events { state.dashboard.add(event.what) }
    }
    isOpen.withLock { $0 = true }
    LiveTerminal.handleSignals()
    LiveTerminal.write(LiveTerminal.enter)
    Thread.detachNewThread { [self] in
      while draw() { usleep(250_000) }
    }
  }

  /// Takes in an event.
  func add(_ event: RunEvent.What) { state.withLock { $0.dashboard.add(event) } }

  /// Shows a line, which is left on the terminal at the end.
  func tell(_ text: String) {
    let isClosed = state.withLock { state in
      guard !state.isClosed else { return true }
      state.dashboard.say(text)
      state.kept.append(text)
      return false
    }
    if isClosed { Output.tell(text + "\n") }
  }

  /// Gives the terminal back as it was, and leaves the lines that were told. May be called more than once.
  func close() {
    isOpen.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      LiveTerminal.write(LiveTerminal.leave)
    }
    let lines = state.withLock { state in
      defer { state.kept = [] }
      state.isClosed = true
      return state.kept
    }
    for line in lines { Output.tell(line + "\n") }
  }

  /// Gives the terminal back at once, before the process ends without more ado.
  static func abandon() { write(leave) }

  /// Draws once; says whether it goes on.
  private func draw() -> Bool {
    let dashboard = state.withLock { $0.dashboard }
    let (columns, rows) = Output.size
    let seconds = start.duration(to: .now) / .seconds(1)
    // The last column stays free: erasing a line's rest behind a full line would take its last character.
    let lines = dashboard.lines(columns: columns - 1, rows: rows, seconds: seconds)
    // In place, each line's rest erased behind it: a terminal shows the old picture or the new one, never an empty one.
    let text = "\u{1B}[?2026h\u{1B}[H" + lines.joined(separator: "\u{1B}[K\r\n") + "\u{1B}[K\u{1B}[J\u{1B}[?2026l"
    return isOpen.withLock { isOpen in
      if isOpen { Output.tell(text) }
      return isOpen
    }
  }

  private static func write(_ text: StaticString) {
    _ = unsafe Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
  }

  /// A process that is stopped or dies leaves the terminal as it was. Handlers write and raise, which is allowed there.
  private static func handleSignals() {
    // Who started the process may have left them blocked.
    var handled = sigset_t()
    unsafe sigemptyset(&handled)
    defer { unsafe pthread_sigmask(SIG_UNBLOCK, &handled, nil) }
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT, SIGHUP] {
      unsafe sigaddset(&handled, signal)
      Glibc.signal(signal) { signal in
        LiveTerminal.write(LiveTerminal.leave)
        Glibc.signal(signal, SIG_DFL)
        raise(signal)
      }
    }
    Glibc.signal(SIGTSTP) { _ in
      LiveTerminal.write(LiveTerminal.leave)
      raise(SIGSTOP)
      LiveTerminal.write(LiveTerminal.enter)
    }
  }
}
