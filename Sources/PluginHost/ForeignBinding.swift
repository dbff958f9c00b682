/// What a plain C function is called for.
enum ForeignPurpose {
  /// A weight for each sample of a term.
  case weights
  /// A value and its derivative for each loss.
  case transform
  /// A number for a set.
  case metric

  /// The names that an argument can have.
  var names: [(name: String, binding: ForeignBinding)] {
    switch self {
    case .weights:
      [
        ("loss", .loss), ("clean_loss", .cleanLoss), ("reference", .reference), ("timestep", .timestep),
        ("step", .step), ("index", .index), ("set", .set), ("weight", .weight), ("n", .count),
      ]
    case .transform:
      [
        ("loss", .loss), ("clean_loss", .cleanLoss), ("reference", .reference), ("timestep", .timestep),
        ("step", .step), ("index", .index), ("set", .set), ("value", .value), ("derivative", .derivative),
        ("n", .count),
      ]
    case .metric:
      [
        ("loss", .loss), ("label", .label), ("prediction", .prediction), ("confidence", .confidence),
        ("timestep", .timestep), ("index", .index), ("set", .set), ("classes", .classes), ("n", .count),
      ]
    }
  }

  /// Whether a function is called once for all samples; else once a sample.
  func isWhole(_ signature: ForeignSignature) -> Bool {
    self == .metric ? signature.arguments.contains(where: \.isPointer) : signature.result == nil
  }

  /// What the form for all samples cannot do without, and what the other one.
  func needed(isWhole: Bool) -> [(name: String, binding: ForeignBinding)] {
    switch (self, isWhole) {
    case (.weights, true): [("n", .count), ("weight", .weight)]
    case (.transform, true): [("n", .count), ("loss", .loss), ("value", .value), ("derivative", .derivative)]
    case (.transform, false): [("loss", .loss)]
    case (.metric, true): [("n", .count)]
    case (.weights, false), (.metric, false): []
    }
  }
}

/// What an argument of a plain C function is given.
enum ForeignBinding: Hashable {
  // One number a sample.
  case loss, cleanLoss, timestep, index, label, prediction, confidence
  /// 1/n where it is read; where it is a pointer, what the function fills in.
  case weight
  /// What a transform fills in.
  case value, derivative
  // One number for all.
  case count, reference, step, set, classes
  /// A value given along.
  case given(Double)

  var isPerSample: Bool {
    switch self {
    case .loss, .cleanLoss, .timestep, .index, .label, .prediction, .confidence, .weight, .value, .derivative: true
    case .count, .reference, .step, .set, .classes, .given: false
    }
  }

  /// Whether the function writes it, in the form for all samples.
  func isOutput(isWhole: Bool) -> Bool { self == .value || self == .derivative || self == .weight && isWhole }

  /// What each argument of a signature is given.
  ///
  /// - Parameter values: by name, for arguments that the host does not give; each must be one.
  static func bind(
    _ signature: ForeignSignature, _ values: [(key: String, value: ParameterValue)], _ purpose: ForeignPurpose
  ) throws(FunctionProblem) -> [ForeignBinding] {
    let names = purpose.names
    for entry in values where names.contains(where: { $0.name == entry.key }) {
      throw .argument(name: entry.key, .fromHost)
    }
    for entry in values where !signature.arguments.contains(where: { $0.name == entry.key }) {
      throw .unusedValue(key: entry.key, arguments: signature.arguments.map(\.name))
    }
    let isWhole = purpose.isWhole(signature)
    var bindings: [ForeignBinding] = []
    for argument in signature.arguments {
      let binding = try binding(argument, values, names)
      if let problem = binding.problem(argument, isWhole: isWhole) {
        throw .argument(name: argument.name, problem)
      }
      bindings.append(binding)
    }
    for (name, binding) in purpose.needed(isWhole: isWhole) where !bindings.contains(binding) {
      throw .argument(name: name, .needed)
    }
    return bindings
  }

  private static func binding(
    _ argument: ForeignSignature.Argument, _ values: [(key: String, value: ParameterValue)],
    _ names: [(name: String, binding: ForeignBinding)]
  ) throws(FunctionProblem) -> ForeignBinding {
    if let known = names.first(where: { $0.name == argument.name }) { return known.binding }
    guard let value = values.last(where: { $0.key == argument.name })?.value else {
      throw .argument(name: argument.name, .unknown(known: names.map(\.name)))
    }
    let number: Double
    switch value {
    case .float(let value): number = value
    case .int(let value): number = Double(value)
    case .bool(let value): number = value ? 1 : 0
    case .string, .none: throw .argument(name: argument.name, .notANumber)
    }
    guard argument.type.holds(number) else {
      throw .argument(name: argument.name, .outOfRange(value: "\(number)", type: argument.type.rawValue))
    }
    return .given(number)
  }

  /// What is wrong with the argument's type.
  ///
  /// - Parameter isWhole: whether the function is called once for all samples.
  private func problem(_ argument: ForeignSignature.Argument, isWhole: Bool) -> FunctionArgumentProblem? {
    if !isWhole, isOutput(isWhole: false) { return .onlyWhole }
    if isPerSample, isWhole, !argument.isPointer { return .notPointer }
    if argument.isPointer, !(isPerSample && isWhole) { return .pointer }
    let isOutput = isOutput(isWhole: isWhole)
    if argument.isPointer, isOutput, argument.isConst { return .mustNotBeConst }
    if argument.isPointer, !isOutput, !argument.isConst { return .mustBeConst }
    switch self {
    case .loss, .cleanLoss, .confidence, .reference, .weight, .value, .derivative:
      return argument.type.isWhole ? .wrongType(wanted: "float or double") : nil
    case .timestep, .index, .count, .step, .label, .prediction, .classes:
      return argument.type.byteCount < 4 ? .wrongType(wanted: "of 32 or 64 bits") : nil
    case .set, .given: return nil
    }
  }
}
