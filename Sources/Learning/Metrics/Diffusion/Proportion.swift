/// A share of trials that came out one way, with the interval in which the true share lies.
package struct Proportion: Sendable, Equatable, Codable {
  /// How many came out so.
  package let count: Int
  /// How many there were; above 0.
  package let trials: Int

  /// - Precondition: `0 <= count <= trials` and `trials > 0`.
  package init(count: Int, of trials: Int) {
    precondition(trials > 0 && (0...trials).contains(count), "a share is of something, and at most all of it")
    self.count = count
    self.trials = trials
  }

  /// The share, 0 ... 1.
  package var value: Double { Double(count) / Double(trials) }

  /// The 95 % interval of Wilson (1927): the shares from which the one seen is at most 1.96 standard errors away. Unlike
  /// `p ± 1.96 √(p(1−p)/n)` it is no point where the count is 0 or all.
  package var interval: ClosedRange<Double> {
    // The 97.5 % point of the standard normal distribution.
    let z = 1.959_963_984_540_054
    let n = Double(trials)
    let centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot()
    // At the ends the formula is exact but for rounding.
    let low = count == 0 ? 0 : max(0, centre - half)
    let high = count == trials ? 1 : min(1, centre + half)
    return low...high
  }
}
