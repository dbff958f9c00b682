import CSVM
import Dispatch
import Foundation
import Synchronization

/// A support vector machine for two classes and one feature, by libsvm.
struct SupportVectorMachine: Sendable {
  /// The price of a sample on the wrong side.
  let cost: Double
  /// The sharpness of the kernel `exp(−γ (x−y)²)`.
  let gamma: Double

  /// Fits on labelled features and classifies others, on a thread of its own that is abandoned on cancel.
  func predictions(
    for unknown: [Double], trainedOn features: [Double], labels: [Double], cancel: CancelFlag
  ) throws(LearningError) -> [Double] {
    precondition(features.count == labels.count, "one label a sample")
    let outcome = Outcome()
    let worker = Thread {
      outcome.finish(self.fitAndPredict(unknown, features, labels))
    }
    worker.name = "support-vectors"
    worker.start()
    while true {
      if let result = outcome.wait(milliseconds: 100) { return try result.get() }
      try cancel.check()
    }
  }

  /// What the worker hands over.
  private final class Outcome: Sendable {
    private let ready = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<[Double], LearningError>?>(nil)

    func finish(_ value: Result<[Double], LearningError>) {
      result.withLock { $0 = value }
      ready.signal()
    }

    func wait(milliseconds: Int) -> Result<[Double], LearningError>? {
      guard ready.wait(timeout: .now() + .milliseconds(milliseconds)) == .success else { return nil }
      return result.withLock { $0 }
    }
  }

  private func fitAndPredict(
    _ unknown: [Double], _ features: [Double], _ labels: [Double]
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
    // A sample is its one feature and an end mark.
    var nodes = features.flatMap { [svm_node(index: 1, value: $0), svm_node(index: -1, value: 0)] }
    var labels = labels
    return unsafe nodes.withUnsafeMutableBufferPointer { nodes in
      unsafe labels.withUnsafeMutableBufferPointer { labels in
        guard let first = nodes.baseAddress else { return .success([]) }
        var samples: [UnsafeMutablePointer<svm_node>?] = unsafe stride(from: 0, to: nodes.count, by: 2).map {
          unsafe first + $0
        }
        return unsafe samples.withUnsafeMutableBufferPointer { samples in
          var problem = unsafe svm_problem(l: Int32(labels.count), y: labels.baseAddress, x: samples.baseAddress)
          if let complaint = unsafe svm_check_parameter(&problem, &parameter) {
            return unsafe .failure(.attackFailed(reason: String(cString: complaint)))
          }
          // The model points into the nodes, so it is used up before they go.
          var model = unsafe svm_train(&problem, &parameter)
          defer { unsafe svm_free_and_destroy_model(&model) }
          guard let fitted = unsafe model else { return .failure(.attackFailed(reason: "libsvm made no model")) }
          return .success(
            unknown.map { value in
              let sample = [svm_node(index: 1, value: value), svm_node(index: -1, value: 0)]
              return unsafe svm_predict(fitted, sample)
            })
        }
      }
    }
  }
}
