/// What an argument of a plain C function is given.
enum ForeignBinding: Equatable {
  // One number a sample.
  case loss, cleanLoss, timestep, index
  /// 1/n where it is read; where it is a pointer, what the function fills in.
  case weight
  // One number for all.
  case count, reference, step, set
  /// A value given along.
  case value(Double)

  private static let names: [(name: String, binding: ForeignBinding)] = [
    ("loss", .loss), ("clean_loss", .cleanLoss), ("reference", .reference), ("timestep", .timestep), ("step", .step),
    ("index", .index), ("set", .set), ("weight", .weight), ("n", .count),
  ]

  private var isPerSample: Bool {
    switch self {
    case .loss, .cleanLoss, .timestep, .index, .weight: true
    case .count, .reference, .step, .set, .value: false
    }
  }

  /// What each argument of a signature is given.
  ///
  /// - Parameter values: by name, for arguments that the host does not give; each must be one.
  static func bind(
    _ signature: ForeignSignature, _ values: [(key: String, value: ParameterValue)]
  ) throws(FunctionProblem) -> [ForeignBinding] {
    for entry in values where names.contains(where: { $0.name == entry.key }) {
      throw .argument(name: entry.key, .fromHost)
    }
    for entry in values where !signature.arguments.contains(where: { $0.name == entry.key }) {
      throw .unusedValue(key: entry.key, arguments: signature.arguments.map(\.name))
    }
    var bindings: [ForeignBinding] = []
    for argument in signature.arguments {
      let binding = try binding(argument, values)
      if let problem = binding.problem(argument, isWhole: signature.result == nil) {
        throw .argument(name: argument.name, problem)
      }
      bindings.append(binding)
    }
    guard signature.result == nil else { return bindings }
    for (name, binding) in [("n", ForeignBinding.count), ("weight", .weight)] where !bindings.contains(binding) {
      throw .argument(name: name, .needed)
    }
    return bindings
  }

  private static func binding(
    _ argument: ForeignSignature.Argument, _ values: [(key: String, value: ParameterValue)]
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
    return .value(number)
  }

  /// What is wrong with the argument's type.
  ///
  /// - Parameter isWhole: whether the function is called once for all samples.
  private func problem(_ argument: ForeignSignature.Argument, isWhole: Bool) -> FunctionArgumentProblem? {
    if isPerSample, isWhole, !argument.isPointer { return .notPointer }
    if argument.isPointer, !(isPerSample && isWhole) { return .pointer }
    if argument.isPointer, self == .weight, argument.isConst { return .mustNotBeConst }
    if argument.isPointer, self != .weight, !argument.isConst { return .mustBeConst }
    switch self {
    case .loss, .cleanLoss, .reference, .weight:
      return argument.type.isWhole ? .wrongType(wanted: "float or double") : nil
    case .timestep, .index, .count, .step:
      return argument.type.byteCount < 4 ? .wrongType(wanted: "of 32 or 64 bits") : nil
    case .set, .value: return nil
    }
  }
}
