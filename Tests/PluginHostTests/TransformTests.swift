import Foundation
import Tensors
import Testing

@testable import PluginHost

/// Plain C functions that map losses, their tests, and plain C functions as metrics.
struct TransformTests {
  private static let library = Result { try Fixture.library("transforms", source: "functions.c", manifest: nil).path }

  private func transform(
    _ symbol: String, _ derivative: String?, _ signature: String, _ values: [(String, ParameterValue)] = [],
    sets: SampleSet = .both, toy: Toy
  ) throws -> LossTransform {
    try LossTransform(
      library: Self.library.get(), symbol: symbol, derivative: derivative, signature: signature,
      arguments: values.map { (key: $0.0, value: $0.1) }, sets: sets, world: toy.world, trust: .tests)
  }

  private static let soft = "double(double loss, double a)"
  private static let softAll = "void(int64_t n, const float *loss, double a, float *value, float *derivative)"
  private static let softSingle = "float(float loss, float a)"

  /// Losses that depend on weights, so that there is a gradient.
  private func graph(_ weights: [Double]) throws -> (leaf: Tensor, term: Term) {
    let leaf = try Tensor(weights, shape: [weights.count])
    try leaf.setRequiresGrad(true)
    return (leaf, Term(name: "forget", set: .forget, losses: try leaf * leaf))
  }

  @Test(arguments: [("soft", "soft_slope" as String?, soft), ("soft_all", nil, softAll)])
  func `the gradient is the slope of the transformed losses, by finite differences`(
    _ symbol: String, _ derivative: String?, _ signature: String
  ) throws {
    let toy = try Toy()
    let transform = try transform(symbol, derivative, signature, [("a", .float(0.7))], toy: toy)
    let weights = [0.3, 1.1, -1.6, 2.2]
    func sum(_ weights: [Double]) throws -> Double {
      let changed = try transform.apply(to: graph(weights).term, progress: Toy.progress)
      return try #require(changed.losses).doubles().reduce(0, +)
    }
    let (leaf, term) = try graph(weights)
    let changed = try transform.apply(to: term, progress: Toy.progress)
    let losses = try #require(changed.losses)
    let exact = weights.map { log1p(0.7 * $0 * $0) }
    let tolerance = derivative == nil ? 1e-6 : 1e-14
    for (found, wanted) in zip(try losses.doubles(), exact) { #expect(abs(found - wanted) <= tolerance) }
    let gradient = try #require(try gradient(of: [try losses.sum()], withRespectTo: [leaf])[0]).doubles()
    for index in weights.indices {
      var (above, below) = (weights, weights)
      let step = derivative == nil ? 1e-3 : 1e-5
      above[index] += step
      below[index] -= step
      let numeric = (try sum(above) - sum(below)) / (2 * step)
      #expect(abs(gradient[index] - numeric) <= (derivative == nil ? 1e-3 : 1e-8), "\(gradient[index]) and \(numeric)")
    }
  }

  @Test func `both forms, and single precision, give the same`() throws {
    let toy = try Toy()
    let given: [(String, ParameterValue)] = [("a", .float(0.5))]
    let term = try Term(name: "forget", set: .forget, losses: Tensor([0.5, 1, 3] as [Float], shape: [3]))
    let each = try transform("soft", "soft_slope", Self.soft, given, toy: toy).apply(to: term, progress: Toy.progress)
    let all = try transform("soft_all", nil, Self.softAll, given, toy: toy).apply(to: term, progress: Toy.progress)
    let single = try transform("soft_single", "soft_slope_single", Self.softSingle, given, toy: toy)
      .apply(to: term, progress: Toy.progress)
    #expect(try each.losses?.floats() == all.losses?.floats())
    for (a, b) in zip(try each.losses?.floats() ?? [], try single.losses?.floats() ?? []) { #expect(abs(a - b) < 1e-6) }
    #expect(try each.cleanLosses?.floats() == [0.5, 1, 3])
  }

  @Test func `the identity changes no bit, and other sets and losses that are not finite stay`() throws {
    let toy = try Toy()
    let identity = try transform("same", "one", "double(double loss)", toy: toy)
    let (leaf, term) = try graph([0.1, 0.2, 0.3])
    let changed = try identity.apply(to: term, progress: Toy.progress)
    #expect(try changed.losses?.doubles() == term.losses?.doubles())
    let before = try gradient(of: [try #require(term.losses).sum()], withRespectTo: [leaf])[0]?.doubles()
    let (twin, same) = try graph([0.1, 0.2, 0.3])
    let mapped = try #require(identity.apply(to: same, progress: Toy.progress).losses)
    let after = try gradient(of: [try mapped.sum()], withRespectTo: [twin])[0]?.doubles()
    #expect(before == after)
    let forgetOnly = try transform("soft", "soft_slope", Self.soft, [("a", .int(1))], sets: .forget, toy: toy)
    let retain = try Term(name: "retain", set: .retain, losses: Tensor([1, 2] as [Float], shape: [2]))
    #expect(try forgetOnly.apply(to: retain, progress: Toy.progress).losses?.floats() == [1, 2])
    let bad = try Term(name: "forget", set: .forget, losses: Tensor([1, .nan] as [Float], shape: [2]))
    #expect(try forgetOnly.apply(to: bad, progress: Toy.progress).losses?.floats()[0] == 1)
  }

  @Test func `a value or a derivative that is not finite is named with its sample`() throws {
    let toy = try Toy()
    let root = try transform("root", "root_slope", "double(double loss)", toy: toy)
    let below = try Term(name: "forget", set: .forget, losses: Tensor([3, 0.5] as [Float], shape: [2]))
    #expect(
      message { _ = try root.apply(to: below, progress: Toy.progress) }
        .contains("term 'forget', sample 1: the value at the loss 0.5 is "))
    let edge = try Term(name: "forget", set: .forget, losses: Tensor([1] as [Float], shape: [1]))
    #expect(
      message { _ = try root.apply(to: edge, progress: Toy.progress) }
        .hasSuffix("sample 0: the derivative at the loss 1.0 is inf, a finite number would be right"))
  }

  /// Forms that say too little or too much.
  static let forms: [(String, String?, String, String)] = [
    ("soft", nil, soft, "it gives back a value, and nothing gives the derivative"),
    ("soft_all", "soft_slope", softAll, "it fills in its derivative itself; leave 'derivative' out"),
    (
      "same", "one", "double(double loss, double value)",
      "argument 'value' is filled in by the form for all samples only"
    ),
    ("soft_all", nil, "void(int64_t n, const float *loss, double a, float *value)", "argument 'derivative' is missing"),
    ("soft_all", nil, "void(int64_t n, double a, float *value, float *derivative)", "argument 'loss' is missing"),
    (
      "soft_all", nil, "void(int64_t n, const float *loss, double a, const float *value, float *derivative)",
      "argument 'value' is what the function fills in: it cannot be 'const'"
    ),
    ("same", "nobody", "double(double loss)", "the library does not export it"),
    ("same", "one", "double(double weight)", "argument 'weight' is unknown; it can be loss, clean_loss"),
  ]

  @Test(arguments: forms.indices)
  func `a form that cannot be is refused`(_ index: Int) throws {
    let (symbol, derivative, signature, wanted) = Self.forms[index]
    let toy = try Toy()
    let values: [(String, ParameterValue)] = signature.contains("double a") ? [("a", .int(1))] : []
    let text = message { _ = try transform(symbol, derivative, signature, values, toy: toy) }
    #expect(text.contains(wanted), "\(text)")
  }

  // MARK: Tests of functions

  private func test(_ inputs: [(String, [Double])], _ expected: [Double], _ tolerance: Double = 1e-5) -> FunctionTest {
    FunctionTest(inputs: inputs.map { ($0.0, $0.1) }, expected: expected, tolerance: tolerance)
  }

  @Test func `a transform passes its test, and a wrong number or derivative is named with its entry`() throws {
    let toy = try Toy()
    let given: [(String, ParameterValue)] = [("a", .float(0.5))]
    let good = test([("loss", [0.5, 2])], [log1p(0.25), log1p(1.0)])
    try transform("soft", "soft_slope", Self.soft, given, toy: toy).run(good)
    try transform("soft_all", nil, Self.softAll, given, toy: toy).run(good)
    try transform("soft_single", "soft_slope_single", Self.softSingle, given, toy: toy).run(good)
    let value = test([("loss", [0.5, 2])], [log1p(0.25), 0.7])
    #expect(
      message { try transform("soft", "soft_slope", Self.soft, given, toy: toy).run(value) }.hasSuffix(
        "its test fails: entry 1 is \(log1p(1.0)), 0.7 was expected"))
    let text = message { try transform("soft", "soft_wrong", Self.soft, given, toy: toy).run(good) }
    #expect(text.hasPrefix("function 'soft_wrong' of "))
    #expect(
      text.contains("its test fails: entry 0: the derivative at the loss 0.5 is 0.8, the values around it rise by 0.4"))
    let mixed = test([("loss", [1, 3])], [3, 5])
    #expect(
      message {
        try transform(
          "mixing", nil, "void(int64_t n, const double *loss, double *value, double *derivative)", toy: toy
        ).run(mixed)
      }.hasSuffix("the value of entry 1 changes with the loss of entry 0; a transform looks at each loss alone"))
  }

  /// Tests that say too little or too much of `weight(loss, eta)` with a reference.
  static let badTests: [([(String, [Double])], [Double], String)] = [
    ([], [1], "it does not say what 'loss' is"),
    ([("loss", [1]), ("eta", [1])], [1], "'eta' is nothing that the function is given; it is given loss"),
    ([("loss", [1, 2])], [1], "'loss' has 2 numbers, 1 would be right"),
    ([("loss", [1])], [1, 2], "'loss' has 1 numbers, 2 would be right"),
    ([("loss", [1])], [2], "entry 0 is \(exp(-1.0)), 2.0 was expected"),
  ]

  @Test(arguments: badTests.indices)
  func `a test of a reweighter that does not fit says what is missing`(_ index: Int) throws {
    let (inputs, expected, wanted) = Self.badTests[index]
    let function = try ForeignFunctionTest(
      library: Self.library.get(), symbol: "weight", signature: "double(double loss, double eta)",
      arguments: [(key: "eta", value: .int(1))], trust: .tests)
    #expect(message { try function.run(test(inputs, expected)) }.hasSuffix("its test fails: \(wanted)"))
  }

  @Test func `a test gives one number for all samples and lists of one a sample`() throws {
    let function = try ForeignFunctionTest(
      library: Self.library.get(), symbol: "all_scalars",
      signature:
        "double(double loss, float clean_loss, double reference, int64_t step, int32_t index, uint8_t set, int64_t n, "
        + "double weight, int8_t shift)", arguments: [(key: "shift", value: .int(-3))], trust: .tests)
    let inputs: [(String, [Double])] = [
      ("loss", [1, 2]), ("clean_loss", [0.5, 0.25]), ("reference", [4]), ("step", [17]), ("index", [3, 1]),
      ("set", [2]),
    ]
    try function.run(test(inputs, [1 + 0.5 + 4 + 17 + 3 + 2 + 2 + 0.5 - 3, 2 + 0.25 + 4 + 17 + 1 + 2 + 2 + 0.5 - 3]))
    var list = inputs
    list[2] = ("reference", [4, 5])
    #expect(
      message { try function.run(test(list, [1, 2])) }.hasSuffix(
        "'reference' is one number for all samples and cannot be a list"))
    list = inputs
    list[5] = ("set", [300])
    #expect(message { try function.run(test(list, [1, 2])) }.hasSuffix("300.0 of 'set' does not fit uint8_t"))
  }

  // MARK: Metrics

  private func metric(
    _ symbol: String, _ signature: String, _ values: [(String, ParameterValue)] = [], classes: Int = 7
  ) throws -> FunctionMetric {
    try FunctionMetric(
      library: Self.library.get(), symbol: symbol, signature: signature,
      arguments: values.map { (key: $0.0, value: $0.1) }, classes: classes, trust: .tests)
  }

  private let columns = MeasuredColumns(
    set: .test, losses: [0.5, 1.5, 0], labels: [2, 0, 1], indices: [10, 20, 30], predictions: [2, 1, 1])

  @Test func `a metric is given the columns of its set by name`() throws {
    #expect(try metric("mean_loss", "double(int64_t n, const double *loss)").value(of: columns) == 2.0 / 3)
    let accuracy = try metric("right", "double(int32_t label, int64_t prediction)").value(of: columns)
    #expect(abs(accuracy - 200.0 / 3) < 1e-12)
    let signature =
      "int32_t(int64_t n, const float *loss, const int32_t *label, const int64_t *prediction, const double *confidence, "
      + "const int64_t *index, uint8_t set, int64_t classes, double shift)"
    let sum = 0.25 + 2 + 3 + 4 + exp(-0.5) + exp(-1.5) + 1 + 60 + 4000 + 70_000
    #expect(try metric("all_columns", signature, [("shift", .float(0.25))]).value(of: columns) == sum.rounded(.down))
  }

  @Test func `a metric that is not finite, void or of what a run has not is refused`() throws {
    #expect(
      message { _ = try metric("nothing", "double(int64_t n)").value(of: columns) }.contains("of the test set it gives")
    )
    #expect(
      message { _ = try metric("whole", "void(int64_t n, const float *loss)") }
        .hasSuffix("column 1: a metric gives a number back; it cannot be void"))
    #expect(
      message { _ = try metric("mean_loss", "double(int64_t n, const double *timestep)").value(of: columns) }
        .contains("argument 'timestep' is asked for, but a run of this kind has no such numbers"))
    #expect(
      message { _ = try metric("mean_loss", "double(const double *loss)") }.hasSuffix("argument 'n' is missing"))
    #expect(
      message { _ = try metric("mean_loss", "double(int64_t n, const double *loss, double label)") }
        .hasSuffix("argument 'label' is a number a sample and must be a pointer in the form for a whole batch"))
  }

  @Test func `a metric's test expects one number`() throws {
    let mean = try metric("mean_loss", "double(int64_t n, const double *loss)")
    try mean.run(test([("loss", [1, 2, 6])], [3]))
    #expect(
      message { try mean.run(test([("loss", [1, 2, 6])], [4])) }.hasSuffix(
        "its test fails: entry 0 is 3.0, 4.0 was expected"))
    #expect(
      message { try mean.run(test([("loss", [1, 2])], [1, 2])) }
        .hasSuffix("its test fails: 'expect' has 2 numbers, 1 would be right"))
  }
}
