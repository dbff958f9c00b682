import Foundation

/// KLOM, the Kullback–Leibler divergence of margins: for each sample, how far the margins that unlearned models give it lie
/// from those of models that were retrained, as distributions over training runs (Georgiev, Rinberg, Park, Garg, Ilyas,
/// Mądry, Neel: Attribute-to-delete: machine unlearning via datamodel matching; ICLR 2025).
package struct MarginDivergence: Sendable {
  /// Equal bins from the smallest to the largest margin of both sides.
  package static let bins = 20
  /// The least probability of a bin of the retrained models where unlearned ones are.
  package static let floor = 1e-5
  /// Margins are cut off here on both sides.
  package static let limit = 100.0

  /// By model, then by sample.
  private let unlearned, retrained: [[Float]]

  /// What is told of a set of samples.
  package struct Summary: Sendable, Equatable, Codable {
    /// The mean over samples, in nats.
    package let mean: Double
    /// The value under which 95 % of the samples lie.
    package let percentile95: Double

    enum CodingKeys: String, CodingKey {
      case mean
      case percentile95 = "percentile_95"
    }

    /// Of values, one a sample.
    package init(of values: [Double]) {
      mean = values.reduce(0, +) / Double(values.count)
      percentile95 = quantile(0.95, of: values.sorted())
    }
  }

  /// A divergence between two groups of models.
  ///
  /// - Parameters: margins by model, then by sample; all of one length.
  /// - Throws: ``LearningError/emptySet(metric:set:)``, ``LearningError/notFinite(metric:set:position:)``.
  package init(unlearned: [[Float]], retrained: [[Float]]) throws(LearningError) {
    for (name, models) in [("unlearned", unlearned), ("retrained", retrained)] {
      guard let samples = models.first?.count, samples > 0 else { throw .emptySet(metric: "klom", set: name) }
      for model in models {
        precondition(model.count == samples, "all models have margins of the same samples")
        if let position = model.firstIndex(where: { !$0.isFinite }) {
          throw .notFinite(metric: "klom", set: name, position: position)
        }
      }
    }
    self.unlearned = unlearned
    self.retrained = retrained
  }

  /// The divergence of each sample, in nats: `Σ_b p_b log(p_b / q_b)` with the shares of unlearned (`p`) and of retrained
  /// models (`q`) in each bin, `q_b` being at least ``floor`` where `p_b > 0` and then scaled to add up to 1.
  package func perSample() -> [Double] {
    let (ours, theirs) = (unlearned.indices, retrained.indices)
    return unlearned[0].indices.map { sample in
      divergence(ours.map { unlearned[$0][sample] }, theirs.map { retrained[$0][sample] })
    }
  }

  /// The same where nothing differs: all models are shuffled and dealt out anew to the two sides, whole models at a time.
  /// With few models KLOM is far from 0 even then; only what exceeds this says something.
  ///
  /// Philox, label `audit.klom`, step = repetition.
  ///
  /// - Returns: for each repetition the divergences of the samples.
  package func shuffled(times: Int, seed: UInt64 = 1) -> [[Double]] {
    let all = unlearned + retrained
    return (0..<times).map { repetition in
      var stream = Philox(seed: seed, label: "audit.klom", step: UInt64(repetition))
      let order = stream.permutation(all.count)
      let (ours, theirs) = (order.prefix(unlearned.count), order.dropFirst(unlearned.count))
      return all[0].indices.map { sample in
        divergence(ours.map { all[Int($0)][sample] }, theirs.map { all[Int($0)][sample] })
      }
    }
  }

  private func divergence(_ p: [Float], _ q: [Float]) -> Double {
    func cut(_ value: Float) -> Double {
      Swift.min(MarginDivergence.limit, Swift.max(-MarginDivergence.limit, Double(value)))
    }
    let (ours, theirs) = (p.map(cut), q.map(cut))
    let low = Swift.min(ours.min() ?? 0, theirs.min() ?? 0)
    var high = Swift.max(ours.max() ?? 0, theirs.max() ?? 0)
    if high <= low { high = low + 1 }
    let step = (high - low) / Double(MarginDivergence.bins)
    func counts(_ values: [Double]) -> [Double] {
      var counts = [Double](repeating: 0, count: MarginDivergence.bins)
      for value in values { counts[bin(of: value, low, step)] += 1 }
      return counts
    }
    let (mine, other) = (counts(ours), counts(theirs))
    var total = 0.0
    let shares = zip(mine, other).map { mine, other in
      let share = other / Double(q.count)
      let kept = mine > 0 ? Swift.max(share, MarginDivergence.floor) : share
      total += kept
      return kept
    }
    return zip(mine, shares).reduce(0) { sum, pair in
      guard pair.0 > 0 else { return sum }
      let share = pair.0 / Double(p.count)
      return sum + share * log(share * total / pair.1)
    }
  }

  /// Bins are closed below and open above, but for the last, which has the largest value too.
  private func bin(of value: Double, _ low: Double, _ step: Double) -> Int {
    var bin = Swift.min(MarginDivergence.bins - 1, Swift.max(0, Int((value - low) / step)))
    while bin > 0, value < low + Double(bin) * step { bin -= 1 }
    while bin < MarginDivergence.bins - 1, value >= low + Double(bin + 1) * step { bin += 1 }
    return bin
  }
}
