/// How many samples of a set have which loss under a model: what a mean hides.
package struct LossHistogram: Sendable, Equatable, Codable {
  /// The model.
  package var model: MeasuredModel
  /// The set.
  package var set: SampleSet
  /// Where bins meet, rising, in nats.
  package var edges: [Double]
  /// Samples in each bin, one more than edges: `counts[i]` holds losses in `edges[i - 1] ..< edges[i]`, the first all
  /// below the lowest edge, the last all from the highest on.
  package var counts: [Int]

  /// Where the bins of all runs meet: four a decade from 0.0001 to 100 nats. The same everywhere, so that histograms of
  /// different runs can be laid over each other; logarithmic, because what was learnt has losses orders of magnitude
  /// below what was not.
  package static let edges: [Double] =
    (-4...1).flatMap { decade in
      // The quarter powers of ten, rounded to four digits so that they are written shortly.
      let divisor = (decade..<3).reduce(1.0) { product, _ in product * 10 }
      return [1000, 1778, 3162, 5623].map { $0 / divisor }
    } + [100]

  /// Counts losses, one a sample. One that is not finite is not counted.
  package init(of losses: [Float], model: MeasuredModel, set: SampleSet) {
    self.model = model
    self.set = set
    edges = LossHistogram.edges
    counts = Array(repeating: 0, count: LossHistogram.edges.count + 1)
    for loss in losses where loss.isFinite {
      counts[edges.partitioningIndex { Double(loss) < $0 }] += 1
    }
  }
}

extension [Double] {
  /// The first place whose value belongs to the upper half, in a list that has its lower half first.
  fileprivate func partitioningIndex(_ isUpper: (Double) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isUpper(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Which weights a mask lets move, layer by layer.
package struct MaskDensity: Sendable, Equatable, Codable {
  /// Steps done when the mask was made.
  package var step: Int
  /// The mask's strategy.
  package var plugin: String
  /// The model's parameters in their order.
  package var parameters: [ParameterDensity]

  /// Makes a record of all its values.
  package init(step: Int, plugin: String, parameters: [ParameterDensity]) {
    self.step = step
    self.plugin = plugin
    self.parameters = parameters
  }
}

/// How many weights of one parameter may move.
package struct ParameterDensity: Sendable, Equatable, Codable {
  /// The parameter.
  package var name: String
  /// Weights that may move.
  package var kept: Int
  /// Weights that there are.
  package var total: Int

  /// Makes a record of all its values.
  package init(name: String, kept: Int, total: Int) {
    self.name = name
    self.kept = kept
    self.total = total
  }

  /// The share that may move, 0 ... 1; 0 of an empty parameter.
  package var share: Double { total > 0 ? Double(kept) / Double(total) : 0 }
}
