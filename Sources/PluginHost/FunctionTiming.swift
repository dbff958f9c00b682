/// What a call of a plain C function costs, as weights are computed: for benchmarks.
package enum FunctionTiming {
  /// Seconds a call, round by round, of `double fabs(double)`, called once for each of `samples` numbers.
  ///
  /// - Parameter library: the file of the C library's mathematics.
  package static func seconds(library: String, samples: Int, rounds: Int) throws -> [Double] {
    let function = try BoundFunction(
      library: library, symbol: "fabs", signature: "double(double loss)", arguments: [], for: .weights,
      trust: TrustPolicy(SearchPath()))
    let column = (0..<samples).map { -Double($0) }
    let clock = ContinuousClock()
    return (0..<rounds).map { _ in
      let began = clock.now
      let weights = function(BoundFunction.Input(count: samples, columns: [.loss: column]))[.weight] ?? []
      let seconds = (clock.now - began) / .seconds(1)
      precondition(weights.count == samples && weights.last == Double(samples - 1), "every sample has its own weight")
      return seconds / Double(samples)
    }
  }
}
