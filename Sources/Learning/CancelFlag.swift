import Synchronization

/// Says across threads that the user wants to stop. Set once by a signal, read wherever work can be cut short.
///
/// Both sides are a single atomic access: setting it is safe in a signal handler, reading it costs next to nothing.
package final class CancelFlag: Sendable {
  private let raised = Atomic<Int32>(0)

  /// A flag that is not raised.
  package init() {}

  /// Raises the flag. The first signal stays: a later one changes nothing.
  ///
  /// - Parameter signal: the signal's number, such as 2 for SIGINT or 15 for SIGTERM; above zero.
  package func cancel(signal: Int32) {
    precondition(signal > 0, "a cancel flag needs the number of a signal")
    _ = raised.compareExchange(expected: 0, desired: signal, ordering: .acquiringAndReleasing)
  }

  /// Whether the flag is raised.
  package var isCancelled: Bool { signal != 0 }

  /// The signal that raised the flag, or 0.
  package var signal: Int32 { raised.load(ordering: .acquiring) }

  /// Throws ``LearningError/interrupted(signal:)`` when the flag is raised.
  package func check() throws(LearningError) {
    let signal = signal
    guard signal == 0 else { throw .interrupted(signal: signal) }
  }
}
