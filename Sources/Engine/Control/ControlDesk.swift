import Dispatch
import Glibc
import Learning
import Runs
import Synchronization

/// Where a run and those who ask something of it meet: requests wait here until the run comes by, between two steps.
///
/// Every method may be called from any thread. What the run itself does with a request happens on the run's thread.
final class ControlDesk: Sendable {
  /// A request that waits for its answer.
  final class Pending: Sendable {
    let request: ControlRequest
    private let reply = Mutex<ControlReply?>(nil)
    private let isAnswered = DispatchSemaphore(value: 0)

    init(_ request: ControlRequest) { self.request = request }

    /// Gives the answer; only the first one counts.
    func answer(_ answer: ControlReply) {
      reply.withLock { reply in
        guard reply == nil else { return }
        reply = answer
        isAnswered.signal()
      }
    }

    /// Waits for the answer.
    func wait() -> ControlReply {
      isAnswered.wait()
      return reply.withLock { $0 } ?? ControlReply(isDone: false, message: "no answer")
    }
  }

  private struct State {
    var status: ControlStatus
    var pending: [Pending] = []
    /// Whether the run takes requests that need its thread.
    var isOpen = false
    /// Why no request is taken any more.
    var end: String?
  }

  private let state: Mutex<State>
  private let waiting = Atomic<Int>(0)
  private let rung = DispatchSemaphore(value: 0)
  private let cancel: CancelFlag

  init(plan: RunPlan, cancel: CancelFlag) {
    self.cancel = cancel
    let status = ControlStatus(name: plan.name, process: getpid(), phase: .data, parts: plan.pipeline)
    state = Mutex(State(status: status))
  }

  // MARK: For those who ask

  /// Answers a request; waits for the run where the request needs it.
  func answer(_ request: ControlRequest) -> ControlReply {
    switch request.verb {
    case .status: return ControlReply(isDone: true, message: "", status: status)
    case .stop:
      cancel.cancel(signal: SIGTERM)
      rung.signal()
      return ControlReply(isDone: true, message: "stopping and saving", status: status)
    case .pause, .resume, .set, .swap, .snapshot: break
    }
    let pending = Pending(request)
    let refusal: String? = state.withLock { state in
      if let end = state.end { return end }
      guard state.isOpen else {
        return
          "the run is in phase '\(state.status.phase.rawValue)': '\(request.verb.rawValue)' is possible while it takes "
          + "its steps; 'status' and 'stop' are possible now"
      }
      state.pending.append(pending)
      return nil
    }
    if let refusal { return ControlReply(isDone: false, message: refusal, status: status) }
    waiting.add(1, ordering: .acquiringAndReleasing)
    rung.signal()
    return pending.wait()
  }

  /// Where the run stands.
  var status: ControlStatus { state.withLock { $0.status } }

  // MARK: For the run

  /// Notes what the run tells.
  func hear(_ event: RunEvent) {
    switch event.what {
    case .phaseStarted(let phase): state.withLock { $0.status.phase = phase }
    case .progress(let progress) where progress.phase == .unlearn:
      state.withLock { $0.status.step = progress.done }
    default: break
    }
  }

  /// Changes what the status says.
  func note(_ change: (inout ControlStatus) -> Void) { state.withLock { change(&$0.status) } }

  /// From now on requests that need the run's thread are taken.
  func open() { state.withLock { $0.isOpen = true } }

  /// From now on they are refused; those that wait are told `reason`.
  func close(_ reason: String) {
    let left = state.withLock { state in
      state.isOpen = false
      state.end = reason
      defer { state.pending = [] }
      return state.pending
    }
    for pending in left { pending.answer(ControlReply(isDone: false, message: reason)) }
  }

  /// The next request; nil where none waits. Costs one atomic load then.
  func next() -> Pending? {
    guard waiting.load(ordering: .acquiring) > 0 else { return nil }
    let pending: Pending? = state.withLock { $0.pending.isEmpty ? nil : $0.pending.removeFirst() }
    if pending != nil { waiting.subtract(1, ordering: .acquiringAndReleasing) }
    return pending
  }

  /// Whether no request waits.
  var isIdle: Bool { waiting.load(ordering: .acquiring) == 0 }

  /// Waits until somebody asks for something, a fifth of a second at most: a signal rings no bell.
  func waitForRequest() { _ = rung.wait(timeout: .now() + 0.2) }
}
