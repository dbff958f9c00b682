extension LearningError {
  /// Messages about models that predict noise and the folders that they come in.
  var diffusionDescription: String {
    switch self {
    case .modelConfig(let path, let key, let value, let expected):
      "'\(key)' in '\(path)' is \(value); expected \(expected)"
    case .sampler(let setting, let value, let expected):
      "the sampler's '\(setting)' is \(value); expected \(expected)"
    case .diffusersFolder(let path, let reason): "'\(path)' \(reason)"
    case .weightsDisagree(let path, let config, let missing, let unexpected, let unlike):
      "'\(path)' does not fit '\(config)': "
        + [
          missing.isEmpty ? nil : "it lacks \(Self.some(missing, most: .max))",
          unexpected.isEmpty ? nil : "it has \(Self.some(unexpected, most: .max)) too many",
          unlike.isEmpty ? nil : "it has the shapes \(unlike.joined(separator: ", "))",
        ].compactMap(\.self).joined(separator: "; ") + "; expected the weights and the config of one network"
    case .notJSON(let path, let reason): "'\(path)' holds no JSON object: \(reason)"
    default: preconditionFailure("not an error of diffusion")
    }
  }
}
