import CLethe
import Glibc
package import Learning
import Synchronization
import Tensors

/// The host's side of every plugin of one run: what handles mean, and which callback is under way.
///
/// One run, one session, one thread: the one that made it. The engine keeps it as long as it keeps any instance.
@safe package final class HostSession {
  let world: any StrategyWorld
  let mailbox: Mailbox
  /// The callback under way; the inner one where an updater's `evaluate` led to an objective.
  private(set) var frame = CallFrame()
  /// Which draw of batches and random numbers is evaluated; 0 is the step's own.
  var round = 0
  /// The session's copy of the list of operators.
  var operators: [Operator] = []
  var tensors = HandleTable<Tensor>()
  /// Generation of every handle of a model: a session's own.
  let generation = Generations.next()
  /// Kept tensors of each instance: slot and generation.
  var kept: [UInt32: [Int: UInt32]] = [:]
  /// What the step under way draws, where it is to be recorded; nil where it is carried out and no more.
  package var draws: StepDraws?
  /// What a checker turned on; nil in every run.
  package var check: CheckMode?
  private var names: [(list: [String], pointers: UnsafePointer<UnsafePointer<CChar>?>)] = unsafe []

  /// - Parameters:
  ///   - world: the engine; the session keeps it, so it must not keep the session.
  ///   - cancel: what a plugin's `cancelled` reads, from any thread.
  package init(world: any StrategyWorld, cancel: CancelFlag) {
    self.world = world
    mailbox = Mailbox.open(cancel)
  }

  deinit {
    frame.scratch.close()
    unsafe names.forEach { entry in
      for index in unsafe 0..<entry.list.count { unsafe free(UnsafeMutablePointer(mutating: entry.pointers[index])) }
      unsafe entry.pointers.deallocate()
    }
  }

  var cancel: CancelFlag { mailbox.cancel }

  /// Names as C texts that live as long as the session; the same list gives the same ones.
  func cNames(_ list: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
    if let found = unsafe names.first(where: { unsafe $0.list == list }) { return unsafe found.pointers }
    let pointers = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: max(1, list.count))
    for (index, name) in list.enumerated() { unsafe (pointers + index).initialize(to: strdup(name)) }
    unsafe names.append((list, UnsafePointer(pointers)))
    return unsafe UnsafePointer(pointers)
  }
}

// MARK: The callback under way

/// A callback of a plugin while it runs: what it may do, what it was given and what it has given.
final class CallFrame {
  /// Services that are legal in some callbacks only.
  enum Moment {
    case create, prepare, work, scaleTerms, combine, afterStep, run, measure, finish
  }

  /// The token of its context, or 0 while no callback runs.
  fileprivate(set) var context: UInt64 = 0
  fileprivate(set) var call: PluginCall?
  fileprivate(set) var instance: InstanceFacts?
  fileprivate(set) var moment = Moment.work
  /// Handles made in this callback, in order.
  var arena: [Token] = []
  var randoms: [RandomSource] = []
  var scratch = Scratch()
  /// Lines logged so far.
  var lines = 0
  /// Terms added so far, and what was wrong with the first bad one.
  var terms: [Term] = []
  var direction: [Tensor?]?
  /// Numbers reported so far, and the sets that the metric was shown.
  var results: [MetricResult] = []
  var shown: [MeasuredSet] = []
  var step: (any StepView)?
  /// Where the step under way stands; nil outside of steps.
  var progress: Progress?
  var learningRate: Double?
  /// Whether the host is at work for it in a way that leads to other callbacks.
  var isEvaluating = false
}

/// Which instance of a strategy calls.
struct InstanceFacts {
  /// A number of its own in the process, the owner of kept tensors.
  let number: UInt32
  /// What its random numbers are named after.
  let name: String
  let strategy: StrategyManifest
  /// The values that it was made with.
  let parameters: [ParameterValue]
}

/// A stream of random numbers of one callback.
enum RandomSource {
  case words(Philox)
  case generator(Generator)
}

extension HostSession {
  /// The session whose callback runs on this thread: a thread's own, so that sessions of several threads do not meet.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = unsafe pthread_key_create(&key, nil)
    precondition(status == 0, "the process has no thread-specific key left")
    return key
  }()

  static var current: HostSession? {
    guard let pointer = unsafe pthread_getspecific(key) else { return nil }
    return unsafe Unmanaged<HostSession>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// Runs a callback: gives it a context, takes back everything that dies with it.
  ///
  /// - Precondition: called on the session's thread, and from inside a callback only where that evaluates terms.
  func enter<Result>(
    _ call: PluginCall, _ instance: InstanceFacts, _ moment: CallFrame.Moment, hasContext: Bool = true,
    _ body: (lethe_ctx?) throws -> Result
  ) rethrows -> Result {
    precondition(mailbox.isOnItsThread, "plugins of a run are called on the thread that opened the session")
    precondition(
      frame.call == nil || frame.isEvaluating, "a callback of a plugin leads to another one in 'evaluate' only")
    let waiting = frame.call == nil ? nil : frame
    if waiting != nil { frame = CallFrame() }
    let outer = unsafe pthread_getspecific(Self.key)
    let recording = GradientMode.isOn
    let token = Token(.context, session: mailbox.number, slot: 0, generation: Generations.next())
    _ = unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    frame.call = call
    frame.instance = instance
    frame.moment = moment
    FlightRecorder.enter(call)
    if hasContext {
      frame.context = token.bits
      mailbox.context.store(token.bits, ordering: .releasing)
    }
    defer {
      FlightRecorder.leave()
      mailbox.context.store(0, ordering: .releasing)
      frame.context = 0
      if GradientMode.isOn != recording { GradientMode.set(recording) }
      mailbox.empty({ log($0, $1) }, { drop($0) })
      release(to: 0)
      frame.randoms.removeAll(keepingCapacity: true)
      frame.terms.removeAll(keepingCapacity: true)
      frame.results.removeAll(keepingCapacity: true)
      frame.shown.removeAll(keepingCapacity: true)
      frame.scratch.empty()
      frame.direction = nil
      frame.step = nil
      frame.progress = nil
      frame.learningRate = nil
      frame.lines = 0
      frame.instance = nil
      frame.call = nil
      if let waiting {
        frame.scratch.close()
        frame = waiting
        mailbox.context.store(waiting.context, ordering: .releasing)
        if let call = waiting.call { FlightRecorder.enter(call) }
      }
      _ = unsafe pthread_setspecific(Self.key, outer)
    }
    return unsafe try body(hasContext ? token.pointer : nil)
  }

  /// Serves one request of a callback.
  ///
  /// - Parameter mayFail: whether a checker may make it fail; not where nobody could do anything about it.
  static func serve(
    _ context: lethe_ctx?, _ error: UnsafeMutablePointer<lethe_error>?, mayFail: Bool = true,
    _ body: (HostSession) throws(Refusal) -> Void
  ) -> lethe_status {
    let token = unsafe Token(context)
    guard token.bits != 0, let session = current, session.frame.context == token.bits else {
      return unsafe misuse(token).write(error)
    }
    if mayFail, let check = session.check, check.failsNow() {
      return unsafe Refusal(LETHE_E_INTERNAL, "the checker made this request fail").write(error)
    }
    do throws(Refusal) {
      try body(session)
      return LETHE_OK
    } catch let refusal {
      if refusal.status == LETHE_E_STALE { session.log(.misbehaving, refusal.message) }
      return unsafe refusal.write(error)
    }
  }

  /// What is wrong with a context that is not the one of the callback on this thread; the run's record says so too.
  static func misuse(_ token: Token) -> Refusal {
    let mailbox = token.isKind(.context) ? Mailbox.of(token) : nil
    let isRunning = mailbox?.context.load(ordering: .acquiring) == token.bits
    let refusal =
      isRunning
      ? Refusal(LETHE_E_WRONG_THREAD, Misuse.wrongThread)
      : Refusal(LETHE_E_STALE, Misuse.staleContext)
    (mailbox ?? current?.mailbox)?.post(.misbehaving, refusal.message)
    return refusal
  }

  /// Writes a line for the run's record, with the callback that it comes from.
  func log(_ level: PluginLog.Level, _ text: String) {
    frame.lines += 1
    guard frame.lines <= Self.mostLines else { return }
    let isLast = frame.lines == Self.mostLines
    world.log(
      PluginLog(
        level: level, plugin: frame.call?.plugin ?? "", call: frame.call?.call, step: frame.call?.step,
        text: CStruct.line(text) + (isLast ? " (further lines of this call are left out)" : "")))
  }

  private static let mostLines = 100
}

/// Words about plugins that use what is not theirs, which a checker tells apart.
package enum Misuse {
  package static let wrongThread = "the host was called from another thread than the run's"
  package static let staleContext = "a context was used after its callback returned"
}
