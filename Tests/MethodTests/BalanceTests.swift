import Foundation
import PluginHost
import Tensors
import Testing

/// Terms of a step with gradients that a test makes up.
final class MadeUpStep: StepView {
  let terms: [StepTerm]
  let learningRate = 0.1
  private let names: [String]
  private let gradients: [[Tensor]]

  /// Terms by name, set and flat gradient over all parameters of the world.
  init(_ terms: [(name: String, set: SampleSet, gradient: [Double])], _ world: DiffusionWorld) throws {
    let parameters = try world.parameters(of: ModelHandle(0))
    names = parameters.names
    self.terms = try terms.map {
      StepTerm(name: $0.name, set: $0.set, coefficient: 1, loss: try .scalar(1, dtype: .float64))
    }
    gradients = try terms.map { term in
      var rest = term.gradient[...]
      return try parameters.tensors.compactMap(\.self).map { parameter in
        defer { rest = rest.dropFirst(parameter.count) }
        return try Tensor(Array(rest.prefix(parameter.count)), shape: parameter.shape)
      }
    }
  }

  func gradients(ofTerm index: Int) throws -> NamedTensors { NamedTensors(names: names, tensors: gradients[index]) }

  struct IsMadeUp: Error {}
  func evaluate(sets: SampleSet, round: Int, takesGradients: Bool) throws { throw IsMadeUp() }
  func advance(along direction: [Tensor], learningRate: Double, sharesMoments: Bool) throws { throw IsMadeUp() }
  func restore() throws { throw IsMadeUp() }
}

/// What both updaters share: a keeping and a forgetting gradient, and the direction that comes of them.
private struct Ground {
  let bench: DiffusionBench
  let keep, forget: [Double]

  init() throws {
    bench = try DiffusionBench()
    let generator = try Generator(seed: 17)
    keep = try Tensor.randomNormal([76], dtype: .float64, generator: generator).doubles()
    forget = try Tensor.randomNormal([76], dtype: .float64, generator: generator).doubles()
  }

  func direction(
    _ updater: UpdaterInstance, _ terms: [(String, SampleSet, [Double])], step: Int = 0
  ) throws -> [Double] {
    try updater.combine(
      progress: progress(step), step: MadeUpStep(terms, bench.world),
      parameters: bench.world.parameters(of: ModelHandle(0))
    ).flatMap { try $0.doubles() }
  }

  var both: [(String, SampleSet, [Double])] { [("keep", .retain, keep), ("forget", .forget, forget)] }

  func scales(_ updater: UpdaterInstance, step: Int) throws -> [Double]? {
    let terms = try MadeUpStep(both, bench.world).terms
    return try updater.scales(progress: progress(step), terms: terms, learningRate: 0.1)?.map { try $0.item() }
  }
}

private func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
private func sum(_ a: [Double], _ scale: Double, _ b: [Double]) -> [Double] { zip(a, b).map { $0 + scale * $1 } }
private func text(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return ""
}

@Suite(.serialized)
struct GradientBalanceTests {
  @Test(arguments: [("absolute", 5.0), ("relative", 0.1)])
  func `the forget gradient gets the norm that was asked for`(_ known: (String, Double)) throws {
    let ground = try Ground()
    let updater = try ground.bench.updater(
      "gradient-balance", [("mode", .string(known.0)), ("size", .float(known.1))])
    let found = try ground.direction(updater, ground.both)
    let wanted = known.0 == "absolute" ? known.1 : known.1 * norm(ground.keep)
    #expect(isClose(found, sum(ground.keep, wanted / norm(ground.forget), ground.forget), within: 1e-5))
    #expect(isClose([norm(sum(found, -1, ground.keep))], [wanted], within: 1e-5))
  }

  @Test
  func `terms of one set are added up first`() throws {
    let ground = try Ground()
    let updater = try ground.bench.updater("gradient-balance", [("mode", .string("absolute")), ("size", .float(2))])
    let half = ground.forget.map { $0 / 2 }
    let found = try ground.direction(
      updater, [("a", .forget, half), ("keep", .retain, ground.keep), ("b", .forget, half)])
    #expect(isClose(found, sum(ground.keep, 2 / norm(ground.forget), ground.forget), within: 1e-5))
  }

  @Test
  func `a forget gradient without a direction is left out`() throws {
    let ground = try Ground()
    let zero = ground.forget.map { _ in 0.0 }
    let updater = try ground.bench.updater("gradient-balance", [("mode", .string("absolute"))])
    #expect(try ground.direction(updater, [ground.both[0], ("forget", .forget, zero)]) == ground.keep)
    #expect(try ground.direction(updater, [ground.both[0]]) == ground.keep)
  }

  @Test
  func `without a retain term the absolute norm holds, and there is nothing to be relative to`() throws {
    let ground = try Ground()
    let updater = try ground.bench.updater("gradient-balance", [("mode", .string("absolute")), ("size", .float(2))])
    let found = try ground.direction(updater, [ground.both[1]])
    #expect(isClose([norm(found)], [2], within: 1e-5))
    let relative = try ground.bench.updater("gradient-balance")
    #expect(
      text { _ = try ground.direction(relative, [ground.both[1]]) }
        .hasSuffix("the mode 'absolute' needs none"))
  }

  @Test
  func `between two estimates the ratio is known before any gradient is`() throws {
    let ground = try Ground()
    let updater = try ground.bench.updater("gradient-balance", [("every", .int(3))])
    #expect(updater.scalesTerms)
    #expect(try ground.scales(updater, step: 0) == nil)
    _ = try ground.direction(updater, ground.both)
    let ratio = 0.1 * norm(ground.keep) / norm(ground.forget)
    for step in [1, 2] {
      #expect(try isClose(#require(try ground.scales(updater, step: step)), [1, ratio], within: 1e-6))
    }
    #expect(try ground.scales(updater, step: 3) == nil)
    let always = try ground.bench.updater("gradient-balance")
    _ = try ground.direction(always, ground.both)
    #expect(try ground.scales(always, step: 1) == nil)
  }

  @Test
  func `a resumed run goes on with the ratio`() throws {
    let ground = try Ground()
    let updater = try ground.bench.updater("gradient-balance", [("every", .int(5))])
    _ = try ground.direction(updater, ground.both)
    let other = try ground.bench.updater("gradient-balance", [("every", .int(5))])
    #expect(try ground.scales(other, step: 1) == nil)
    try other.loadState(#require(try updater.saveState(step: 1)), step: 1)
    #expect(try ground.scales(other, step: 1) == ground.scales(updater, step: 1))
  }

  @Test(arguments: ["gradient-balance", "bilevel"])
  func `a term of neither set is refused by name`(_ id: String) throws {
    let ground = try Ground()
    let updater = try ground.bench.updater(id)
    #expect(
      text { _ = try ground.direction(updater, ground.both + [("ewc", [], ground.keep)]) }
        .contains("the term 'ewc' is of neither set: \(id) joins retain and forget terms and nothing else"))
  }
}

@Suite(.serialized)
struct BilevelTests {
  private struct Fixture: Decodable {
    struct Case: Decodable {
      let name: String
      let eta, lambda: Double
      let retain, forget, direction: [Double]
    }
    let cases: [Case]
  }

  /// A general solver's answers, held to the conditions of Karush, Kuhn and Tucker: scripts/reference/deletion.py.
  @Test
  func `the direction solves the constrained problem`() throws {
    let fixture: Fixture = try Reference.read("deletion.json", "bilevel")
    #expect(fixture.cases.count == 5)
    let ground = try Ground()
    for known in fixture.cases {
      let updater = try ground.bench.updater("bilevel", [("size", .float(known.eta))])
      let found = try ground.direction(
        updater, [("retain", .retain, known.retain), ("forget", .forget, known.forget)])
      #expect(isClose(found, known.direction, within: 1e-5), "\(known.name)")
      #expect(try isClose([#require(ground.bench.world.reports["lambda"])], [known.lambda], within: 1e-5))
    }
  }

  @Test
  func `lambda has a cap`() throws {
    let ground = try Ground()
    let small = ground.keep.map { -1e-3 * $0 }
    let updater = try ground.bench.updater("bilevel")
    let found = try ground.direction(updater, [ground.both[0], ("forget", .forget, small)])
    #expect(isClose(found, sum(ground.keep, 10, small), within: 1e-5))
    let zero = ground.keep.map { _ in 0.0 }
    #expect(try ground.direction(updater, [ground.both[0], ("forget", .forget, zero)]) == ground.keep)
  }

  @Test
  func `lambda of the script comes from the cosine`() throws {
    let ground = try Ground()
    let updater = try ground.bench.updater("bilevel", [("mode", .string("cosine")), ("size", .float(0.3))])
    let cosine = dot(ground.keep, ground.forget) / norm(ground.keep) / norm(ground.forget)
    let found = try ground.direction(updater, ground.both)
    #expect(isClose(found, sum(ground.keep, max(0, 0.3 - cosine), ground.forget), within: 1e-5))
  }

  @Test
  func `a fixed lambda is known before any gradient is`() throws {
    let ground = try Ground()
    let fixed = try ground.bench.updater("bilevel", [("mode", .string("fixed")), ("size", .float(0.25))])
    #expect(try ground.scales(fixed, step: 0) == [1, 0.25])
    #expect(try ground.scales(ground.bench.updater("bilevel"), step: 0) == nil)
    #expect(try isClose(ground.direction(fixed, ground.both), sum(ground.keep, 0.25, ground.forget), within: 1e-6))
  }
}
