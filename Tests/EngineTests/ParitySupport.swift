import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// A file that scripts/reference/unlearning.py or baselines.py wrote: its settings, and tensors by name.
struct ReferenceFile {
  /// What the reference was made with.
  struct Settings: Decodable {
    let seed, permutationSeed: UInt64
    let classes, width, batch: Int
    let mean, deviation, learningRate, momentum, weightDecay, keep, etaForget, etaRetain: Double
    let forget, retain: [Int]
    let parameters, statistics: [String]
    /// Keys of `pipeline`, one a line, where the file says them.
    let pipeline: [String]?
    /// The run's epochs where there is more than one.
    let epochs: Int?
  }

  let settings: Settings
  private let file: SafeTensors

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Unlearning")

  init(_ name: String) throws {
    file = try SafeTensors.read(ReferenceFile.path(name))
    let about = try #require(file.metadata["about"])
    settings = try JSONDecoder().decode(Settings.self, from: Data(about.utf8))
  }

  static func path(_ name: String) -> String { folder.appendingPathComponent("\(name).safetensors").path }

  subscript(name: String) -> Tensor {
    get throws { try #require(file[name], "the reference has no '\(name)'") }
  }

  /// A tensor as numbers.
  func numbers(_ name: String) throws -> [Double] { try self[name].to(.float64).doubles() }
}

/// The two trajectories of the reference.
enum ReferenceMethod: String, CaseIterable {
  case salun, loreun

  /// The keys of `pipeline` beside the objective.
  func parts(_ settings: ReferenceFile.Settings) -> String {
    switch self {
    case .salun: "mask: {plugin: salun, keep: \(settings.keep)}"
    case .loreun: "reweighter: {plugin: loreun, eta_forget: \(settings.etaForget), eta_retain: \(settings.etaRetain)}"
    }
  }
}

/// The arithmetic of a trajectory, with how far two libraries may lie apart in it.
enum ReferencePrecision: String, CaseIterable {
  case fp64, fp32

  var dtype: DType { self == .fp64 ? .float64 : .float32 }
  /// Relative to the largest number of a tensor. Sums in another order cost a few units in the last place, which five
  /// steps enlarge; fp32 and fp64 of the reference itself lie 4e-6 apart.
  var tolerance: Double { self == .fp64 ? 1e-10 : 1e-5 }
}

/// The largest difference between two lists, relative to the largest number of the second.
func relativeError(_ found: [Double], _ expected: [Double]) throws -> Double {
  try #require(found.count == expected.count)
  let scale = try #require(expected.map(\.magnitude).max())
  let worst = zip(found, expected).map { ($0 - $1).magnitude }.max() ?? 0
  return worst.isNaN ? .infinity : worst / scale
}

/// The reference's data and classifier as a run of the engine has them, in a folder of its own.
final class ParityRun {
  let reference: ReferenceFile
  let folder: RunFolder
  let plan: RunPlan
  let cancel = CancelFlag()
  private let home: URL
  /// After each step: `model.…` by name, as the checkpoint has it.
  private(set) var saved: [Checkpoint] = []
  /// What the last step said of itself.
  private(set) var losses: StepLosses?

  /// - Parameters:
  ///   - file: the reference's file.
  ///   - pipeline: keys of `pipeline`, one a line.
  init(_ file: String, pipeline: [String], channelsLast: Bool = false) throws {
    reference = try ReferenceFile(file)
    let settings = reference.settings
    home = FileManager.default.temporaryDirectory.appendingPathComponent("parity-\(UUID().uuidString)")
    folder = RunFolder(url: home.appendingPathComponent("run"))
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    try ParityRun.writeImages(to: home)
    let indices = home.appendingPathComponent("forget.json")
    try JSONEncoder().encode(settings.forget).write(to: indices)
    let recipe = """
      seed: \(settings.seed)
      threads: 1
      channels_last: \(channelsLast)
      data:
        source: idx
        path: \(home.path)
        permutation_seed: \(settings.permutationSeed)
        validation: 0
        normalise: {mean: [\(settings.mean)], std: [\(settings.deviation)]}
      forget: {indices: \(indices.path)}
      model: {name: resnet18, width: \(settings.width)}
      base: {weights: \(ReferenceFile.path("original"))}
      retrained: none
      pipeline:
        epochs: \(settings.epochs ?? 1)
        batch: \(settings.batch)
        optimizer:
          learning_rate: \(settings.learningRate)
          momentum: \(settings.momentum)
          weight_decay: \(settings.weightDecay)
        \(pipeline.joined(separator: "\n  "))
      evaluate: {sets: [forget, retain], metrics: [loss]}
      checkpoint: {every: 1 steps}
      """
    let config = RunConfig(file: "parity.yaml", folder: home.path, text: recipe)
    plan = try RunPlan.resolve(config, catalog: PartCatalog.discover(folders: []), environment: .process)
  }

  deinit { try? FileManager.default.removeItem(at: home) }

  /// The four files of the IDX format.
  private static func writeImages(to folder: URL) throws {
    let data = try ReferenceFile("data")
    for (part, name) in [("train", "train"), ("test", "t10k")] {
      let (images, labels) = (try data["\(part).images"], try data["\(part).labels"])
      func big(_ numbers: [Int]) -> [UInt8] {
        numbers.flatMap { number in (0..<4).map { UInt8(number >> (24 - 8 * $0) & 255) } }
      }
      let header = big([0x803, images.shape[0], images.shape[2], images.shape[3]])
      try Data(header + images.uint8s()).write(to: folder.appendingPathComponent("\(name)-images-idx3-ubyte"))
      try Data(big([0x801, labels.count]) + labels.uint8s())
        .write(to: folder.appendingPathComponent("\(name)-labels-idx1-ubyte"))
    }
  }

  /// Keeps the state after each step. To be handed to the engine.
  func sink(_ event: RunEvent) {
    switch event.what {
    case .checkpointed: saved += (try? [Checkpoint(reading: folder.checkpoint)]) ?? []
    case .stepLosses(let step): losses = step
    default: break
    }
  }

  /// The original classifier in another type.
  func original(_ dtype: DType) throws -> ImageClassifier {
    let settings = reference.settings
    let model = try ImageClassifier.resNet18(
      width: settings.width, inputShape: [1, 12, 12], classes: settings.classes,
      normalisation: Normalisation(mean: [settings.mean], standardDeviation: [settings.deviation]), seed: 0,
      channelsLast: plan.channelsLast, dtype: dtype)
    try model.load(file: ReferenceFile.path("original"))
    return model
  }

  /// What runs share, the original classifier in this type.
  func shared(_ dtype: DType, _ reporter: Reporter) throws -> Workbench.Shared {
    let made = try Workbench().prepare(plan, cancel: cancel, reporter: reporter) { _ in }
    return Workbench.Shared(
      key: made.key, device: made.device, data: made.data, task: made.task, original: try original(dtype),
      retrained: nil)
  }

  /// The tensors of these names in the state after a step, one after the other; steps count from 1.
  func numbers(after step: Int, _ prefix: String, _ names: [String]) throws -> [Double] {
    try #require(saved.count >= step, "only \(saved.count) steps left a checkpoint")
    let tensors = Dictionary(uniqueKeysWithValues: saved[step - 1].tensors)
    return try names.flatMap { try #require(tensors["\(prefix)\($0)"]).to(.float64).doubles() }
  }
}
