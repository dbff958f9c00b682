import Foundation
import Tensors
import Testing

@testable import Learning

/// Two models side by side: their answers and their weights; and one model class by class.
struct ComparisonTests {
  // MARK: Answers

  @Test(arguments: try FeatureCase.all()) func `agreement and divergence are scipy's`(_ example: FeatureCase) throws {
    let ours = try #require(try example.outputs("forget").predictions)
    let labels = try #require(example.labels["forget"])
    let theirs = try #require(try FeatureCase.outputs(example.other, labels: labels).predictions)
    let comparison = ModelComparison(ours, to: theirs)
    #expect(abs(try comparison.agreement(.forget) - example.agreement) < 1e-9)
    #expect(abs(try comparison.divergence(.forget) - example.divergence) < 1e-6)
    // It has no direction.
    let back = try ModelComparison(theirs, to: ours).divergence(.forget)
    #expect(abs(try comparison.divergence(.forget) - back) < 1e-12)
  }

  @Test(arguments: try FeatureCase.all()) func `a model agrees with itself in everything`(_ example: FeatureCase) throws
  {
    let ours = try #require(try example.outputs("retain").predictions)
    let comparison = ModelComparison(ours, to: ours)
    #expect(try comparison.agreement(.retain) == 100)
    #expect(try comparison.divergence(.retain) == 0)
  }

  @Test func `models that are sure of different classes are ln 2 apart, also where one has a class more`() throws {
    func predictions(_ logits: [[Float]]) throws -> Predictions {
      try #require(try FeatureCase.outputs(logits, labels: [0]).predictions)
    }
    let far = ModelComparison(try predictions([[900, 0]]), to: try predictions([[0, 900]]))
    #expect(abs(try far.divergence(.test) - log(2)) < 1e-12)
    #expect(try far.agreement(.test) == 0)
    let more = ModelComparison(try predictions([[0, 0, 900]]), to: try predictions([[900, 0]]))
    #expect(abs(try more.divergence(.test) - log(2)) < 1e-12)
    let lacking = ModelComparison(try predictions([[900, 0]]), to: try predictions([[0, 0, 900]]))
    #expect(abs(try lacking.divergence(.test) - log(2)) < 1e-12)
    // Half of the mass on a class that the other lacks: ½·½·ln 2 for it, the rest by the definition.
    let half = ModelComparison(try predictions([[0, -900, 0]]), to: try predictions([[0, -900]]))
    let expected = 0.5 * (0.5 * log(0.5 / 0.75) + 0.5 * log(2.0)) + 0.5 * log(1 / 0.75)
    #expect(abs(try half.divergence(.test) - expected) < 1e-7)
  }

  @Test(arguments: [Float.nan, -.infinity]) func `an answer that is no number is named with its place`(_ value: Float)
    throws
  {
    let good = try #require(try FeatureCase.outputs([[1, 0], [0, 1]], labels: [0, 1]).predictions)
    let bad = try #require(try FeatureCase.outputs([[1, 0], [value, 1]], labels: [0, 1]).predictions)
    #expect(throws: LearningError.notFinite(metric: "agreement-test", set: "test", position: 1)) {
      try ModelComparison(good, to: bad).agreement(.test)
    }
    #expect(throws: LearningError.notFinite(metric: "js-retain", set: "retain", position: 1)) {
      try ModelComparison(bad, to: good).divergence(.retain)
    }
  }

  @Test func `no samples are no agreement`() {
    let none = Predictions(labels: [], top: [], logProbabilities: [], classes: 2)
    #expect(throws: LearningError.emptySet(metric: "agreement-validation", set: "validation")) {
      try ModelComparison(none, to: none).agreement(.validation)
    }
  }

  // MARK: Classes

  @Test func `a class has the mean of its samples, and no number without samples`() throws {
    let outputs = SetOutputs(
      losses: [1, 2, 6], correct: [true, false, true], confidence: [0, 0, 0],
      predictions: Predictions(
        labels: [0, 2, 2], top: [0, 0, 2], logProbabilities: [Float](repeating: -1, count: 9), classes: 3))
    #expect(
      try outputs.classScores(4, .test) == [
        ClassScore(samples: 1, accuracy: 100, loss: 1), ClassScore(samples: 0, accuracy: nil, loss: nil),
        ClassScore(samples: 2, accuracy: 50, loss: 4), ClassScore(samples: 0, accuracy: nil, loss: nil),
      ])
    let broken = SetOutputs(
      losses: [1, .nan], correct: [true, true], confidence: [0, 0],
      predictions: Predictions(labels: [0, 0], top: [0, 0], logProbabilities: [0, 0], classes: 1))
    #expect(throws: LearningError.notFinite(metric: "per-class", set: "test", position: 1)) {
      try broken.classScores(1, .test)
    }
  }

  // MARK: Weights

  private func model(_ classes: Int = 3, seed: UInt64 = 1) throws -> ImageClassifier {
    try .smallCNN(
      channels: [2], inputShape: [1, 4, 4], classes: classes,
      normalisation: Normalisation(mean: [0], standardDeviation: [1]), seed: seed)
  }

  @Test func `the distance is that of all weights as one vector`() throws {
    let (ours, theirs) = (try model(), try model(seed: 2))
    let a = try ours.parameters.flatMap { try $0.tensor.detach().doubles() }
    let b = try theirs.parameters.flatMap { try $0.tensor.detach().doubles() }
    let expected = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    let norm = b.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let found = try WeightComparison(ours, named: "ours", to: theirs).distance()
    #expect(abs(found.absolute - expected) < 1e-12 * expected)
    #expect(abs(found.relative - expected / norm) < 1e-12)
    let same = try WeightComparison(ours, named: "ours", to: ours).distance()
    #expect(same.absolute == 0 && same.relative == 0)
  }

  @Test func `a weight has moved when one of its bits has`() throws {
    let (ours, theirs) = (try model(), try model())
    #expect(try WeightComparison(ours, named: "ours", to: theirs).moved() == 0)
    // Minus zero equals zero and is another pattern of bits; a running mean is no weight.
    let bias = try #require(ours.parameters.last?.tensor)
    let otherBias = try #require(theirs.parameters.last?.tensor)
    try withoutGradients {
      try bias.zero()
      try otherBias.fill(-0.0)
      try #require(ours.flatStatistics).fill(7)
    }
    let moved = try WeightComparison(ours, named: "ours", to: theirs).moved()
    #expect(abs(moved - 100 * Double(bias.count) / Double(ours.parameterCount)) < 1e-12)
  }

  @Test func `weights of another shape are refused by name`() throws {
    #expect(
      throws: LearningError.weightsShape(
        path: "the unlearned model", name: "fc.weight", found: [4, 8], expected: [3, 8])
    ) {
      _ = try WeightComparison(try model(4), named: "the unlearned model", to: try model())
    }
  }
}
