import Foundation
import Tensors
import Testing

@testable import Learning

/// A case of `Fixtures/mia-features.json`, which `scripts/reference/mia.py` made with forty digits, scikit-learn and scipy.
struct FeatureCase: Sendable, Decodable, CustomTestStringConvertible {
  struct Features: Sendable, Decodable {
    let correctness, confidence, entropy, modifiedEntropy, publishedModifiedEntropy: [Double]
    let probabilities: [[Double]]

    subscript(feature: MembershipFeature) -> [Double] {
      switch feature {
      case .correctness: correctness
      case .confidence: confidence
      case .entropy: entropy
      case .modifiedEntropy: modifiedEntropy
      case .publishedModifiedEntropy: publishedModifiedEntropy
      case .probabilities: probabilities.flatMap(\.self)
      }
    }
  }

  let name: String
  let classes: Int
  let labels: [String: [Int32]]
  let logits: [String: [[Float]]]
  let features: [String: Features]
  let svc: [String: Double]
  let other: [[Float]]
  let agreement: Double
  let divergence: Double

  var testDescription: String { name }

  static func all() throws -> [FeatureCase] {
    struct Fixture: Decodable { let cases: [FeatureCase] }
    return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: Beside.fixture("mia-features.json"))).cases
  }

  /// What one pass over a set leaves behind.
  func outputs(_ part: String) throws -> SetOutputs {
    try Self.outputs(try #require(logits[part]), labels: try #require(labels[part]))
  }

  /// The same of any logits, computed as the engine does.
  static func outputs(_ logits: [[Float]], labels: [Int32]) throws -> SetOutputs {
    let classes = logits.first?.count ?? 0
    let values = try Tensor(logits.flatMap(\.self), shape: [logits.count, classes])
    let labelTensor = try Tensor(labels.map { Int64($0) }, shape: [labels.count])
    let logs = try values.logSoftmax(along: 1)
    let losses = try logs.nllLoss(labelTensor, reduction: .none)
    let top = try values.argMax(along: 1)
    return SetOutputs(
      losses: try losses.floats(), correct: try top.equals(labelTensor).bools(),
      confidence: try (-losses).exp().floats(),
      predictions: Predictions(
        labels: labels, top: try top.int32s(), logProbabilities: try logs.floats(), classes: classes))
  }

  static let words: [String: MembershipFeature] = [
    "correctness": .correctness, "confidence": .confidence, "entropy": .entropy, "modifiedEntropy": .modifiedEntropy,
    "publishedModifiedEntropy": .publishedModifiedEntropy, "probabilities": .probabilities,
  ]
}

struct FeatureTests {
  /// Log-softmax has seven digits, near 0 of its absolute value; what the features are made of it has no fewer.
  @Test(arguments: try FeatureCase.all(), MembershipFeature.allCases)
  func `a feature is what its definition says in forty digits`(_ example: FeatureCase, _ feature: MembershipFeature)
    throws
  {
    for part in ["retain", "test", "forget"] {
      let expected = try #require(example.features[part])[feature]
      let rows = feature.rows(of: try example.outputs(part), first: example.features[part]?.correctness.count)
      #expect(rows.width == (feature == .probabilities ? example.classes : 1))
      #expect(rows.values.count == expected.count)
      for (value, reference) in zip(rows.values, expected) {
        #expect(abs(value - reference) <= 3e-6 * max(abs(reference), 1), "\(part): \(value), not \(reference)")
      }
    }
  }

  /// Exact: no sample of the fixture lies nearer to the border than ten times the solver's tolerance.
  @Test(arguments: try FeatureCase.all()) func `the attack on each feature says what scikit-learn's says`(
    _ example: FeatureCase
  ) throws {
    let (forget, retain, test) = (
      try example.outputs("forget"), try example.outputs("retain"), try example.outputs("test")
    )
    for (word, feature) in FeatureCase.words {
      let attack = try SupportVectorAttack(feature, forget: forget, retain: retain, test: test)
      let percent = try attack.begin(cancel: CancelFlag()).percent(cancel: CancelFlag())
      #expect(abs(percent - (try #require(example.svc[word]))) < 1e-9, "\(word)")
    }
  }

  @Test func `the published modified entropy is another number, and depends on the group's labels`() throws {
    let outputs = try FeatureCase.outputs([[2, 0, 0], [2, 0, 0]], labels: [0, 1])
    let right = MembershipFeature.modifiedEntropy.rows(of: outputs).values
    let published = MembershipFeature.publishedModifiedEntropy.rows(of: outputs).values
    #expect(abs(right[0] - published[0]) > 0.1)
    // The two samples have the same output and different labels: the right form tells them apart, the other cannot.
    #expect(right[0] != right[1] && published[0] == published[1])
    #expect(MembershipFeature.publishedModifiedEntropy.rows(of: outputs, first: 1).values[0] != published[0])
  }

  /// 1 − p rounds to 0 in single and in double precision here; −ln(1 − p) is 200 all the same.
  @Test func `a model that is sure of the wrong class has a finite modified entropy`() throws {
    let outputs = try FeatureCase.outputs([[200, 0]], labels: [1])
    let value = MembershipFeature.modifiedEntropy.rows(of: outputs).values[0]
    #expect(abs(value - 400) < 1e-3)
    let right = try FeatureCase.outputs([[200, 0]], labels: [0])
    #expect(MembershipFeature.modifiedEntropy.rows(of: right).values[0] < 1e-80)
    #expect(MembershipFeature.entropy.rows(of: right).values[0] < 1e-80)
  }

  /// The same feature through libsvm, under another name.
  @Test func `the attack on correctness needs no fit and says what a fit says`() throws {
    var random = Philox(seed: 3, label: "test")
    func flips(_ count: Int, _ share: Double) -> FeatureRows {
      FeatureRows(values: (0..<count).map { _ in random.uniform() < share ? 1 : 0 })
    }
    for _ in 0..<40 {
      let size = 5 + Int(20 * random.uniform())
      let (retain, test) = (flips(size + 3, random.uniform()), flips(size, random.uniform()))
      let forget = flips(9, 0.5)
      func percent(_ feature: MembershipFeature) throws -> Double {
        try SupportVectorAttack(feature, forget: forget, retain: retain, test: test).begin(cancel: CancelFlag())
          .percent(cancel: CancelFlag())
      }
      #expect(try percent(.correctness) == percent(.confidence))
    }
  }

  @Test func `a long fit on each feature is left when the flag is raised`() throws {
    var random = Philox(seed: 2, label: "test")
    func cloud(_ count: Int) throws -> SetOutputs {
      try FeatureCase.outputs(
        (0..<count).map { _ in (0..<4).map { _ in Float(3 * random.uniform()) } },
        labels: (0..<count).map { Int32($0 % 4) })
    }
    let (shadow, forget) = (try cloud(6_000), try cloud(10))
    let cancel = CancelFlag()
    let fits = try MembershipFeature.allCases.filter { $0 != .correctness }.map { feature in
      try SupportVectorAttack(feature, forget: forget, retain: shadow, test: try cloud(6_000)).begin(cancel: cancel)
    }
    cancel.cancel(signal: 15)
    let start = ContinuousClock.now
    for fit in fits { #expect(throws: LearningError.interrupted(signal: 15)) { try fit.percent(cancel: cancel) } }
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  // MARK: Bad input

  private static let three = MembershipFeature.allCases.filter { ![.correctness, .confidence].contains($0) }

  @Test(arguments: three) func `an attack on one class is refused`(_ feature: MembershipFeature) throws {
    let one = try FeatureCase.outputs([[1], [2]], labels: [0, 0])
    #expect(throws: LearningError.tooFewClasses(metric: feature.metric.rawValue, classes: 1)) {
      _ = try SupportVectorAttack(feature, forget: one, retain: one, test: one)
    }
  }

  @Test(arguments: three, [Float.nan, .infinity, -.infinity])
  func `an output that is no number is refused with its place`(_ feature: MembershipFeature, _ value: Float) throws {
    let good = try FeatureCase.outputs([[1, 0], [0, 1]], labels: [0, 1])
    let bad = try FeatureCase.outputs([[1, 0], [value, 1]], labels: [0, 1])
    #expect(throws: LearningError.notFinite(metric: feature.metric.rawValue, set: "test", position: 1)) {
      _ = try SupportVectorAttack(feature, forget: good, retain: good, test: bad)
    }
  }

  @Test func `too few retain samples are refused in the name of the metric that needs them`() throws {
    let (one, two) = (
      try FeatureCase.outputs([[1, 0]], labels: [0]), try FeatureCase.outputs([[1, 0], [0, 1]], labels: [0, 1])
    )
    #expect(throws: LearningError.tooFewRetained(metric: "mia-svc-entropy", retain: 1, test: 2)) {
      _ = try SupportVectorAttack(.entropy, forget: one, retain: one, test: two).begin(cancel: CancelFlag())
    }
  }
}
