/// How well scores tell one group of samples from another: the receiver operating characteristic, its area, and the
/// share of members found while hardly any non-member is suspected.
///
/// A sample is called a member when its score is at least a threshold. Equal scores cannot be told apart, so a threshold
/// takes all of them or none.
package struct DetectionCurve: Sendable {
  /// How many samples are members, and how many are not.
  package let memberCount, otherCount: Int
  /// Stretches of equal scores, from the highest: what ends each in ``order``.
  private let ends: [Int]
  /// Indices of samples by falling score; those under `memberCount` are members.
  private let order: [Int32]

  /// What is read off the curve.
  package struct Reading: Sendable, Equatable {
    /// The area under the curve, 0 ... 1: the chance that a member scores higher than a non-member, ties counting half.
    package let area: Double
    /// For each rate of false positives asked for, the largest share of members found at no more than that rate; nil
    /// where there are too few non-members to have such a rate (fewer than one over it).
    package let shares: [Double?]
  }

  /// A value and the interval in which 95 % of its bootstrap replicas lie.
  package struct Estimate: Sendable, Equatable, Codable {
    /// The value on the samples themselves.
    package let value: Double
    /// The ends of the interval.
    package let low, high: Double
  }

  /// A curve.
  ///
  /// - Parameters:
  ///   - members: scores of samples that the attack should find.
  ///   - others: scores of samples that it should not.
  ///   - metric: what messages call the attack.
  /// - Throws: ``LearningError/emptySet(metric:set:)``, ``LearningError/notFinite(metric:set:position:)``; infinite scores
  ///   are ordered like any other, what is not a number is refused.
  package init(members: [Double], others: [Double], metric: String) throws(LearningError) {
    for (name, scores) in [("members", members), ("non-members", others)] {
      guard !scores.isEmpty else { throw .emptySet(metric: metric, set: name) }
      if let position = scores.firstIndex(where: \.isNaN) {
        throw .notFinite(metric: metric, set: name, position: position)
      }
    }
    memberCount = members.count
    otherCount = others.count
    let scores = members + others
    let order = (0..<Int32(scores.count)).sorted { scores[Int($0)] > scores[Int($1)] }
    var ends: [Int] = []
    for place in order.indices
    where place + 1 == order.count || scores[Int(order[place])] != scores[Int(order[place + 1])] {
      ends.append(place + 1)
    }
    self.order = order
    self.ends = ends
  }

  /// The standard deviation of the area where scores say nothing: `√((n + m + 1) / (12 n m))` (Mann and Whitney, 1947).
  package var chanceDeviation: Double {
    let (n, m) = (Double(memberCount), Double(otherCount))
    return ((n + m + 1) / (12 * n * m)).squareRoot()
  }

  /// Reads area and shares off the curve.
  ///
  /// - Parameter rates: of false positives, above 0 and under 1.
  package func read(rates: [Double]) -> Reading {
    read(rates: rates, times: nil)
  }

  /// The same with intervals: the curve is read again on samples drawn with replacement from the members and from the
  /// non-members (Efron's percentile bootstrap). The interval is about which samples were audited; it does not know how
  /// another target model would have come out.
  ///
  /// Philox, label `audit.bootstrap`, step = replica: indices of the members, then of the non-members.
  ///
  /// - Returns: the area, and a share for each rate, nil as in ``Reading/shares``.
  package func estimate(
    rates: [Double], replicas: Int = 1000, seed: UInt64 = 1, cancel: CancelFlag
  ) throws(LearningError) -> (area: Estimate, shares: [Estimate?]) {
    precondition(replicas > 1, "an interval needs replicas")
    let value = read(rates: rates)
    var areas: [Double] = []
    var shares = [[Double]](repeating: [], count: rates.count)
    for replica in 0..<replicas {
      try cancel.check()
      var stream = Philox(seed: seed, label: "audit.bootstrap", step: UInt64(replica))
      var times = [Int32](repeating: 0, count: memberCount + otherCount)
      for _ in 0..<memberCount { times[stream.integer(below: memberCount)] += 1 }
      for _ in 0..<otherCount { times[memberCount + stream.integer(below: otherCount)] += 1 }
      let reading = read(rates: rates, times: times)
      areas.append(reading.area)
      for (index, share) in reading.shares.enumerated() { if let share { shares[index].append(share) } }
    }
    func interval(_ value: Double, _ values: [Double]) -> Estimate {
      let sorted = values.sorted()
      return Estimate(value: value, low: quantile(0.025, of: sorted), high: quantile(0.975, of: sorted))
    }
    return (
      interval(value.area, areas), zip(value.shares, shares).map { share, values in share.map { interval($0, values) } }
    )
  }

  /// - Parameter times: how often each sample counts; nil for once.
  private func read(rates: [Double], times: [Int32]?) -> Reading {
    var (found, suspected) = (0, 0)
    // Twice the number of pairs in the right order, so that a tie is a whole number.
    var pairs = 0
    var shares = rates.map { Double(otherCount) * $0 >= 1 ? 0 : nil as Int? }
    let allowed = rates.map { Int((Double(otherCount) * $0 + 1e-9).rounded(.down)) }
    var start = 0
    for end in ends {
      var (members, others) = (0, 0)
      for place in start..<end {
        let sample = Int(order[place])
        let count = times.map { Int($0[sample]) } ?? 1
        if sample < memberCount { members += count } else { others += count }
      }
      pairs += others * (2 * found + members)
      found += members
      suspected += others
      for index in rates.indices where shares[index] != nil && suspected <= allowed[index] { shares[index] = found }
      start = end
    }
    return Reading(
      area: Double(pairs) / (2 * Double(memberCount) * Double(otherCount)),
      shares: shares.map { $0.map { Double($0) / Double(memberCount) } })
  }
}

/// The value under which that share of rising values lies, between neighbours in proportion (NumPy's default).
func quantile(_ share: Double, of sorted: [Double]) -> Double {
  guard let last = sorted.last else { return .nan }
  let position = share * Double(sorted.count - 1)
  let index = Int(position)
  guard index + 1 < sorted.count else { return last }
  return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
}
