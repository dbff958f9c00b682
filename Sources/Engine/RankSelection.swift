import Tensors

/// The k-th largest of many numbers, for any count of k at once: numbers are counted by the upper sixteen of their bits,
/// then those in the buckets that are asked for by the next sixteen, until all bits are known. Nothing is sorted.
enum RankSelection {
  /// What stands at a rank.
  struct Found: Equatable {
    /// The number.
    let value: Double
    /// How many numbers are larger.
    let above: Int
    /// How many equal it, itself included.
    let equal: Int
  }

  /// A rank on its way: `above` numbers are known to be larger, and the upper bits of the number are `prefix`.
  private struct Search {
    let rank: Int
    var prefix: UInt64 = 0
    /// Whether the number is below 0; known with the first digit.
    var isNegative = false
    var above = 0
    var equal = 0
    /// Its place among the distinct prefixes.
    var group = 0

    /// Takes the digit over in whose bucket the rank falls, given how many numbers of each group have which digit; gives
    /// the bucket's place.
    mutating func advance(_ counts: [Int64], isFirst: Bool) -> Int {
      let start = group * buckets
      // Bit patterns rise with positive numbers and fall with negative ones; the first bit is the sign.
      for place in 0..<buckets {
        let digit =
          isFirst
          ? (place < buckets / 2 ? buckets / 2 - 1 - place : place) : isNegative ? place : buckets - 1 - place
        let count = Int(counts[start + digit])
        guard above + count < rank else {
          prefix = prefix << RankSelection.digit | UInt64(digit)
          if isFirst { isNegative = digit >= buckets / 2 }
          equal = count
          return start + digit
        }
        above += count
      }
      preconditionFailure("a rank is at most the count of numbers")
    }
  }

  private static let digit = 16
  private static let buckets = 1 << digit

  /// The numbers at these ranks, counted from 1 for the largest. Waits for the device a few times for every sixteen bits,
  /// however many ranks there are.
  ///
  /// - Parameters:
  ///   - ranks: each in 1 ... count; some may be the same.
  ///   - numbers: of rank 1, floating, without NaN. A -0 among them becomes 0.
  static func largest(_ ranks: [Int], of numbers: Tensor) throws -> [Int: Found] {
    guard !ranks.isEmpty else { return [:] }
    let isDouble = numbers.dtype == .float64
    let width = isDouble ? 64 : 32
    let exact = try isDouble ? numbers : numbers.to(.float32)
    // Adding 0 makes a 0 of -0. In place, here and below: there may be a billion.
    try exact.add(0.0)
    var bits = try exact.reinterpreted(as: isDouble ? .int64 : .int32)
    var groups: Tensor?
    var searches = Set(ranks).sorted().map { Search(rank: $0) }
    for shift in stride(from: width - digit, through: 0, by: -digit) {
      let keys = try bits.shiftedRight(by: shift)
      try keys.keepBits(buckets - 1)
      if let groups { try keys.add(groups) }
      let groupCount = (searches.map(\.group).max() ?? 0) + 1
      let counts = try keys.counts(minimumLength: groupCount * buckets).int64s()
      var numbered: [Int: Int] = [:]
      for index in searches.indices {
        let key = searches[index].advance(counts, isFirst: shift == width - digit)
        searches[index].group = numbered[key, default: numbered.count]
        numbered[key] = searches[index].group
      }
      guard shift > 0 else { break }
      // Only what has one of the prefixes goes on, and knows which.
      var isAsked = [UInt8](repeating: 0, count: groupCount * buckets)
      var next = [Int64](repeating: 0, count: groupCount * buckets)
      for (key, group) in numbered { (isAsked[key], next[key]) = (1, Int64(group * buckets)) }
      func lookUp(_ table: Tensor, _ keys: Tensor) throws -> Tensor {
        try table.to(numbers.device).indexSelect(0, keys)
      }
      let places = try lookUp(Tensor(isAsked, shape: [isAsked.count]), keys).nonZero().reshape([-1])
      bits = try bits.indexSelect(0, places)
      groups = try lookUp(Tensor(next, shape: [next.count]), keys.indexSelect(0, places)).to(bits.dtype)
    }
    return Dictionary(
      uniqueKeysWithValues: searches.map { search in
        let value =
          isDouble
          ? Double(bitPattern: search.prefix) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: search.prefix)))
        return (search.rank, Found(value: value, above: search.above, equal: search.equal))
      })
  }
}
