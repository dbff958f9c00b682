import Learning
import Runs

extension Evaluation {
  /// How well a model does on what earlier stages of a sequence forgot: whether it was learned again.
  func earlierForgetSets(of model: TrainableModel) throws -> [MetricValue] {
    try data.earlierForgetSets.enumerated().flatMap { index, positions in
      let outputs = try pass(model, data.train, positions, predictions: false) { _ in }
      let number = index + 1
      let hash = digest("forget-\(number)\n" + positions.map(String.init).joined(separator: "\n"))
      func metric(_ id: String, _ name: String, _ value: Double, _ unit: String) -> MetricValue {
        MetricValue(
          id: id, name: "\(name)(forget \(number))", value: value, unit: unit, direction: .retrained, set: .forget,
          samples: positions.count, seed: plan.seed, setHash: hash)
      }
      let loss = outputs.losses.reduce(0) { $0 + Double($1) } / Double(positions.count)
      return [
        metric("fa-\(number)@acc", "acc", outputs.accuracy, "%"),
        metric("loss-forget-\(number)@mean-cross-entropy", "loss", loss, ""),
      ]
    }
  }
}
