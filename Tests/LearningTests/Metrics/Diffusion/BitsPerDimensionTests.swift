import Foundation
import Tensors
import Testing

@testable import Learning

/// `Fixtures/nll.json`, which `scripts/reference/generation.py` made with SciPy's `solve_ivp`.
private struct LikelihoodFixture: Decodable {
  struct Found: Decodable {
    let bits: Double
    let each: [Double]
    let evaluations: Int
  }

  let first, second, images: [[Double]]
  let bias, time: [Double]
  let seed: UInt64
  let one, three, exact: [Found]

  static func read() throws -> LikelihoodFixture {
    try JSONDecoder().decode(LikelihoodFixture.self, from: Data(contentsOf: Beside.fixture("nll.json")))
  }

  var tensor: Tensor { get throws { try matrix(images).reshape([images.count, 1, 3, 4]) } }

  /// One hidden layer with tanh, which hears of the label, beside four fifths of the input's own noise.
  func network() throws -> (Tensor, Tensor) throws -> Tensor {
    let (first, second) = (try matrix(first), try matrix(second))
    let bias = try Tensor(bias, shape: [bias.count])
    let time = try Tensor(time, shape: [1, time.count])
    let deviations = try table()
    return { images, labels in
      let rows = try images.reshape([-1, 12])
      let clock = try labels.to(.float64).unsqueeze(1) / 999.0
      let inner = try (rows.linear(first, bias: bias) + clock * time).tanh()
      let own = try rows * (try deviations.indexSelect(0, labels).unsqueeze(1)) * 0.8
      return try (inner.linear(second) + own).reshape(images.shape)
    }
  }
}

private func table() throws -> Tensor {
  let deviations = BitsPerDimension.Schedule.ddpm.deviations
  return try Tensor(deviations, shape: [deviations.count])
}

/// The noise that is right for data of N(0, `variance` I).
private func gaussian(_ variance: Double) throws -> (Tensor, Tensor) throws -> Tensor {
  let deviations = try table()
  return { images, labels in
    let deviation = try deviations.indexSelect(0, labels).reshape([-1, 1, 1, 1]).to(images.dtype)
    let noise = try deviation * deviation
    let spread = try (1.0 - noise) * variance + noise
    return try images * (try deviation / spread)
  }
}

/// −log₂ of the density of N(0, variance I) at an image, a dimension, with 7 for the levels.
private func bits(_ image: [Double], variance: Double) -> Double {
  let squares = image.reduce(0) { $0 + $1 * $1 } / Double(image.count)
  return 0.5 * (log(2 * .pi * variance) + squares / variance) / log(2) + 7
}

struct BitsPerDimensionTests {
  private static func random(_ shape: [Int], dtype: DType = .float64) throws -> Tensor {
    try Tensor.randomUniform(shape, dtype: dtype, generator: Generator(seed: 3)) * 2.0 - 1.0
  }

  private func measurer(_ trace: BitsPerDimension.Trace) -> BitsPerDimension {
    var nll = BitsPerDimension()
    nll.trace = trace
    return nll
  }

  @Test(arguments: [BitsPerDimension.Trace.probes(1), .probes(2), .exact], [DType.float64, .float32])
  func `a standard normal distribution has its analytic value`(
    _ trace: BitsPerDimension.Trace, _ dtype: DType
  ) throws {
    let images = try Self.random([2, 1, 4, 5], dtype: dtype)
    let found = try measurer(trace).measure(images, seed: 1, cancel: CancelFlag(), noise: gaussian(1))
    let rows = try images.doubles()
    for (index, value) in found.enumerated() {
      #expect(abs(value.bits - bits(Array(rows[index * 20..<index * 20 + 20]), variance: 1)) < 1e-5)
    }
  }

  /// The equation is linear where the label stays, so its solution is a product of exponentials.
  @Test(arguments: [0.25, 4]) func `another normal distribution has the closed form of the equation with labels`(
    _ variance: Double
  ) throws {
    let images = try Self.random([1, 1, 3, 4])
    let found = try measurer(.exact).measure(images, seed: 1, cancel: CancelFlag(), noise: gaussian(variance))
    func area(_ time: Double) -> Double { 0.1 * time + 9.95 * time * time }
    var exponent = 0.0
    for (label, deviation) in BitsPerDimension.Schedule.ddpm.deviations.enumerated() where label < 999 {
      let noise = deviation * deviation
      let share = 1 - 1 / ((1 - noise) * variance + noise)
      exponent -= 0.5 * share * (area(Double(label + 1) / 999) - area(max(1e-5, Double(label) / 999)))
    }
    let row = try images.doubles()
    let end = row.map { $0 * exp(exponent) }
    let closed = bits(end, variance: 1) - exponent / log(2)
    #expect(abs(found[0].bits - closed) < 2e-4)
    // What steps of the label, and the discrete schedule beside the continuous one, leave of the true value.
    #expect(abs(found[0].bits - bits(row, variance: variance)) < 0.01)
  }

  @Test func `values and evaluations are SciPy's`() throws {
    let fixture = try LikelihoodFixture.read()
    let network = try fixture.network()
    for (trace, expected) in [
      (BitsPerDimension.Trace.probes(1), fixture.one), (.probes(3), fixture.three), (.exact, fixture.exact),
    ] {
      let found = try measurer(trace).measure(
        fixture.tensor, seed: fixture.seed, cancel: CancelFlag(), noise: network)
      #expect(found.map(\.evaluations) == expected.map(\.evaluations))
      #expect(farthest(found.map(\.bits), expected.map(\.bits)) < 1e-9)
      for (value, expected) in zip(found, expected) where expected.each.count > 1 {
        let mean = expected.each.reduce(0, +) / 3
        let variance = expected.each.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
        #expect(abs((value.standardError ?? 0) - (variance / 3).squareRoot()) < 1e-9)
      }
    }
  }

  @Test func `many probes agree with the exact trace within their standard error`() throws {
    let fixture = try LikelihoodFixture.read()
    let exact = try measurer(.exact).measure(fixture.tensor, seed: 1, cancel: CancelFlag(), noise: fixture.network())
    let many = try measurer(.probes(256)).measure(
      fixture.tensor, seed: 1, cancel: CancelFlag(), noise: fixture.network())
    for (exact, many) in zip(exact, many) {
      let error = try #require(many.standardError)
      #expect(error > 0 && error < 0.1)
      #expect(abs(exact.bits - many.bits) < 3 * error)
      #expect(exact.standardError == 0)
    }
  }

  @Test func `an image's value is the same alone and among others, and again with the same seed`() throws {
    let fixture = try LikelihoodFixture.read()
    let (all, network) = (try fixture.tensor, try fixture.network())
    let nll = measurer(.probes(1))
    let together = try nll.measure(all, seed: 2, cancel: CancelFlag(), noise: network)
    let alone = try nll.measure(all.narrow(0, start: 1, length: 1), seed: 2, cancel: CancelFlag(), noise: network)
    #expect(alone == [together[1]])
    #expect(try nll.measure(all, seed: 2, cancel: CancelFlag(), noise: network) == together)
    #expect(try nll.measure(all, seed: 3, cancel: CancelFlag(), noise: network) != together)
    #expect(together.allSatisfy { $0.standardError == nil })
  }

  @Test func `progress rises to 1 and labels stay within the schedule`() throws {
    var told: [Double] = []
    var labels: Set<Int64> = []
    let network = try gaussian(0.5)
    let found = try measurer(.probes(1)).measure(
      Self.random([2, 1, 2, 2]), seed: 1, cancel: CancelFlag(), progress: { told.append($0) }
    ) {
      labels.formUnion(try $1.int64s())
      return try network($0, $1)
    }
    #expect(told == told.sorted() && told.last == 1)
    #expect(labels.min() == 0 && labels.max() == 999)
    #expect(found.allSatisfy { $0.evaluations > 8 })
  }

  @Test func `a linear schedule is taken over, another one refused`() throws {
    let betas = (0..<1000).map { Double(Float(1e-4 + Double($0) * (0.02 - 1e-4) / 999)) }
    let schedule = try BitsPerDimension.Schedule(betas: betas)
    #expect(farthest(schedule.deviations, BitsPerDimension.Schedule.ddpm.deviations) < 1e-6)
    #expect(abs(schedule.first - 0.1) < 1e-6 && abs(schedule.last - 20) < 1e-5)
    let scaled = (0..<1000).map { pow(0.00085.squareRoot() + Double($0) / 999 * 0.08, 2) }
    #expect(throws: LearningError.self) { try BitsPerDimension.Schedule(betas: scaled) }
  }
}
