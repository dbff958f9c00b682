import Foundation

/// Where values lie along an axis of a plot.
struct Scale: Equatable {
  /// The values at both ends.
  let low, high: Double
  /// Whether equal ratios, instead of equal differences, are equally far apart.
  let isLogarithmic: Bool
  /// Where both ends are drawn.
  var start = 0.0
  var end = 1.0

  /// A scale from value to value.
  ///
  /// - Precondition: `low < high`, and both above 0 where it is logarithmic.
  init(_ low: Double, _ high: Double, isLogarithmic: Bool = false) {
    precondition(low < high && (!isLogarithmic || low > 0), "a scale rises, and a logarithm is one of what is above 0")
    self.low = low
    self.high = high
    self.isLogarithmic = isLogarithmic
  }

  /// A scale that shows all these values with some room at its ends. Those that are not finite are passed over.
  ///
  /// - Parameters:
  ///   - hasZero: whether it reaches down to 0 when no value is below.
  ///   - bounds: what values cannot go beyond; room ends there.
  ///   - picksLogarithm: whether positive values that lie more than a factor 30 apart get a logarithmic scale.
  static func fitting(
    _ values: [Double], hasZero: Bool = false, bounds: ClosedRange<Double>? = nil, picksLogarithm: Bool = false
  ) -> Scale {
    let finite = values.filter(\.isFinite)
    guard var low = finite.min(), var high = finite.max() else { return Scale(0, 1) }
    if picksLogarithm, low > 0, high / low > 30 {
      return Scale(low / 1.25, high * 1.25, isLogarithmic: true)
    }
    if hasZero { (low, high) = (min(low, 0), max(high, 0)) }
    let room = high > low ? (high - low) * 0.06 : max(high.magnitude * 0.1, 1e-9)
    if !(hasZero && low == 0) { low -= room }
    high += room
    if let bounds, bounds.lowerBound < bounds.upperBound {
      low = max(low, bounds.lowerBound)
      high = min(high, bounds.upperBound)
    }
    return low < high ? Scale(low, high) : Scale(low - 1, low + 1)
  }

  /// The scale drawn from here to there.
  func drawn(from start: Double, to end: Double) -> Scale {
    var scale = self
    scale.start = start
    scale.end = end
    return scale
  }

  /// Where a value is drawn.
  func position(_ value: Double) -> Double {
    let share =
      isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    return start + share * (end - start)
  }

  /// Whether a value can be drawn.
  func holds(_ value: Double) -> Bool { value.isFinite && value >= low && value <= high }

  /// What a check needs to compute positions again: `linear low high start end`.
  var description: String {
    let numbers = [low, high, start, end].map { "\($0)" }.joined(separator: " ")
    return "\(isLogarithmic ? "log" : "linear") \(numbers)"
  }

  /// Round values along the axis, about as many as asked for, with their texts.
  func ticks(_ wanted: Int) -> [(value: Double, text: String)] {
    isLogarithmic ? logarithmicTicks(wanted) : linearTicks(wanted)
  }

  private func linearTicks(_ wanted: Int) -> [(value: Double, text: String)] {
    let raw = (high - low) / Double(max(wanted, 1))
    let power = pow(10, floor(log10(raw)))
    // The smallest round step that gives no more ticks than wanted.
    let step = ([1, 2, 5, 10].first { $0 * power >= raw * 0.999 } ?? 10) * power
    let digits = max(0, Int(-floor(log10(step) + 1e-9)))
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    guard last >= first, last - first < 100 else { return [] }
    return stride(from: first, through: last, by: 1).map { index in
      let value = index * step
      return (value, digits > 4 || value.magnitude >= 1e6 ? Scale.short(value) : NumberText.fixed(value, digits))
    }
  }

  private func logarithmicTicks(_ wanted: Int) -> [(value: Double, text: String)] {
    let first = Int(floor(log10(low)))
    let last = Int(ceil(log10(high)))
    let decades = log10(high / low)
    let mantissas: [Double] = decades < 1.2 ? [1, 2, 3, 5, 7] : decades < 2.2 ? [1, 2, 5] : [1]
    let skip = mantissas.count > 1 ? 1 : max(1, Int((decades / Double(max(wanted, 1))).rounded(.up)))
    var ticks: [(value: Double, text: String)] = []
    for decade in first...last where decade % skip == 0 {
      for mantissa in mantissas {
        let value = mantissa * pow(10, Double(decade))
        guard value >= low * 0.999999, value <= high * 1.000001 else { continue }
        ticks.append((value, Scale.short(value)))
      }
    }
    return ticks
  }

  /// A number with three significant digits at most: `0.001`, `250`, `3e-5`.
  static func short(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return value == 0 ? "0" : NumberText.fixed(value, 0) }
    let decade = Int(floor(log10(value.magnitude) + 1e-9))
    if decade < -4 || decade > 5 {
      return "\(trimmed(value / pow(10, Double(decade)), 2))e\(decade)"
    }
    return trimmed(value, max(0, 2 - decade))
  }

  private static func trimmed(_ value: Double, _ digits: Int) -> String {
    let text = NumberText.fixed(value, digits)
    guard text.contains(".") else { return text }
    let cut = text.reversed().drop { $0 == "0" }
    return String((cut.first == "." ? cut.dropFirst() : cut).reversed())
  }
}
