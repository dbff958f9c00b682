import Testing

@testable import Runs

@Suite struct WeightBinsTests {
  @Test func `each weight is counted once, the largest in the last bin`() throws {
    let term = TermLoss(name: "forget", mean: 1, weights: [0, 0.04, 0.05, 0.5, 0.999, 1])
    #expect(term.weights == [0, 1])
    #expect(term.samples == 6)
    let bins = try #require(term.weightBins)
    #expect(bins.edges.count == WeightBins.count + 1 && bins.counts.count == WeightBins.count)
    #expect(bins.edges.first == 0 && bins.edges.last == 1)
    #expect(bins.counts.reduce(0, +) == 6)
    #expect(bins.counts[0] == 2 && bins.counts[1] == 1 && bins.counts[10] == 1 && bins.counts[19] == 2)
  }

  @Test func `equal weights are one bin without width`() throws {
    let bins = try #require(TermLoss(name: "forget", mean: 1, weights: [1, 1, 1]).weightBins)
    #expect(bins == WeightBins(edges: [1, 1], counts: [3]))
  }

  @Test func `weights that are no numbers have no bins`() {
    let term = TermLoss(name: "forget", mean: 1, weights: [1, .nan])
    #expect(term.weightBins == nil && term.weights?.allSatisfy(\.isNaN) == true)
    #expect(TermLoss(name: "forget", mean: 1, samples: 3).weightBins == nil)
    #expect(TermLoss(name: "forget", mean: 1, samples: 3, weights: [0, 2]).weightBins == nil)
    #expect(TermLoss(name: "forget", mean: 1, weights: []).weights == nil)
  }
}
