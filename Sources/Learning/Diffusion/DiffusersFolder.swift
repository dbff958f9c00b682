import Foundation
package import Tensors

/// A denoising network in the folder that diffusers' pipelines save and load:
///
/// - `model_index.json`: which parts there are;
/// - `unet/config.json` and `unet/diffusion_pytorch_model.safetensors`: the network;
/// - `scheduler/scheduler_config.json`: its noise schedule.
///
/// Older folders have the files of `unet` and `scheduler` beside `model_index.json`; a folder that holds a network alone is
/// read too, and says nothing of the schedule. Every JSON text is kept as it was, unknown keys included, and written back.
package struct DiffusersFolder: Sendable {
  /// The network.
  package let config: UNetConfig
  /// The noise that it was trained with; nil where the folder does not say.
  package let schedule: NoiseSchedule?
  /// The file with the weights; nil for a folder that was not read.
  package let weights: String?
  /// The file with the network's config; what messages about it name.
  let configPath: String
  private let modelIndex: String
  private let schedulerConfig: String?
  /// Texts about the file of weights.
  private let metadata: [String: String]

  enum Name {
    static let index = "model_index.json"
    static let unet = "unet"
    static let config = "config.json"
    static let weights = "diffusion_pytorch_model"
    static let scheduler = "scheduler"
    static let schedulerConfig = "scheduler_config.json"
  }

  /// The folder of a network of our own, to be written.
  package init(config: UNetConfig, schedule: NoiseSchedule) {
    self.config = config
    self.schedule = schedule
    weights = nil
    configPath = Name.config
    modelIndex = Self.index
    schedulerConfig = schedule.diffusersConfig
    metadata = [:]
  }

  private init(
    config: UNetConfig, schedule: NoiseSchedule?, weights: String, configPath: String, modelIndex: String,
    schedulerConfig: String?, metadata: [String: String]
  ) {
    self.config = config
    self.schedule = schedule
    self.weights = weights
    self.configPath = configPath
    self.modelIndex = modelIndex
    self.schedulerConfig = schedulerConfig
    self.metadata = metadata
  }

  /// Reads what a folder says, and the header of its weights, which are compared with the config by `load`.
  ///
  /// - Throws: `LearningError.missing`, `.unreadable`, `.notJSON`, `.modelConfig`, `.diffusersFolder`; `TensorError`.
  package static func read(_ path: String) throws -> DiffusersFolder {
    guard isFolder(path) else {
      let what = "a folder as diffusers saves it: \(Name.index), \(Name.unet)/ and \(Name.scheduler)/"
      guard FileManager.default.fileExists(atPath: path) else {
        throw LearningError.missing(path: path, expected: what)
      }
      throw LearningError.diffusersFolder(path: path, reason: "is a file; expected \(what)")
    }
    let index = try text(path + "/" + Name.index)
    if let index { try check(index: index, path + "/" + Name.index) }
    let part = isFolder(path + "/" + Name.unet) ? path + "/" + Name.unet : path
    let configPath = part + "/" + Name.config
    guard let configText = try text(configPath) else {
      throw LearningError.missing(path: configPath, expected: "the config of a UNet2DModel")
    }
    let config = try UNetConfig(json: configText, from: configPath)
    let weights = try weights(of: part)
    var schedule: NoiseSchedule?
    var schedulerConfig: String?
    for place in ["\(path)/\(Name.scheduler)/\(Name.schedulerConfig)", "\(path)/\(Name.schedulerConfig)"] {
      guard schedulerConfig == nil, let found = try text(place) else { continue }
      schedulerConfig = found
      schedule = try NoiseSchedule(diffusers: found, from: place)
    }
    if index != nil, schedule == nil {
      throw LearningError.missing(
        path: "\(path)/\(Name.scheduler)/\(Name.schedulerConfig)",
        expected: "the scheduler that '\(Name.index)' names")
    }
    return DiffusersFolder(
      config: config, schedule: schedule, weights: weights, configPath: configPath, modelIndex: index ?? Self.index,
      schedulerConfig: schedulerConfig, metadata: try SafeTensors.header(weights).metadata)
  }

  /// Builds the network and gives it the folder's weights.
  ///
  /// - Throws: `LearningError.weightsDisagree` with every name that config and weights do not share; `TensorError`.
  package func load(
    device: Device = .cpu, channelsLast: Bool = false, dtype: DType = .float32
  ) throws -> Denoiser {
    guard let weights else { preconditionFailure("only a folder that was read has weights") }
    // Its first weights are overwritten, whatever they are.
    let model = try Denoiser.unet(config, seed: 0, device: device, channelsLast: channelsLast, dtype: dtype)
    try compare(model, weights)
    let found = try SafeTensors.read(weights).tensors.map { (name: Self.current($0.name), tensor: $0.tensor) }
    try model.load(found, from: weights)
    return model
  }

  /// Writes a network with this folder's texts, in diffusers' present layout and names. The weights come last, so that
  /// a folder that has them is whole.
  ///
  /// - Precondition: the model is of this folder's config.
  /// - Throws: `LearningError.unwritable`; `TensorError`.
  package func write(_ model: Denoiser, to path: String) throws {
    let unet = "\(path)/\(Name.unet)"
    try Self.makeFolder(unet)
    try Self.write(config.json, to: "\(unet)/\(Name.config)")
    if let schedulerConfig {
      try Self.makeFolder("\(path)/\(Name.scheduler)")
      try Self.write(schedulerConfig, to: "\(path)/\(Name.scheduler)/\(Name.schedulerConfig)")
      try Self.write(modelIndex, to: "\(path)/\(Name.index)")
    }
    try SafeTensors.write(
      model.state, metadata: ["format": "pt"].merging(metadata) { _, kept in kept },
      to: "\(unet)/\(Name.weights).safetensors")
  }

  /// Every name and shape of the file is the model's, and the other way round.
  private func compare(_ model: Denoiser, _ weights: String) throws {
    let entries = try SafeTensors.header(weights).entries
    var shapes: [String: [Int]] = [:]
    for entry in entries { shapes[Self.current(entry.name)] = entry.shape }
    let missing = model.state.map(\.name).filter { shapes[$0] == nil }
    let known = Set(model.state.map(\.name))
    let unexpected = entries.map(\.name).filter { !known.contains(Self.current($0)) }
    let unlike = model.state.compactMap { name, tensor in
      shapes[name].flatMap { $0 == tensor.shape ? nil : "'\(name)' \($0) for \(tensor.shape)" }
    }
    guard missing.isEmpty, unexpected.isEmpty, unlike.isEmpty else {
      throw LearningError.weightsDisagree(
        path: weights, config: configPath, missing: missing, unexpected: unexpected, unlike: unlike)
    }
  }

  /// The present name of a weight; attention layers had others once.
  static func current(_ name: String) -> String {
    guard name.contains("attentions.") else { return name }
    for (old, new) in [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")] {
      for kind in ["weight", "bias"] where name.hasSuffix(".\(old).\(kind)") {
        return name.dropLast(old.count + kind.count + 1) + "\(new).\(kind)"
      }
    }
    return name
  }
}
