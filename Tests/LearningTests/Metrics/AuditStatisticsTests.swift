import Foundation
import Testing

@testable import Learning

/// `Fixtures/audits.json`, which `scripts/reference/audits.py` made with NumPy.
struct AuditFixture: Decodable {
  struct Curve: Sendable, Decodable, CustomTestStringConvertible {
    let name: String
    let members, others: [Double]
    let area: Double
    let shares: [Double?]
    let replicas: Int
    let areaInterval: [Double]
    let shareIntervals: [[Double]?]

    var testDescription: String { name }
  }

  struct Attack: Sendable, Decodable, CustomTestStringConvertible {
    let variance: LikelihoodRatio.Variance
    let scores: [Double]
    let leftOut: [[Double]]

    var testDescription: String { variance.rawValue }
  }

  struct Ratio: Sendable, Decodable {
    let margins: [[Float]]
    let isIn: [[Bool]]
    let target: [Float]
    let attacks: [Attack]

    var observations: [LikelihoodRatio.Observation] {
      zip(margins, isIn).map { LikelihoodRatio.Observation(margins: $0, isFirst: $1) }
    }
  }

  struct Klom: Decodable {
    let unlearned, retrained: [[Float]]
    let values: [Double]
    let mean, percentile95: Double
    let shuffled: [[Double]]
  }

  let ratio: Ratio
  let curves: [Curve]
  let klom: Klom

  static func read() throws -> AuditFixture {
    try JSONDecoder().decode(AuditFixture.self, from: Data(contentsOf: Beside.fixture("audits.json")))
  }
}

/// Numbers drawn from a normal distribution (Box and Muller).
private struct Normal {
  var stream: Philox

  init(_ label: String) { stream = Philox(seed: 1, label: label) }

  mutating func callAsFunction(_ mean: Double, _ deviation: Double = 1) -> Double {
    let radius = (-2 * log(1 - stream.uniform())).squareRoot()
    return mean + deviation * radius * cos(2 * .pi * stream.uniform())
  }
}

struct DetectionCurveTests {
  private static let rates = [0.01, 0.001]

  @Test(arguments: try AuditFixture.read().curves)
  func `area and shares are those of comparing all pairs`(_ example: AuditFixture.Curve) throws {
    let curve = try DetectionCurve(members: example.members, others: example.others, metric: "test")
    let reading = curve.read(rates: Self.rates)
    #expect(abs(reading.area - example.area) < 1e-12)
    #expect(reading.shares == example.shares)
  }

  @Test(arguments: try AuditFixture.read().curves)
  func `intervals are the percentiles of the same replicas`(_ example: AuditFixture.Curve) throws {
    let curve = try DetectionCurve(members: example.members, others: example.others, metric: "test")
    let (area, shares) = try curve.estimate(rates: Self.rates, replicas: example.replicas, cancel: CancelFlag())
    #expect(abs(area.low - example.areaInterval[0]) < 1e-12 && abs(area.high - example.areaInterval[1]) < 1e-12)
    for (share, interval) in zip(shares, example.shareIntervals) {
      #expect((share == nil) == (interval == nil))
      guard let share, let interval else { continue }
      #expect(abs(share.low - interval[0]) < 1e-12 && abs(share.high - interval[1]) < 1e-12)
    }
  }

  @Test func `scores of one distribution have an area of a half within four deviations`() throws {
    var normal = Normal("null")
    let curve = try DetectionCurve(
      members: (0..<2000).map { _ in normal(3) }, others: (0..<3000).map { _ in normal(3) }, metric: "test")
    let (area, shares) = try curve.estimate(rates: Self.rates, replicas: 200, cancel: CancelFlag())
    #expect(abs(area.value - 0.5) < 4 * curve.chanceDeviation)
    #expect(area.low < 0.5 && area.high > 0.5)
    // One in a hundred is what chance finds; its own deviation over 2000 members is 0.0022, that of 30 others as much.
    #expect(abs((shares[0]?.value ?? 1) - 0.01) < 0.012)
  }

  @Test func `the deviation by chance is the one that repeated draws have`() throws {
    var normal = Normal("deviation")
    let areas = try (0..<400).map { _ in
      try DetectionCurve(
        members: (0..<30).map { _ in normal(0) }, others: (0..<50).map { _ in normal(0) }, metric: "test"
      ).read(rates: []).area
    }
    let mean = areas.reduce(0, +) / 400
    let deviation = (areas.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399).squareRoot()
    let expected = try DetectionCurve(
      members: [Double](repeating: 0, count: 30), others: [Double](repeating: 0, count: 50), metric: "test"
    ).chanceDeviation
    // The deviation of a deviation over 400 draws is 3.5 %.
    #expect(abs(deviation / expected - 1) < 0.15)
  }

  @Test func `equal scores find nothing, and are taken all or none`() throws {
    let curve = try DetectionCurve(
      members: [Double](repeating: 1, count: 200), others: [Double](repeating: 1, count: 200), metric: "test")
    #expect(curve.read(rates: [0.01, 0.5]) == .init(area: 0.5, shares: [0, 0]))
  }

  @Test func `a rate that no whole number of others has is not told`() throws {
    let curve = try DetectionCurve(members: [2], others: (0..<999).map { Double($0) / 999 }, metric: "test")
    #expect(curve.read(rates: Self.rates).shares == [1, nil])
  }

  @Test func `infinite scores are ordered, what is no number is refused`() throws {
    let curve = try DetectionCurve(members: [.infinity, 1], others: [-.infinity, 0], metric: "test")
    #expect(curve.read(rates: []).area == 1)
    #expect(throws: LearningError.notFinite(metric: "test", set: "non-members", position: 1)) {
      try DetectionCurve(members: [1], others: [0, .nan], metric: "test")
    }
    #expect(throws: LearningError.emptySet(metric: "test", set: "members")) {
      try DetectionCurve(members: [], others: [0], metric: "test")
    }
  }

  @Test func `an estimate stops when the flag is raised`() throws {
    let cancel = CancelFlag()
    cancel.cancel(signal: 2)
    let curve = try DetectionCurve(members: [1], others: [0], metric: "test")
    #expect(throws: LearningError.interrupted(signal: 2)) { try curve.estimate(rates: [], cancel: cancel) }
  }
}

struct LikelihoodRatioTests {
  @Test(arguments: try AuditFixture.read().ratio.attacks)
  func `scores are the ratio of the samples' Gaussians`(_ attack: AuditFixture.Attack) throws {
    let example = try AuditFixture.read().ratio
    let ratio = try LikelihoodRatio(example.observations, variance: attack.variance, metric: "test")
    for (ours, theirs) in zip(ratio.scores(example.target), attack.scores) {
      #expect(abs(ours - theirs) < 1e-9 * max(1, abs(theirs)))
    }
  }

  @Test(arguments: try AuditFixture.read().ratio.attacks)
  func `a model that is left out is scored as if it had never been there`(_ attack: AuditFixture.Attack) throws {
    let example = try AuditFixture.read().ratio
    let ratio = try LikelihoodRatio(example.observations, variance: attack.variance, metric: "test")
    for (observation, expected) in zip(example.observations, attack.leftOut) {
      for (ours, theirs) in zip(ratio.scores(leavingOut: observation), expected) {
        #expect(abs(ours - theirs) < 1e-7 * max(1, abs(theirs)))
      }
    }
  }

  /// Models for which members' margins lie higher by `leak` deviations; the target learned the first half of the samples.
  private func attack(leak: Double, variance: LikelihoodRatio.Variance) throws -> DetectionCurve {
    let (models, samples) = (32, 800)
    var normal = Normal("leak")
    let centre = (0..<samples).map { _ in normal(2, 3) }
    func margins(_ isIn: [Bool]) -> [Float] { zip(centre, isIn).map { Float(normal($0 + ($1 ? leak : 0))) } }
    let observations = (0..<models).map { model in
      let isIn = (0..<samples).map { ($0 + model).isMultiple(of: 2) }
      return LikelihoodRatio.Observation(margins: margins(isIn), isFirst: isIn)
    }
    let scores = try LikelihoodRatio(observations, variance: variance, metric: "test")
      .scores(margins((0..<samples).map { $0 < samples / 2 }))
    return try DetectionCurve(
      members: Array(scores[..<(samples / 2)]), others: Array(scores[(samples / 2)...]), metric: "test")
  }

  @Test(arguments: LikelihoodRatio.Variance.allCases)
  func `a planted leak is found`(_ variance: LikelihoodRatio.Variance) throws {
    #expect(try attack(leak: 8, variance: variance).read(rates: []).area > 0.999)
  }

  @Test(arguments: LikelihoodRatio.Variance.allCases)
  func `without a leak the attack finds nothing`(_ variance: LikelihoodRatio.Variance) throws {
    let curve = try attack(leak: 0, variance: variance)
    #expect(abs(curve.read(rates: []).area - 0.5) < 4 * curve.chanceDeviation)
  }

  @Test func `equal margins make no score that is not finite`() throws {
    let observations = (0..<4).map { model in
      LikelihoodRatio.Observation(margins: [5, 7], isFirst: [model < 2, model >= 2])
    }
    let scores = try LikelihoodRatio(observations, variance: .pooled, metric: "test").scores([5, 7])
    #expect(scores == [0, 0])
  }

  @Test func `a margin that is not finite is refused with its place`() {
    #expect(throws: LearningError.notFinite(metric: "lira", set: "audited", position: 1)) {
      try LikelihoodRatio(
        [LikelihoodRatio.Observation(margins: [1, .infinity], isFirst: [true, false])], variance: .pooled,
        metric: "lira")
    }
  }
}

struct MarginDivergenceTests {
  @Test func `KLOM is NumPy's, sample by sample`() throws {
    let example = try AuditFixture.read().klom
    let divergence = try MarginDivergence(unlearned: example.unlearned, retrained: example.retrained)
    let values = divergence.perSample()
    for (ours, theirs) in zip(values, example.values) { #expect(abs(ours - theirs) < 1e-9) }
    let summary = MarginDivergence.Summary(of: values)
    #expect(abs(summary.mean - example.mean) < 1e-9)
    #expect(abs(summary.percentile95 - example.percentile95) < 1e-9)
  }

  @Test func `models dealt out at random are those of NumPy`() throws {
    let example = try AuditFixture.read().klom
    let divergence = try MarginDivergence(unlearned: example.unlearned, retrained: example.retrained)
    for (ours, theirs) in zip(divergence.shuffled(times: 3), example.shuffled) {
      for (one, other) in zip(ours, theirs) { #expect(abs(one - other) < 1e-9) }
    }
  }

  @Test func `equal models have no divergence, disjoint ones that of the floor`() throws {
    let margins: [[Float]] = [[1, 2], [3, 4], [5, 6]]
    #expect(try MarginDivergence(unlearned: margins, retrained: margins).perSample() == [0, 0])
    let apart = try MarginDivergence(unlearned: [[0], [0]], retrained: [[9], [9]]).perSample()
    // All of p in a bin where q has the floor: −log(floor / (1 + floor)).
    #expect(abs(apart[0] - log((1 + 1e-5) / 1e-5)) < 1e-12)
  }

  @Test func `the largest margin counts`() throws {
    // In one bin of two: half of p and all of q. Were the largest value lost, p would be in the first bin alone.
    let value = try MarginDivergence(unlearned: [[0], [20]], retrained: [[0], [0]]).perSample()[0]
    #expect(value > 4)
  }

  @Test func `a margin that is not finite is refused, and so is a side without models`() {
    #expect(throws: LearningError.notFinite(metric: "klom", set: "retrained", position: 0)) {
      try MarginDivergence(unlearned: [[1]], retrained: [[.nan]])
    }
    #expect(throws: LearningError.emptySet(metric: "klom", set: "unlearned")) {
      try MarginDivergence(unlearned: [], retrained: [[1]])
    }
  }
}
