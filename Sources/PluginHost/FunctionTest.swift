/// What a plain C function has to give for some input: run before anything is trained.
package struct FunctionTest: Sendable, Equatable {
  /// Numbers by argument: a list of one a sample, or one for all samples.
  package var inputs: [(name: String, values: [Double])]
  /// What it has to give: one number a sample, before weights are normalised; of a metric one in all.
  package var expected: [Double]
  /// How far a number may be off, relative to the expected one where that is above 1.
  package var tolerance: Double

  package init(inputs: [(name: String, values: [Double])], expected: [Double], tolerance: Double) {
    self.inputs = inputs
    self.expected = expected
    self.tolerance = tolerance
  }

  package static func == (a: FunctionTest, b: FunctionTest) -> Bool {
    a.expected == b.expected && a.tolerance == b.tolerance
      && a.inputs.elementsEqual(b.inputs) { $0.name == $1.name && $0.values == $1.values }
  }
}

extension BoundFunction {
  /// What a test gives the function.
  func input(of test: FunctionTest) throws(PluginError) -> Input {
    do throws(FunctionTestProblem) { return try read(test) } catch { throw self.error(.test(error)) }
  }

  private func read(_ test: FunctionTest) throws(FunctionTestProblem) -> Input {
    let asked = inputs
    for (name, _) in test.inputs where !asked.contains(where: { $0.name == name }) {
      throw .unknown(name: name, known: asked.map(\.name))
    }
    // How many samples there are: as many as are expected; of a metric as many as its longest list has.
    let count = purpose == .metric ? test.inputs.map(\.values.count).max() ?? 0 : test.expected.count
    if purpose == .metric, test.expected.count != 1 {
      throw .lengths(name: "expect", found: test.expected.count, wanted: 1)
    }
    var input = Input(count: count)
    for (name, binding) in asked {
      guard let values = test.inputs.last(where: { $0.name == name })?.values else {
        // The host's own where nobody says otherwise.
        guard binding == .weight else { throw .missing(name: name) }
        input.columns[binding] = [Double](repeating: 1 / Double(max(count, 1)), count: count)
        continue
      }
      let type = signature.arguments.first { $0.name == name }?.type
      if let type, let bad = values.first(where: { !type.holds($0) }) {
        throw .outOfRange(name: name, value: bad, type: type.rawValue)
      }
      if binding.isPerSample {
        guard values.count == count else { throw .lengths(name: name, found: values.count, wanted: count) }
        input.columns[binding] = values
      } else {
        guard values.count == 1 else { throw .notAList(name: name) }
        input.scalars[binding] = values[0]
      }
    }
    return input
  }

  /// Compares what it gives with what is expected.
  func check(_ test: FunctionTest, _ found: [Double]) throws(PluginError) {
    for (index, (found, wanted)) in zip(found, test.expected).enumerated()
    where !((found - wanted).magnitude <= test.tolerance * max(1, wanted.magnitude)) {
      throw error(.test(.expected(index: index, found: found, wanted: wanted)))
    }
  }
}

/// A plain C function as a reweighter, for its test alone: no run is needed.
package struct ForeignFunctionTest {
  private let function: BoundFunction

  package init(
    library: String, symbol: String, signature: String, arguments: [(key: String, value: ParameterValue)],
    trust: TrustPolicy = TrustPolicy(SearchPath())
  ) throws(PluginError) {
    function = try BoundFunction(
      library: library, symbol: symbol, signature: signature, arguments: arguments, for: .weights, trust: trust)
  }

  /// Runs the function's test. Weights are compared before they are normalised.
  package func run(_ test: FunctionTest) throws(PluginError) {
    function.note("reweighter.test", step: nil)
    defer { FlightRecorder.leave() }
    try function.check(test, function(function.input(of: test))[.weight] ?? [])
  }
}
