/// How the weights of a term's samples lie in one step.
package struct WeightBins: Equatable, Sendable {
  /// Where bins meet: one more than bins, equally far apart, from the smallest weight to the largest.
  package let edges: [Double]
  /// Samples in each bin, its lower edge included; of the last bin both.
  package let counts: [Int]

  /// The smallest and the largest weight.
  var low: Double { edges[0] }
  var high: Double { edges[edges.count - 1] }

  /// How many bins there are.
  package static let count = 20
}

extension TermLoss {
  /// A record with the weights of its samples.
  ///
  /// - Parameter weights: one a sample, times the number of samples: 1 where all count the same.
  package init(name: String, mean: Double, weights: [Double]) {
    self.init(name: name, mean: mean, samples: weights.count)
    // A comparison with not-a-number is false, so `min` alone could miss one.
    guard let low = weights.min(), let high = weights.max(), weights.allSatisfy(\.isFinite) else {
      self.weights = weights.isEmpty ? nil : [.nan, .nan]
      return
    }
    self.weights = [low, high]
    guard high > low else {
      weightCounts = [weights.count]
      return
    }
    var counts = Array(repeating: 0, count: WeightBins.count)
    for weight in weights {
      let place = (weight - low) / (high - low) * Double(WeightBins.count)
      counts[min(Int(place), WeightBins.count - 1)] += 1
    }
    weightCounts = counts
  }

  /// How the weights lie; nil where all samples count the same, and in records of versions that only kept the range.
  package var weightBins: WeightBins? {
    guard let weights, let weightCounts, weights.count == 2, !weightCounts.isEmpty, weights.allSatisfy(\.isFinite)
    else {
      return nil
    }
    let (low, high, count) = (weights[0], weights[1], weightCounts.count)
    let inner = (1..<count).map { low + (high - low) * Double($0) / Double(count) }
    return WeightBins(edges: [low] + inner + [high], counts: weightCounts)
  }
}
