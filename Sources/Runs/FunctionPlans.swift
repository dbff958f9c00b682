/// What a plain C function has to give for some input.
package struct FunctionTestPlan: Sendable, Equatable, Codable {
  /// Numbers by argument, in the order written.
  package var inputs: [Column]
  /// What it has to give.
  package var expected: [Double]
  /// How far it may be off, relative to what is expected where that is above 1.
  package var tolerance: Double

  /// What an argument is given: one number for all samples, or one a sample.
  package struct Column: Sendable, Equatable {
    package var name: String
    package var values: [Double]

    /// Makes a column of its two halves.
    package init(_ name: String, _ values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  private static let expectKey = AnyKey("expect")
  private static let toleranceKey = AnyKey("tolerance")

  /// Makes a test of its three values.
  package init(inputs: [Column], expected: [Double], tolerance: Double) {
    self.inputs = inputs
    self.expected = expected
    self.tolerance = tolerance
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    inputs = []
    for key in container.allKeys where key.stringValue != "expect" && key.stringValue != "tolerance" {
      inputs.append(Column(key.stringValue, try container.decode([Double].self, forKey: key)))
    }
    expected = try container.decode([Double].self, forKey: Self.expectKey)
    tolerance = try container.decode(Double.self, forKey: Self.toleranceKey)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    for column in inputs { try container.encode(column.values, forKey: AnyKey(column.name)) }
    try container.encode(expected, forKey: Self.expectKey)
    try container.encode(tolerance, forKey: Self.toleranceKey)
  }
}

/// The sets whose losses a transform maps.
package enum TransformedSets: String, Sendable, Codable, CaseIterable {
  case forget, retain, both
}

/// A plain C function that maps each loss, with its derivative.
package struct TransformPlan: Sendable, Equatable, Codable {
  /// The shared library, absolute.
  package var library: String
  /// The function's name.
  package var symbol: String
  /// The function of the derivative; nil in the form for all samples.
  package var derivative: String?
  /// The C prototype of both without a name.
  package var signature: String
  /// Values for arguments that the host does not give, in the order written.
  package var arguments: Parameters
  /// The sets whose losses it maps.
  package var apply: TransformedSets
  /// What it has to give for some losses.
  package var test: FunctionTestPlan

  enum CodingKeys: String, CodingKey {
    case library, symbol, derivative, signature
    case arguments = "args"
    case apply, test
  }
}

/// A plain C function as metric.
package struct MetricFunctionPlan: Sendable, Equatable, Codable {
  /// The shared library, absolute.
  package var library: String
  /// The function's name.
  package var symbol: String
  /// Its C prototype without a name.
  package var signature: String
  /// Values for arguments that the host does not give, in the order written.
  package var arguments: Parameters
  /// What reports call the number.
  package var name: String
  /// Its unit, or empty.
  package var unit: String
  /// Which way is good.
  package var direction: MetricDirection
  /// The sets it is a number of.
  package var sets: [SampleSet]
  /// What it has to give for some input; nil for no test.
  package var test: FunctionTestPlan?

  enum CodingKeys: String, CodingKey {
    case library, symbol, signature
    case arguments = "args"
    case name, unit, direction, sets, test
  }
}

/// A metric that does not come with the host.
package enum MetricPlan: Sendable, Equatable, Codable {
  /// A plugin.
  case part(PartPlan)
  /// A plain C function.
  case function(MetricFunctionPlan)

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    if container.contains(AnyKey("library")) {
      self = .function(try MetricFunctionPlan(from: decoder))
    } else {
      self = .part(try PartPlan(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .part(let part): try part.encode(to: encoder)
    case .function(let function): try function.encode(to: encoder)
    }
  }
}
