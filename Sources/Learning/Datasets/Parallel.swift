import Dispatch
import Synchronization

/// Work on plain values by several threads.
enum Parallel {
  /// Calls `work` for the pieces 0 ..< `count` on all cores and returns the results in order.
  ///
  /// When pieces fail, the error of the first of them in order is thrown, so that the message does not depend on
  /// timing; pieces after a failed one are not begun.
  static func map<Output: Sendable>(
    count: Int, _ work: @Sendable (Int) throws(LearningError) -> Output
  ) throws(LearningError) -> [Output] {
    let finished = Mutex([Int: Result<Output, LearningError>]())
    let firstFailed = Atomic<Int>(.max)
    DispatchQueue.concurrentPerform(iterations: count) { piece in
      // A piece before the failed one still runs: it may hold the error that comes first.
      guard piece < firstFailed.load(ordering: .relaxed) else { return }
      do throws(LearningError) {
        let output = try work(piece)
        finished.withLock { $0[piece] = .success(output) }
      } catch {
        firstFailed.min(piece, ordering: .relaxed)
        finished.withLock { $0[piece] = .failure(error) }
      }
    }
    let results = finished.withLock { $0 }
    var outputs: [Output] = []
    outputs.reserveCapacity(count)
    for piece in 0..<count {
      guard let result = results[piece] else { preconditionFailure("a piece of parallel work was not begun") }
      outputs.append(try result.get())
    }
    return outputs
  }
}
