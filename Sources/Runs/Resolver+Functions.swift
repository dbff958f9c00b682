/// Plain C functions, and the metrics that plugins and functions bring.
extension Resolver {
  /// What every function has.
  private struct Function {
    let library, symbol, signature: String
    let arguments: Parameters
  }

  private func function(_ section: SectionReader) throws(RunError) -> Function {
    func required(_ name: String, _ hint: String) throws(RunError) -> String {
      guard let text = try section.string(name) else {
        throw .missing(section.place, key: section.name(name), hint: hint)
      }
      return text
    }
    _ = try required("library", "it names the shared library of the function")
    let symbol = try required("symbol", "it names the function")
    let signature = try required("signature", "it is the function's C prototype, \"double(double loss)\"")
    let arguments = try section.section("args", nil)
    var parameters: [Parameter] = []
    for entry in arguments.entries {
      switch entry.value.content {
      case .scalar(.int(let value)): parameters.append(Parameter(entry.key, .int(value)))
      case .scalar(.float(let value)): parameters.append(Parameter(entry.key, .float(value)))
      default:
        throw .wrongType(
          entry.value.place, key: arguments.name(entry.key), expected: "a number", found: entry.value.words)
      }
    }
    guard let library = try path(section, "library") else { preconditionFailure("the library was read above") }
    return Function(library: library, symbol: symbol, signature: signature, arguments: Parameters(parameters))
  }

  /// A strategy or a plain C function.
  func reweighter(_ written: Written, _ key: String) throws(RunError) -> ReweighterPlan {
    guard written["library"] != nil || written["symbol"] != nil else {
      return .part(try part(written, key, .reweighter))
    }
    let section = try SectionReader(written, path: key, in: .function, missingAt: written.place)
    let function = try function(section)
    return .function(
      FunctionPlan(
        library: function.library, symbol: function.symbol, signature: function.signature,
        arguments: function.arguments,
        normalise: try section.choice("normalise", FunctionNormalisation.self) ?? .batch, test: try test(section)))
  }

  /// What each loss is mapped to; nil where nothing is said.
  func transform(_ pipeline: SectionReader) throws(RunError) -> TransformPlan? {
    guard pipeline["transform"] != nil else { return nil }
    let section = try pipeline.section("transform", .transform)
    let function = try function(section)
    guard let test = try test(section) else {
      throw .missing(
        section.place, key: section.name("test"),
        hint: "it has some losses and what they are mapped to; the derivative is compared with differences there")
    }
    return TransformPlan(
      library: function.library, symbol: function.symbol, derivative: try section.string("derivative"),
      signature: function.signature, arguments: function.arguments,
      apply: try section.choice("apply", TransformedSets.self) ?? .both, test: test)
  }

  /// The test of a function; nil for none.
  private func test(_ function: SectionReader) throws(RunError) -> FunctionTestPlan? {
    guard function["test"] != nil else { return nil }
    let section = try function.section("test", nil)
    func values(_ written: Written, _ key: String) throws(RunError) -> [Double] {
      if case .list(let items) = written.content {
        var values: [Double] = []
        for item in items { values.append(try section.double(item, key, "a finite number") { _ in true }) }
        return values
      }
      return [try section.double(written, key, "a finite number") { _ in true }]
    }
    guard let expected = section["expect"] else {
      throw .missing(section.place, key: section.name("expect"), hint: "it is what the function has to give")
    }
    let wanted = try values(expected, "expect")
    guard !wanted.isEmpty else {
      throw .wrongType(
        expected.place, key: section.name("expect"), expected: "a number or a list of numbers", found: "an empty list")
    }
    var inputs: [FunctionTestPlan.Column] = []
    for entry in section.entries where entry.key != "expect" && entry.key != "tolerance" {
      inputs.append(FunctionTestPlan.Column(entry.key, try values(entry.value, entry.key)))
    }
    return FunctionTestPlan(
      inputs: inputs, expected: wanted, tolerance: try section.double("tolerance", "at least 0") { $0 >= 0 } ?? 1e-5)
  }

  /// The metrics of `evaluate.plugins`; nil for none.
  func plugins(
    _ evaluate: SectionReader, _ sets: [SampleSet], hasRetrained: Bool
  ) throws(RunError) -> [MetricPlan]? {
    guard let items = try evaluate.list("plugins", of: "metrics of plugins") else { return nil }
    var plans: [MetricPlan] = []
    for item in items {
      let key = evaluate.name("plugins")
      let plan: MetricPlan =
        if item["library"] != nil || item["symbol"] != nil {
          .function(try metricFunction(item, key, sets))
        } else { .part(try metric(item, key, sets, hasRetrained: hasRetrained)) }
      guard !plans.contains(plan) else {
        throw .twice(item.place, key: key, value: plan.text)
      }
      plans.append(plan)
    }
    return plans.isEmpty ? nil : plans
  }

  private func metric(
    _ written: Written, _ key: String, _ sets: [SampleSet], hasRetrained: Bool
  ) throws(RunError) -> PartPlan {
    let part = try part(written, key, .metric)
    guard let descriptor = catalog[part.id] else { return part }
    if descriptor.models.contains("retrained"), !hasRetrained {
      throw .needs(
        written.place, what: "the metric '\(part.id)'", need: "a retrained model; the recipe says 'retrained: none'")
    }
    if let set = descriptor.sets.first(where: { name in !sets.contains { $0.rawValue == name } }) {
      throw .needs(
        written.place, what: "the metric '\(part.id)'", need: "the \(set) set, which 'evaluate.sets' leaves out")
    }
    return part
  }

  private func metricFunction(
    _ written: Written, _ key: String, _ sets: [SampleSet]
  ) throws(RunError) -> MetricFunctionPlan {
    let section = try SectionReader(written, path: key, in: .metricFunction, missingAt: written.place)
    let function = try function(section)
    let name = try section.string("name") ?? function.symbol
    guard name.isMetricName else {
      guard let given = section["name"] else {
        throw .missing(
          written.place, key: section.name("name"), hint: "the symbol '\(name)' does not look like [a-z][a-z0-9_-]*")
      }
      throw .wrongType(
        given.place, key: section.name("name"), expected: "[a-z][a-z0-9_-]*, at most 64 letters", found: given.words)
    }
    var own: [SampleSet] = []
    for item in try section.list("sets", of: "sets") ?? [] {
      let set = try section.choice(item, "sets", SampleSet.self)
      guard sets.contains(set) else {
        throw .needs(
          item.place, what: "the metric '\(name)'", need: "the \(set.rawValue) set, which 'evaluate.sets' leaves out")
      }
      guard !own.contains(set) else { throw .twice(item.place, key: section.name("sets"), value: set.rawValue) }
      own.append(set)
    }
    return MetricFunctionPlan(
      library: function.library, symbol: function.symbol, signature: function.signature,
      arguments: function.arguments, name: name, unit: try section.string("unit") ?? "",
      direction: try section.choice("direction", MetricDirection.self) ?? .neutral, sets: own.isEmpty ? sets : own,
      test: try test(section))
  }
}

extension MetricPlan {
  /// The strategy's id, or the function's name.
  package var text: String {
    switch self {
    case .part(let part): part.id
    case .function(let function): function.name
    }
  }
}

extension String {
  /// Whether it looks like `[a-z][a-z0-9_-]*`, at most 64 bytes.
  fileprivate var isMetricName: Bool {
    func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    func isOther(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
    guard let first = utf8.first, isLower(first), utf8.count <= 64 else { return false }
    return utf8.allSatisfy { isLower($0) || isOther($0) }
  }
}
