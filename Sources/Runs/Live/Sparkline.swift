import Foundation

/// A curve on one line of text.
enum Sparkline {
  private static let levels = Array("▁▂▃▄▅▆▇█")

  /// The values from the lowest level to the highest, at most `width` characters: where there are more values, each
  /// character is the mean of its share of them. Positive values that lie more than a factor 30 apart are drawn by their
  /// logarithms. A value that is not finite leaves a gap.
  static func text(_ values: [Double], width: Int) -> String {
    let points = merged(values, into: max(width, 0))
    let finite = points.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return String(repeating: " ", count: points.count) }
    let isLogarithmic = low > 0 && high / low > 30
    func height(_ value: Double) -> Double { isLogarithmic ? log(value) : value }
    let range = height(high) - height(low)
    return String(
      points.map { point -> Character in
        guard point.isFinite else { return " " }
        guard range > 0, range.isFinite else { return levels[3] }
        let share = (height(point) - height(low)) / range
        return levels[min(Int(share * Double(levels.count)), levels.count - 1)]
      })
  }

  private static func merged(_ values: [Double], into width: Int) -> [Double] {
    guard values.count > width else { return values }
    return (0..<width).map { place in
      let part = values[place * values.count / width..<(place + 1) * values.count / width].filter(\.isFinite)
      return part.isEmpty ? .nan : part.reduce(0, +) / Double(part.count)
    }
  }
}
