import Testing

@testable import Runs

@Suite struct ScaleTests {
  @Test(
    arguments: [
      (Scale(0, 360), ["0", "100", "200", "300"]), (Scale(71.4, 76.5), ["72", "74", "76"]),
      (Scale(0, 0.0031), ["0.000", "0.001", "0.002", "0.003"]),
      (Scale(-1, 1), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
      (Scale(1e-4, 100, isLogarithmic: true), ["0.0001", "0.01", "1", "100"]),
      (Scale(0.5, 4, isLogarithmic: true), ["0.5", "0.7", "1", "2", "3"]),
    ] as [(Scale, [String])])
  func `ticks are round`(_ scale: Scale, _ texts: [String]) {
    #expect(scale.ticks(4).map(\.text) == texts)
  }

  @Test func `positions run from end to end, by differences or by ratios`() {
    let linear = Scale(0, 10).drawn(from: 100, to: 0)
    #expect(linear.position(0) == 100 && linear.position(10) == 0 && linear.position(2.5) == 75)
    let logarithmic = Scale(0.01, 100, isLogarithmic: true).drawn(from: 0, to: 400)
    #expect((logarithmic.position(1) - 200).magnitude < 1e-9)
    #expect(!linear.holds(.nan) && !linear.holds(11) && linear.holds(10))
  }

  @Test(arguments: [[], [.nan], [5], [0, 0], [-.infinity, 3], [1e300, -1e300]] as [[Double]])
  func `any values have a scale`(_ values: [Double]) {
    let scale = Scale.fitting(values, hasZero: true, picksLogarithm: true)
    #expect(scale.low < scale.high)
    for value in values where value.isFinite { #expect(scale.holds(value)) }
    _ = scale.ticks(5)
  }

  @Test func `far apart positive values are shown by their ratios`() {
    #expect(Scale.fitting([0.001, 5], picksLogarithm: true).isLogarithmic)
    #expect(!Scale.fitting([0, 5], picksLogarithm: true).isLogarithmic)
    #expect(!Scale.fitting([1, 5], picksLogarithm: true).isLogarithmic)
  }

  @Test(
    arguments: [
      (0, 0), (9.9e-5, 0), (1.1e-4, 1), (1.7e-4, 1), (0.1, 13), (99, 24), (100, 25), (3e30, 25),
    ] as [(Float, Int)])
  func `a loss falls in the bin that begins at or below it`(_ loss: Float, _ bin: Int) {
    let histogram = LossHistogram(of: [loss, .nan, .infinity], model: .original, set: .forget)
    #expect(histogram.counts.firstIndex(of: 1) == bin)
    #expect(histogram.counts.reduce(0, +) == 1)
  }

  @Test func `bins are the same for all runs`() {
    #expect(LossHistogram.edges.count == 25)
    #expect(LossHistogram.edges.prefix(5) == [0.0001, 0.0001778, 0.0003162, 0.0005623, 0.001])
    #expect(LossHistogram.edges.suffix(3) == [31.62, 56.23, 100])
    #expect(zip(LossHistogram.edges, LossHistogram.edges.dropFirst()).allSatisfy { $0 < $1 })
  }
}
