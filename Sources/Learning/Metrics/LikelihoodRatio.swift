import Foundation

/// Says for each sample how much likelier a model's margin is under one explanation than under another: a Gaussian for
/// each sample and explanation, fitted to shadow models for which the explanation is known.
///
/// - LiRA (Carlini, Chien, Nasr, Song, Terzis, Tramèr: Membership inference attacks from first principles; S&P 2022,
///   algorithm 1, online): the sample was trained on, or not.
/// - U-LiRA (Hayes, Shumailov, Triantafillou, Khalifa, Papernot: Inexact unlearning needs more careful evaluations to
///   avoid a false sense of privacy; 2024): the sample was trained on and unlearned, or never trained on.
///
/// A margin is `log(p_y / (1 − p_y)) = z_y − log Σ_{c≠y} exp(z_c)`.
package struct LikelihoodRatio: Sendable {
  /// Where the Gaussians' variances come from.
  package enum Variance: String, Sendable, Codable, CaseIterable {
    /// One for all samples of an explanation, from the deviations from each sample's own mean: for few models.
    case pooled
    /// One for each sample: for 64 models and more (Carlini et al., section VI.C).
    case perSample = "per-sample"
  }

  /// Margins of one model, and for each sample which explanation holds there; nil where neither does.
  package struct Observation: Sendable {
    /// One value a sample.
    package let margins: [Float]
    /// Whether the first explanation holds for the sample, the second, or none.
    package let isFirst: [Bool?]

    /// Makes an observation of its two halves.
    ///
    /// - Precondition: the lengths agree.
    package init(margins: [Float], isFirst: [Bool?]) {
      precondition(margins.count == isFirst.count, "one explanation a sample")
      self.margins = margins
      self.isFirst = isFirst
    }
  }

  /// Number, sum and sum of squares of each sample's margins under one explanation, less a value near their mean.
  private struct Sums {
    var count: [Int32]
    var sum, squares: [Double]

    init(_ samples: Int) {
      count = Array(repeating: 0, count: samples)
      sum = Array(repeating: 0, count: samples)
      squares = Array(repeating: 0, count: samples)
    }

    mutating func add(_ value: Double, at sample: Int, times: Double) {
      count[sample] += Int32(times)
      sum[sample] += times * value
      squares[sample] += times * value * value
    }

    func mean(_ sample: Int) -> Double { sum[sample] / Double(count[sample]) }

    /// The sum of squared deviations from the mean.
    func deviations(_ sample: Int) -> Double {
      Swift.max(0, squares[sample] - sum[sample] * sum[sample] / Double(count[sample]))
    }

    /// The variance of each sample. Never under 10⁻¹²: equal margins would make any other one impossible.
    func variances(_ kind: Variance) -> [Double] {
      switch kind {
      case .perSample:
        return count.indices.map { Swift.max(1e-12, deviations($0) / Double(count[$0] - 1)) }
      case .pooled:
        var (deviation, freedom) = (0.0, 0.0)
        for sample in count.indices where count[sample] > 0 {
          deviation += deviations(sample)
          freedom += Double(count[sample] - 1)
        }
        return Array(repeating: Swift.max(1e-12, deviation / Swift.max(1, freedom)), count: count.count)
      }
    }
  }

  private let variance: Variance
  private let origin: [Double]
  private var first, second: Sums

  /// Fits the Gaussians.
  ///
  /// - Throws: ``LearningError/notFinite(metric:set:position:)``.
  /// - Precondition: all observations have as many samples.
  package init(
    _ observations: [Observation], variance: Variance, metric: String
  ) throws(LearningError) {
    let samples = observations.first?.margins.count ?? 0
    self.variance = variance
    origin = observations.first?.margins.map(Double.init) ?? []
    first = Sums(samples)
    second = Sums(samples)
    for observation in observations {
      precondition(observation.margins.count == samples, "all models have margins of the same samples")
      if let position = observation.margins.firstIndex(where: { !$0.isFinite }) {
        throw .notFinite(metric: metric, set: "audited", position: position)
      }
      change(by: observation, times: 1)
    }
  }

  private mutating func change(by observation: Observation, times: Double) {
    for sample in observation.margins.indices {
      guard let isFirst = observation.isFirst[sample] else { continue }
      let value = Double(observation.margins[sample]) - origin[sample]
      if isFirst {
        first.add(value, at: sample, times: times)
      } else {
        second.add(value, at: sample, times: times)
      }
    }
  }

  /// The smallest number of models that any sample has under an explanation.
  package var leastModels: Int { Int(Swift.min(first.count.min() ?? 0, second.count.min() ?? 0)) }

  /// The logarithm of the ratio of likelihoods for each sample: above 0 where the first explanation is likelier.
  ///
  /// - Precondition: each sample has a model under both explanations, two with `Variance.perSample`.
  package func scores(_ margins: [Float]) -> [Double] {
    precondition(leastModels >= (variance == .perSample ? 2 : 1), "a Gaussian needs models to be fitted to")
    let (one, other) = (first.variances(variance), second.variances(variance))
    return margins.indices.map { sample in
      let value = Double(margins[sample]) - origin[sample]
      func logDensity(_ sums: Sums, _ variance: Double) -> Double {
        let deviation = value - sums.mean(sample)
        return -0.5 * (log(variance) + deviation * deviation / variance)
      }
      return logDensity(first, one[sample]) - logDensity(second, other[sample])
    }
  }

  /// The same for a model that was among those fitted to, without it: each shadow model in turn as the target.
  package func scores(leavingOut observation: Observation) -> [Double] {
    var rest = self
    rest.change(by: observation, times: -1)
    return rest.scores(observation.margins)
  }
}
