import CSVM
import Dispatch
import Foundation
import Synchronization

/// A support vector machine for two classes, by libsvm.
struct SupportVectorMachine: Sendable {
  /// The price of a sample on the wrong side.
  let cost: Double
  /// The sharpness of the kernel `exp(−γ ‖x−y‖²)`.
  let gamma: Double

  /// Begins to fit on labelled samples and to classify others, on a thread of its own.
  ///
  /// At most as many fits as there are cores, and at most four, run at once, as each has 200 MB of cache; the others wait
  /// for their turn. Once `cancel` is raised the thread is **abandoned**: it works on its own copies until it is done or the process
  /// ends, and its result is dropped; one that has not begun does nothing.
  func begin(
    classifying unknown: FeatureRows, trainedOn samples: FeatureRows, labels: [Double], cancel: CancelFlag
  ) -> SupportVectorFit {
    precondition(samples.count == labels.count && samples.width == unknown.width, "one label a sample")
    let fit = SupportVectorFit()
    let worker = Thread {
      Self.turns.wait()
      defer { Self.turns.signal() }
      guard !cancel.isCancelled else { return }
      // The passes over other models need the cores more, as LibTorch's threads wait for each other. Of this thread alone.
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      fit.finish(self.fitAndPredict(unknown, samples, labels))
    }
    worker.name = "support-vectors"
    worker.start()
    return fit
  }

  private static let turns = DispatchSemaphore(value: max(1, min(4, ProcessInfo.processInfo.activeProcessorCount)))

  private func fitAndPredict(
    _ unknown: FeatureRows, _ samples: FeatureRows, _ labels: [Double]
  ) -> Result<[Double], LearningError> {
    // libsvm reports its progress on standard output unless told where to.
    unsafe svm_set_print_string_function { _ in }
    var parameter = unsafe svm_parameter()
    unsafe parameter.svm_type = Int32(C_SVC)
    unsafe parameter.kernel_type = Int32(RBF)
    unsafe parameter.C = cost
    unsafe parameter.gamma = gamma
    unsafe parameter.eps = 1e-3
    unsafe parameter.shrinking = 1
    unsafe parameter.cache_size = 200
    var nodes = Self.nodes(samples)
    var labels = labels
    return unsafe nodes.withUnsafeMutableBufferPointer { nodes in
      unsafe labels.withUnsafeMutableBufferPointer { labels in
        guard let first = nodes.baseAddress else { return .success([]) }
        var rows: [UnsafeMutablePointer<svm_node>?] = unsafe stride(from: 0, to: nodes.count, by: samples.width + 1)
          .map { unsafe first + $0 }
        return unsafe rows.withUnsafeMutableBufferPointer { rows in
          var problem = unsafe svm_problem(l: Int32(labels.count), y: labels.baseAddress, x: rows.baseAddress)
          if let complaint = unsafe svm_check_parameter(&problem, &parameter) {
            return unsafe .failure(.attackFailed(reason: String(cString: complaint)))
          }
          // The model points into the nodes, so it is used up before they go.
          var model = unsafe svm_train(&problem, &parameter)
          defer { unsafe svm_free_and_destroy_model(&model) }
          guard let fitted = unsafe model else { return .failure(.attackFailed(reason: "libsvm made no model")) }
          let unknownNodes = Self.nodes(unknown)
          return unsafe unknownNodes.withUnsafeBufferPointer { unknownNodes in
            guard let start = unknownNodes.baseAddress else { return .success([]) }
            return .success(
              (0..<unknown.count).map { unsafe svm_predict(fitted, start + $0 * (unknown.width + 1)) })
          }
        }
      }
    }
  }

  /// libsvm's form: of each sample its numbers, counted from 1, and an end mark.
  private static func nodes(_ rows: FeatureRows) -> [svm_node] {
    var nodes: [svm_node] = []
    nodes.reserveCapacity(rows.count * (rows.width + 1))
    for sample in 0..<rows.count {
      for column in 0..<rows.width {
        nodes.append(svm_node(index: Int32(column + 1), value: rows.values[sample * rows.width + column]))
      }
      nodes.append(svm_node(index: -1, value: 0))
    }
    return nodes
  }
}

/// A fit that is under way, and what it will say of the samples it was asked about.
final class SupportVectorFit: Sendable {
  private let ready = DispatchSemaphore(value: 0)
  private let result = Mutex<Result<[Double], LearningError>?>(nil)

  fileprivate func finish(_ value: Result<[Double], LearningError>) {
    result.withLock { $0 = value }
    ready.signal()
  }

  /// The class of each sample. Waits for the fit, and throws within a tenth of a second once `cancel` is raised.
  func predictions(cancel: CancelFlag) throws(LearningError) -> [Double] {
    while true {
      if ready.wait(timeout: .now() + .milliseconds(100)) == .success {
        // Whoever asks again finds it at once.
        ready.signal()
        guard let result = result.withLock({ $0 }) else { preconditionFailure("a fit that is ready has a result") }
        return try result.get()
      }
      try cancel.check()
    }
  }
}
