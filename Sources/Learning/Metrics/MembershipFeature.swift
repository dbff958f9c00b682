import Glibc

/// What a membership attack by support vectors looks at. Entropies are in nats and come from log-softmax, so that they are
/// finite where a probability rounds to 0.
package enum MembershipFeature: Sendable, CaseIterable {
  /// 1 where the top class is the true one, else 0.
  case correctness
  /// The softmax probability of the true label.
  case confidence
  /// `−Σ_j p_j ln p_j`.
  case entropy
  /// `−(1 − p_y) ln p_y − Σ_{j≠y} p_j ln(1 − p_j)` (Song, Mittal 2021): the entropy, told which class is right.
  case modifiedEntropy
  /// What `SVC_MIA.py`, the script behind the SalUn paper's tables, computes in its place (D34):
  /// `−Σ_{j∈L} (1 − p_j) ln p_j − Σ_{j∉L} p_j ln p_j`, with `L` all labels that occur in the batch, here the whole group.
  case publishedModifiedEntropy
  /// The softmax probabilities of all classes.
  case probabilities

  /// The metric of the attack on it.
  package var metric: Metric {
    switch self {
    case .correctness: .miaCorrectness
    case .confidence: .miaSVC
    case .entropy: .miaEntropy
    case .modifiedEntropy: .miaModifiedEntropy
    case .publishedModifiedEntropy: .miaPublishedModifiedEntropy
    case .probabilities: .miaProbabilities
    }
  }

  /// The feature whose attack is this metric; nil for other metrics.
  package init?(_ metric: Metric) {
    guard let feature = Self.allCases.first(where: { $0.metric == metric }) else { return nil }
    self = feature
  }

  /// The feature of the first `count` samples of a set, all of them unless given.
  ///
  /// - Precondition: all but the correctness and the confidence need the predictions to have been kept.
  func rows(of outputs: SetOutputs, first count: Int? = nil) -> FeatureRows {
    let samples = 0..<min(count ?? outputs.count, outputs.count)
    switch self {
    case .correctness: return FeatureRows(values: samples.map { outputs.correct[$0] ? 1 : 0 })
    case .confidence: return FeatureRows(values: samples.map { Double(outputs.confidence[$0]) })
    case .entropy, .modifiedEntropy, .publishedModifiedEntropy, .probabilities:
      guard let predictions = outputs.predictions else { preconditionFailure("the predictions were not kept") }
      return rows(of: predictions, samples)
    }
  }

  private func rows(of predictions: Predictions, _ samples: Range<Int>) -> FeatureRows {
    switch self {
    case .probabilities:
      let values = predictions.logProbabilities[0..<samples.count * predictions.classes].map { exp(Double($0)) }
      return FeatureRows(values: values, width: predictions.classes)
    case .modifiedEntropy:
      return FeatureRows(
        values: samples.map { Self.modifiedEntropy(predictions.row($0), label: Int(predictions.labels[$0])) })
    case .publishedModifiedEntropy:
      let occurring = Set(samples.map { Int(predictions.labels[$0]) })
      return FeatureRows(values: samples.map { Self.published(predictions.row($0), occurring) })
    default: return FeatureRows(values: samples.map { Self.entropy(predictions.row($0)) })
    }
  }

  private static func entropy(_ row: ArraySlice<Float>) -> Double {
    -row.reduce(0) { $0 + exp(Double($1)) * Double($1) }
  }

  private static func modifiedEntropy(_ row: ArraySlice<Float>, label: Int) -> Double {
    let logs = row.map(Double.init)
    guard logs.count > 1, let top = logs.indices.max(by: { logs[$0] < logs[$1] }) else { return 0 }
    // ln(1 − p) of the likeliest class from the other ones: 1 − p itself would round to 0 where the model is sure.
    let others = logs.indices.filter { $0 != top }.map { logs[$0] }
    let largest = others.max() ?? 0
    let restOfTop = largest + log(others.reduce(0) { $0 + exp($1 - largest) })
    var sum = 0.0
    for (index, log) in logs.enumerated() {
      let rest = index == top ? restOfTop : log1p(-exp(log))
      sum += index == label ? exp(rest) * log : exp(log) * rest
    }
    return -sum
  }

  /// In single precision where the script has it, which decides what rounds to a probability of 0.
  private static func published(_ row: ArraySlice<Float>, _ occurring: Set<Int>) -> Double {
    var sum = 0.0
    for (index, log) in row.enumerated() {
      let probability = Float(exp(Double(log)))
      // The script puts 1e-30 in place of probabilities that are 0.
      let logarithm = Glibc.log(probability > 0 ? Double(probability) : 1e-30)
      sum += (occurring.contains(index) ? 1 - Double(probability) : Double(probability)) * logarithm
    }
    return -sum
  }
}

/// Samples as a support vector machine sees them: `width` numbers for each.
struct FeatureRows: Sendable, Equatable {
  /// Row-major.
  let values: [Double]
  /// Numbers a sample.
  let width: Int

  /// Rows from their numbers; one a sample unless said otherwise.
  init(values: [Double], width: Int = 1) {
    precondition(width > 0 && values.count.isMultiple(of: width), "whole rows")
    self.values = values
    self.width = width
  }

  /// How many samples.
  var count: Int { values.count / width }

  /// The first sample with a number that is not finite.
  var firstNotFinite: Int? { values.firstIndex { !$0.isFinite }.map { $0 / width } }

  /// Both, one after the other.
  ///
  /// - Precondition: they have the same width.
  static func + (a: FeatureRows, b: FeatureRows) -> FeatureRows {
    precondition(a.width == b.width, "features of one kind")
    return FeatureRows(values: a.values + b.values, width: a.width)
  }

  /// The first `count` samples.
  func prefix(_ count: Int) -> FeatureRows { FeatureRows(values: Array(values.prefix(count * width)), width: width) }
}
