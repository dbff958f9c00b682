import Foundation
import Tensors

extension DiffusersFolder {
  /// The `model_index.json` of a folder that had none.
  static let index = """
    {
      "_class_name": "DDPMPipeline",
      "_diffusers_version": "0.35.2",
      "scheduler": [
        "diffusers",
        "DDPMScheduler"
      ],
      "unet": [
        "diffusers",
        "UNet2DModel"
      ]
    }

    """

  /// The parts that a pipeline may have: a network of this kind and a scheduler, nothing that would be left out.
  static func check(index: String, _ path: String) throws(LearningError) {
    let reader = try ConfigReader(index, path)
    for key in reader.keys where !key.hasPrefix("_") && key != Name.unet && key != Name.scheduler {
      if case .array(let parts) = reader[key], parts.contains(where: { if case .string = $0 { true } else { false } }) {
        throw .diffusersFolder(
          path: path,
          reason: "names a part '\(key)'; expected a pipeline of '\(Name.unet)' and '\(Name.scheduler)' alone")
      }
    }
    guard case .array(let parts) = reader[Name.unet], case .string(let kind)? = parts.last, kind == "UNet2DModel" else {
      throw reader.refusal(Name.unet, "[\"diffusers\", \"UNet2DModel\"]")
    }
  }

  /// The file of weights in a network's folder.
  static func weights(of folder: String) throws(LearningError) -> String {
    let file = "\(folder)/\(Name.weights).safetensors"
    if FileManager.default.fileExists(atPath: file) { return file }
    if FileManager.default.fileExists(atPath: file + ".index.json") {
      throw .diffusersFolder(
        path: folder, reason: "has weights in several files; expected one, '\(Name.weights).safetensors'")
    }
    if FileManager.default.fileExists(atPath: "\(folder)/\(Name.weights).bin") {
      throw .diffusersFolder(
        path: folder,
        reason: "has its weights as a Python pickle, '\(Name.weights).bin', which is never opened; "
          + "'scripts/convert-checkpoint \(folder)/\(Name.weights).bin \(file)' makes a safetensors file of it")
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    if let variant = names.sorted().first(where: { $0.hasPrefix(Name.weights) && $0.hasSuffix(".safetensors") }) {
      throw .diffusersFolder(
        path: folder, reason: "has '\(variant)' only; rename it to '\(Name.weights).safetensors' to use it")
    }
    throw .missing(path: file, expected: "the weights that belong to '\(Name.config)'")
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// A file's text; nil where there is no file.
  static func text(_ path: String) throws(LearningError) -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let data: Data
    do { data = try Data(contentsOf: URL(filePath: path)) } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .notJSON(path: path, reason: "it is no UTF-8 text")
    }
    return text
  }

  static func makeFolder(_ path: String) throws(LearningError) {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw .unwritable(path: path, reason: error.localizedDescription)
    }
  }

  static func write(_ text: String, to path: String) throws(LearningError) {
    do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
      throw .unwritable(path: path, reason: error.localizedDescription)
    }
  }
}

extension NoiseSchedule {
  /// Reads a `scheduler_config.json`: what it says about noise, and the variance of ancestral sampling. What else it says of
  /// drawing images is the run's to say.
  ///
  /// - Throws: `LearningError.modelConfig` for a schedule or a kind of prediction that we do not have.
  init(diffusers json: String, from source: String) throws(LearningError) {
    let reader = try ConfigReader(json, source)
    let known = ["DDPMScheduler", "DDIMScheduler", "PNDMScheduler"]
    try reader.expect("_class_name", in: known, default: known[0])
    try reader.expect("prediction_type", in: ["epsilon"], default: "epsilon")
    try reader.expectNull("trained_betas", "null, with beta_schedule, beta_start and beta_end")
    for (key, wanted) in [("rescale_betas_zero_snr", false), ("predict_epsilon", true)]
    where try reader.bool(key, default: wanted) != wanted {
      throw reader.refusal(key, "\(wanted)")
    }
    try reader.expect("beta_schedule", in: ["linear", "scaled_linear"], default: "linear")
    let isScaled = try reader.text("beta_schedule") == "scaled_linear"
    let timesteps = try reader.whole("num_train_timesteps", from: 1, default: 1000)
    let start = try reader.number("beta_start", above: 0, below: 1, default: 1e-4)
    let end = try reader.number("beta_end", above: 0, below: 1, default: 0.02)
    guard start <= end else { throw reader.refusal("beta_end", "at least beta_start, which is \(start)") }
    // `fixed_small_log` says the same as `fixed_small` by way of a logarithm.
    let variances = Variance.allCases.map(\.rawValue) + ["fixed_small_log"]
    try reader.expect("variance_type", in: variances, default: Variance.small.rawValue)
    let variance = try reader.text("variance_type").flatMap(Variance.init) ?? .small
    self.init(
      shape: isScaled ? .scaledLinear : .linear, timesteps: timesteps, betaStart: start, betaEnd: end,
      variance: variance)
  }

  /// The `scheduler_config.json` of a network of our own, as diffusers 0.35.2 writes it.
  var diffusersConfig: String {
    """
    {
      "_class_name": "DDPMScheduler",
      "_diffusers_version": "0.35.2",
      "beta_end": \(betaEnd),
      "beta_schedule": "\(shape == .linear ? "linear" : "scaled_linear")",
      "beta_start": \(betaStart),
      "clip_sample": true,
      "clip_sample_range": 1.0,
      "dynamic_thresholding_ratio": 0.995,
      "num_train_timesteps": \(timesteps),
      "prediction_type": "epsilon",
      "rescale_betas_zero_snr": false,
      "sample_max_value": 1.0,
      "steps_offset": 0,
      "thresholding": false,
      "timestep_spacing": "leading",
      "trained_betas": null,
      "variance_type": "\(variance.rawValue)"
    }

    """
  }
}
