import Testing

@testable import Learning

/// A row of the SalUn paper's CIFAR-10 table: ResNet-18, random forgetting of 10 %.
struct SalUnRow: Sendable, CustomTestStringConvertible {
  let name: String
  let scores: Scores
  let averageGap: Double

  var testDescription: String { name }

  init(_ name: String, _ ua: Double, _ ra: Double, _ ta: Double, _ mia: Double, _ gap: Double) {
    self.name = name
    scores = Scores(forgetAccuracy: 100 - ua, retainAccuracy: ra, testAccuracy: ta, membership: mia)
    averageGap = gap
  }

  static let retrained = SalUnRow("Retrain", 5.24, 100, 94.26, 12.88, 0)
  static let all = [
    retrained,
    SalUnRow("FT", 0.63, 99.88, 94.06, 2.70, 3.78),
    SalUnRow("RL", 7.61, 99.67, 92.83, 37.36, 7.15),
    SalUnRow("GA", 0.69, 99.50, 94.01, 1.70, 4.12),
    SalUnRow("IU", 1.07, 99.20, 93.20, 2.67, 4.06),
    SalUnRow("BE", 0.59, 99.42, 93.85, 7.47, 2.76),
    SalUnRow("BS", 1.78, 98.29, 92.69, 8.96, 2.67),
    SalUnRow("l1-sparse", 4.19, 97.74, 91.59, 9.84, 2.26),
    SalUnRow("SalUn", 1.55, 99.88, 93.93, 13.28, 1.13),
    SalUnRow("SalUn-soft", 4.19, 99.74, 93.44, 19.49, 2.19),
  ]
}

/// A row of the LoReUn paper's table on random forgetting; its first column is the accuracy on the forget set.
struct LoReUnRow: Sendable, CustomTestStringConvertible {
  let name: String
  let scores: Scores
  let tugOfWar: Double

  var testDescription: String { name }

  init(_ name: String, _ forget: Double, _ retain: Double, _ test: Double, _ tugOfWar: Double) {
    self.name = name
    scores = Scores(forgetAccuracy: forget, retainAccuracy: retain, testAccuracy: test, membership: nil)
    self.tugOfWar = tugOfWar
  }

  static let retrained = LoReUnRow("Retrain", 94.37, 100, 94.51, 1)
  static let all = [
    retrained,
    LoReUnRow("RL", 94.77, 97.92, 92.24, 0.9531),
    LoReUnRow("RL + forget weights", 92.82, 99.88, 93.78, 0.9761),
    LoReUnRow("RL + retain weights", 93.37, 99.94, 93.80, 0.9823),
    LoReUnRow("RL + both", 93.44, 99.91, 94.01, 0.9848),
    LoReUnRow("SalUn", 96.62, 99.32, 93.48, 0.9608),
    LoReUnRow("SalUn + retain weights", 94.46, 99.93, 94.30, 0.9963),
  ]
}

struct MetricsTests {
  /// The table's numbers have two digits, so a gap of four of them is right to 0.005 and a printed one to 0.005 more;
  /// all rows come out within 0.006.
  @Test(arguments: SalUnRow.all) func `the average gap is the one of the SalUn table`(_ row: SalUnRow) throws {
    let gap = try #require(row.scores.averageGap(to: SalUnRow.retrained.scores))
    #expect(abs(gap - row.averageGap) <= 0.006)
  }

  /// Printed with four digits from percentages with two.
  @Test(arguments: LoReUnRow.all) func `the tug of war is the one of the LoReUn table`(_ row: LoReUnRow) {
    #expect(abs(row.scores.tugOfWar(to: LoReUnRow.retrained.scores) - row.tugOfWar) <= 1e-4)
  }

  @Test func `without MIA there is no average gap`() {
    #expect(LoReUnRow.all[1].scores.averageGap(to: SalUnRow.retrained.scores) == nil)
  }

  private static let split = Split(forget: [0, 1, 2, 3], retain: [4, 5], validation: [6], test: [0, 1])
  private static let outputs: [Split.Part: SetOutputs] = [
    .forget: SetOutputs(
      losses: [1, 2, 3, 6], correct: [true, true, true, false], confidence: [0.4, 0.3, 0.2, 0]),
    .retain: SetOutputs(losses: [0, 1], correct: [true, true], confidence: [1, 0.9]),
    .test: SetOutputs(losses: [0.5, 1.5], correct: [true, false], confidence: [0.6, 0]),
    .validation: SetOutputs(losses: [0.25], correct: [false], confidence: [0.1]),
  ]

  private static func measure(
    _ metrics: [Metric], _ outputs: [Split.Part: SetOutputs] = outputs
  ) throws -> [Measurement] {
    try Evaluator(split: split, seed: 7).measure(metrics, outputs: outputs, cancel: CancelFlag())
  }

  @Test func `one pass gives accuracies in both conventions and losses`() throws {
    let measured = try Self.measure([
      .ua, .fa, .ra, .ta, .va, .forgetLoss, .retainLoss, .testLoss, .validationLoss, .tow, .rte,
    ])
    #expect(measured.map(\.value) == [25, 75, 100, 50, 0, 3, 0.5, 1, 0.25])
    #expect(measured.map(\.samples) == [4, 4, 2, 2, 1, 4, 2, 2, 1])
  }

  @Test func `a measurement says what it was made from`() throws {
    let measured = try Self.measure([.ua, .miaThreshold])
    #expect(measured[0].protocolID == "ua@100-acc" && measured[0].seed == 7)
    #expect(measured[0].setHash == Self.split.hash(of: .forget))
    #expect(measured[1].protocolID == "mia-threshold@confidence,balanced-accuracy" && measured[1].samples == 4)
    #expect(measured[1].setHash == Self.split.sha256)
    let time = Evaluator(split: Self.split, seed: 7).runTime(seconds: 90)
    #expect(time.value == 1.5 && time.metric == .rte)
  }

  @Test func `scores come from either convention`() throws {
    let expected = Scores(forgetAccuracy: 75, retainAccuracy: 100, testAccuracy: 50, membership: nil)
    #expect(Evaluator.scores(try Self.measure([.ua, .ra, .ta])) == expected)
    #expect(Evaluator.scores(try Self.measure([.fa, .ra, .ta])) == expected)
    #expect(Evaluator.scores(try Self.measure([.fa, .ra])) == nil)
    let compared = Evaluator(split: Self.split, seed: 7).compare(expected, to: expected, [.tow, .averageGap, .ua])
    #expect(compared.map(\.metric) == [.tow] && compared.map(\.value) == [1])
  }

  @Test func `a probability of zero is a value like others`() throws {
    #expect(try Self.measure([.miaSVC]).first?.value.isFinite == true)
    #expect(try Self.measure([.miaThreshold])[0].value == 100)
  }

  @Test(arguments: [Float.nan, .infinity]) func `a value that is not finite is refused with its place`(_ value: Float) {
    var outputs = Self.outputs
    outputs[.forget] = SetOutputs(
      losses: [1, value, 3, 6], correct: [true, true, true, false], confidence: [0.4, 0.3, value, 0])
    #expect(throws: LearningError.notFinite(metric: "loss-forget", set: "forget", position: 1)) {
      try Self.measure([.forgetLoss], outputs)
    }
    #expect(throws: LearningError.notFinite(metric: "mia-svc", set: "forget", position: 2)) {
      try Self.measure([.miaSVC], outputs)
    }
    #expect(throws: LearningError.notFinite(metric: "mia-threshold", set: "forget", position: 2)) {
      try Self.measure([.miaThreshold], outputs)
    }
  }

  @Test func `a set without samples is named`() {
    #expect(throws: LearningError.emptySet(metric: "va", set: "validation")) {
      try Self.measure([.va], Self.outputs.filter { $0.key != .validation })
    }
  }
}
