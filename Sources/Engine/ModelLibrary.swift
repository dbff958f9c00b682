import Foundation
import Learning
import Runs
import Tensors

/// Finds, loads or trains the original and the retrained model, and keeps trained ones for every run with the same key
/// (decision 0062).
struct ModelLibrary {
  let plan: RunPlan
  /// What the models' losses are.
  let task: any RunTask
  let data: PreparedData
  let device: Device
  /// The folder of trained models.
  let cache: URL
  let cancel: CancelFlag
  let reporter: Reporter

  /// A model with first weights, drawn from a seed.
  static func blank(_ plan: RunPlan, _ data: PreparedData, _ device: Device, seed: UInt64) throws -> TrainableModel {
    let normalisation = Normalisation(mean: data.mean, standardDeviation: data.standardDeviation)
    let shape = [data.train.channels, data.train.height, data.train.width]
    switch plan.model {
    case .cnn(let channels):
      return try ImageClassifier.smallCNN(
        channels: channels, inputShape: shape, classes: data.classNames.count, normalisation: normalisation,
        seed: seed, device: device, channelsLast: plan.channelsLast)
    case .resnet18(let width):
      return try ImageClassifier.resNet18(
        width: width, inputShape: shape, classes: data.classNames.count, normalisation: normalisation,
        seed: seed, device: device, channelsLast: plan.channelsLast)
    case .vgg16(let form, let width):
      return try ImageClassifier.vgg16(
        form == .threeLinear ? .threeLinear : .globalAverage, width: width, inputShape: shape,
        classes: data.classNames.count, normalisation: normalisation, seed: seed, device: device,
        channelsLast: plan.channelsLast)
    case .unet(let unet):
      return try Denoiser.unet(
        try unet.config(inputShape: shape, classes: data.classNames.count), seed: seed, device: device,
        channelsLast: plan.channelsLast)
    case .unetFolder(let folder):
      return try Denoiser.unet(
        DiffusersFolder.read(folder).config, seed: seed, device: device, channelsLast: plan.channelsLast)
    case .conditionalUNet(let unet):
      return try Denoiser.conditionalUNet(
        ConditionalUNetConfig(
          channels: shape[0], size: shape[1], width: unet.width, multipliers: unet.multipliers, layers: unet.layers,
          attending: unet.attention, dropout: unet.dropout, classes: data.classNames.count),
        seed: seed, device: device, channelsLast: plan.channelsLast)
    }
  }

  /// A model with the weights of a file, or of the folder of diffusers that the recipe names.
  func loaded(_ file: String) throws -> TrainableModel {
    if case .unetFolder(let folder) = plan.model, file == folder {
      return try DiffusersFolder.read(folder).load(device: device, channelsLast: plan.channelsLast)
    }
    let model = try ModelLibrary.blank(plan, data, device, seed: 0)
    try model.load(file: file)
    return model
  }

  /// The model of a source, and whether an earlier run made it; nil for `none`.
  func model(_ source: ModelSource, key: String?, positions: [Int32], phase: Phase) throws -> (
    model: TrainableModel, cached: Bool
  )? {
    switch source {
    case .none: return nil
    case .weights(let file): return (try loaded(file), true)
    case .train(let training):
      guard let key else { preconditionFailure("a model that is trained has a key") }
      let name = try ModelLibrary.name(of: key, trainedOn: positions)
      let file = cache.appendingPathComponent("\(name).safetensors")
      if FileManager.default.fileExists(atPath: file.path) { return (try loaded(file.path), true) }
      try makeFolder(cache)
      let model = try ModelLibrary.blank(plan, data, device, seed: training.seed)
      let partial = cache.appendingPathComponent("\(name).partial.safetensors")
      try Trainer(
        plan: plan, task: task, training: training, model: model, data: data, positions: positions, phase: phase,
        partial: partial, cancel: cancel, reporter: reporter,
        recorder: plan.stepRecorder(on: device)
      ).train()
      try model.save(file: file.path, metadata: ["made-by": "lethe", "phase": phase.rawValue])
      return (model, false)
    }
  }
}

extension ModelLibrary {
  /// What a trained model's file is called in the cache, without its ending.
  ///
  /// - Parameter positions: what it is trained on, in rising order.
  static func name(of key: String, trainedOn positions: [Int32]) throws -> String {
    let samples = digest(positions.map(String.init).joined(separator: "\n"))
    return digest("lethe-model-2\n\(try TorchRuntime.shared().version)\n\(samples)\n\(key)")
  }
}

/// SHA-256 of a text, in hexadecimal.
func digest(_ text: String) -> String {
  var hash = SHA256()
  hash.update(Array(text.utf8))
  return hash.hexadecimal()
}

/// Makes a folder and those above it.
func makeFolder(_ folder: URL) throws(EngineError) {
  do {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  } catch {
    throw .cannotWrite(path: folder.path, reason: reason(of: error))
  }
}

/// `$LETHE_CACHE`, else `lethe` in the user's cache folder.
func cacheFolder(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> URL {
  if let folder = environment["LETHE_CACHE"], !folder.isEmpty { return URL(fileURLWithPath: folder) }
  let home = environment["HOME"].map { URL(fileURLWithPath: $0) } ?? FileManager.default.homeDirectoryForCurrentUser
  let base = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(fileURLWithPath: $0) }
  return (base ?? home.appendingPathComponent(".cache")).appendingPathComponent("lethe")
}
