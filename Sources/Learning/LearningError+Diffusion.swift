extension LearningError {
  /// Messages about models that predict noise and the folders that they come in.
  var diffusionDescription: String {
    switch self {
    case .modelConfig(let path, let key, let value, let expected):
      "'\(key)' in '\(path)' is \(value); expected \(expected)"
    case .notJSON(let path, let reason): "'\(path)' holds no JSON object: \(reason)"
    default: preconditionFailure("not an error of diffusion")
    }
  }
}
