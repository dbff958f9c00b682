import Foundation
import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct LoReUnTests {
  /// A term with these losses; in double precision unless said otherwise.
  private func term(
    _ set: SampleSet, _ losses: [Double], clean: [Double]? = nil, importance: [Double]? = nil,
    dtype: DType = .float64
  ) throws -> Term {
    func tensor(_ values: [Double]) throws -> Tensor { try Tensor(values, shape: [values.count]).to(dtype) }
    return Term(
      name: "term", set: set, losses: try tensor(losses), cleanLosses: try clean.map(tensor),
      importance: try importance.map(tensor))
  }

  private func weights(
    _ term: Term, _ given: [(String, ParameterValue)] = []
  ) throws -> [Double]? {
    try Bench().reweighter("loreun", given).weights(for: term, progress: progress()).tensor?.to(.float64).doubles()
  }

  private func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    let sum = x.reduce(0) { $0 + exp($1 - top) }
    return x.map { exp($0 - top) / sum }
  }

  private let losses = [0.02, 3.5, 0.7, 12.25, 0.7, 1e-4, 5.0]
  private let clean = [2.0, 0.5, 9.0, 0.1, 3.0, 4.0, 0.6]

  @Test
  func `the weights are the softmax of the losses, with the sign of the set`() throws {
    let forget = try #require(try weights(try term(.forget, losses, clean: clean)))
    #expect(isClose(forget, softmax(clean.map { -0.1 * $0 })))
    let retain = try #require(try weights(try term(.retain, losses)))
    #expect(isClose(retain, softmax(losses.map { 0.25 * $0 })))
  }

  @Test
  func `a known forget sample and a lost retain sample count most`() throws {
    let forget = try #require(try weights(try term(.forget, losses, clean: clean)))
    #expect(forget.firstIndex(of: try #require(forget.max())) == 3)
    let retain = try #require(try weights(try term(.retain, losses)))
    #expect(retain.firstIndex(of: try #require(retain.max())) == 3)
  }

  @Test(arguments: [SampleSet.forget, .retain])
  func `a constant added to all losses changes nothing`(_ set: SampleSet) throws {
    let before = try #require(try weights(try term(set, losses)))
    let after = try #require(try weights(try term(set, losses.map { $0 + 3.25 })))
    #expect(isClose(before, after, within: 1e-14))
  }

  @Test
  func `an eta of zero and an excluded set leave uniform weights`() throws {
    #expect(try weights(try term(.forget, losses), [("eta_forget", .float(0))]) == nil)
    #expect(try weights(try term(.retain, losses), [("eta_retain", .float(0))]) == nil)
    #expect(try weights(try term(.forget, losses), [("apply", .string("retain"))]) == nil)
    #expect(try weights(try term(.retain, losses), [("apply", .string("forget"))]) == nil)
    #expect(try weights(try term(.forget, losses), [("apply", .string("forget"))]) != nil)
  }

  @Test
  func `samples without importance have no weight and do not count in the sum`() throws {
    let importance = [1.0, 0, 2, 0, 0.5, 0, 1]
    let found = try #require(try weights(try term(.forget, losses, clean: clean, importance: importance)))
    let some = softmax([0, 2, 4, 6].map { -0.1 * clean[$0] })
    #expect(isClose(found, [some[0], 0, some[1], 0, some[2], 0, some[3]]))
    let none = try #require(try weights(try term(.retain, losses, importance: losses.map { _ in 0 })))
    #expect(isClose(none, losses.map { _ in 1 / Double(losses.count) }))
  }

  @Test
  func `one sample has weight 1, however large its loss`() throws {
    #expect(try weights(try term(.retain, [1e20])) == [1])
    #expect(try weights(try term(.retain, [1e20], dtype: .float32)) == [1])
  }

  @Test
  func `losses far apart do not overflow`() throws {
    #expect(try weights(try term(.retain, [0, 1e5, 2e4], dtype: .float32)) == [0, 1, 0])
    #expect(try weights(try term(.forget, [0, 1e5, 2e4], dtype: .float32)) == [1, 0, 0])
  }

  @Test
  func `permuting the samples permutes the weights`() throws {
    let order = [4, 0, 6, 2, 1, 5, 3]
    let straight = try #require(try weights(try term(.retain, losses)))
    let permuted = try #require(try weights(try term(.retain, order.map { losses[$0] })))
    #expect(isClose(permuted, order.map { straight[$0] }, within: 1e-15))
  }

  @Test
  func `new temperatures hold from the next step on`() throws {
    let bench = try Bench()
    let reweighter = try bench.reweighter("loreun")
    try reweighter.retune([.float(0.2), .float(0.25), .string("both")])
    let found = try reweighter.weights(for: try term(.forget, losses, clean: clean), progress: progress(1))
    #expect(isClose(try #require(found.tensor).doubles(), softmax(clean.map { -0.2 * $0 })))
  }
}
