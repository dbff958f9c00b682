extension ComparisonReport {
  /// Whether a row is a method's: the original and the retrained model compete for nothing.
  func isMethod(_ row: Row) -> Bool { entries.contains { $0.label == row.label } }

  /// The rows that are best in a column: nearest to the retrained model; where that is no question, lowest or highest.
  /// More than one when they are equal; none with fewer than two methods to choose from.
  package func best(in id: String) -> Set<String> {
    let found = rows.filter(isMethod).compactMap { row -> (label: String, badness: Double)? in
      guard let cell = row.cells.first(where: { $0.id == id }) else { return nil }
      let badness: Double? =
        switch cell.direction {
        case .retrained: cell.gap
        case .lower: cell.mean
        case .higher: -cell.mean
        case .neutral: nil
        }
      return badness.flatMap { $0.isFinite ? (row.label, $0) : nil }
    }
    guard found.count > 1, let least = found.map(\.badness).min() else { return [] }
    // Equal distances differ in their last bits when they are differences of other numbers.
    let tolerance = 1e-9 * max(least.magnitude, 1)
    return Set(found.filter { $0.badness - least <= tolerance }.map(\.label))
  }
}
