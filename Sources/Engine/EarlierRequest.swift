import Foundation
import Learning
import Runs
import Tensors

/// What an earlier stage of a sequence forgot, of a diffusion model: whether it was learned again.
struct EarlierRequest {
  /// Its stage, from 1.
  let number: Int
  /// Its training samples.
  let positions: [Int32]
  /// Different images of it in [-1, 1]; nil where nobody asks how often they are drawn.
  let targets: Tensor?
  /// The class that all of it is of, where it is one of the network's.
  let forgotten: Int?

  /// Those of a run's stage, the earliest first.
  ///
  /// - Parameters:
  ///   - isTold: whether the network is told a class.
  ///   - needsTargets: whether drawn images are compared with them.
  static func all(in data: PreparedData, isTold: Bool, needsTargets: Bool) throws -> [EarlierRequest] {
    try data.earlierForgetSets.enumerated().map { index, positions in
      EarlierRequest(
        number: index + 1, positions: positions,
        targets: needsTargets ? try data.distinctImages(at: positions, atMost: 4096) : nil,
        forgotten: isTold ? try data.soleClass(of: positions) : nil)
    }
  }

  /// A number of the forget set as one of this request: `target-rate-1@…`, `target rate(forget 1)`.
  func renamed(_ metric: MetricValue) -> MetricValue {
    var metric = metric
    let parts = metric.id.split(separator: "@", maxSplits: 1)
    metric.id = (["\(parts[0])-\(number)"] + parts.dropFirst().map(String.init)).joined(separator: "@")
    metric.name = metric.name.replacingOccurrences(of: "(forget)", with: "") + "(forget \(number))"
    metric.set = .forget
    metric.setHash = digest("forget-\(number)\n" + positions.map(String.init).joined(separator: "\n"))
    return metric
  }
}
