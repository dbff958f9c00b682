import PluginHost

/// Whether the parameters of the manifest are those of the code.
extension StrategyProbe {
  func defaults() throws { try walk() }

  func bounds() throws {
    for parameter in handle.manifest.parameters {
      for value in parameter.extremes {
        let rig = try rig(Rig.Variant(parameters: [(parameter.key, value)]))
        defer { rig.destroy() }
        do {
          try rig.create()
        } catch {
          // A value may need another parameter beside it, one that else is not given.
          if let whole = try? self.rig(Rig.Variant(parameters: optional(but: parameter) + [(parameter.key, value)])),
            (try? whole.create()) != nil
          {
            whole.destroy()
            continue
          }
          report("create does not take \(value.text) for '\(parameter.key)', which the manifest allows: \(error)")
        }
      }
    }
  }

  /// Values for parameters that may be left out and have no default.
  private func optional(but parameter: ParameterManifest) -> [(key: String, value: ParameterValue)] {
    handle.manifest.parameters.filter { !$0.isRequired && $0.defaultValue == .none && $0.key != parameter.key }
      .map { (key: $0.key, value: $0.plausible) }
  }

  func tunable() throws {
    let tunable = handle.manifest.parameters.filter(\.isTunable)
    guard !tunable.isEmpty else { return skip("it has no tunable parameter") }
    for parameter in tunable {
      let rig = try ready()
      defer { rig.destroy() }
      _ = try rig.step()
      for value in parameter.extremes {
        try rig.instance?.retune(Rig.values(handle.manifest, [(parameter.key, value)]))
      }
      try rig.instance?.retune(Rig.values(handle.manifest))
      if role != .procedure { _ = try rig.step(1) }
    }
  }
}

extension ParameterManifest {
  /// The values at the edge of what the manifest allows.
  fileprivate var extremes: [ParameterValue] {
    switch type {
    case .bool: [.bool(false), .bool(true)]
    case .int: [minimum, maximum].compactMap { $0.flatMap { Int64(exactly: $0) } }.map(ParameterValue.int)
    case .float: [minimum, maximum].compactMap(\.self).map(ParameterValue.float)
    case .string: choices.map(ParameterValue.string)
    }
  }
}

extension ParameterValue {
  fileprivate var text: String {
    switch self {
    case .none: "nothing"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): "\(value)"
    case .string(let value): "'\(value)'"
    }
  }
}
