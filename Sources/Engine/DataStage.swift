import Foundation
import Learning
import Runs
import Tensors

/// The data of a run on its device: images as bytes, the split, the order of each set.
final class PreparedData {
  /// Training images, in dataset order.
  let train: ImageStore
  /// Test images, in dataset order.
  let test: ImageStore
  /// Which sample is in which set.
  let split: Split
  /// What earlier stages of a sequence forgot, in their order.
  let earlierForgetSets: [[Int32]]
  /// What the original model is trained on.
  let baseSamples: [Int32]
  /// The classes' names.
  let classNames: [String]
  /// How many of them the source has; those that `data.add` adds come behind.
  let ownClasses: Int
  /// What images in [0, 1] are normalised with, one value a channel.
  let mean, standardDeviation: [Double]

  /// Loads, permutes, splits and uploads.
  init(plan: RunPlan, device: Device, cancel: CancelFlag) throws {
    var dataset = try Dataset.load(
      plan.data.learningSource, permutationSeed: plan.data.permutationSeed, trainLimit: plan.data.train,
      testLimit: plan.data.test, cancel: cancel)
    ownClasses = dataset.train.classNames.count
    if let add = plan.data.add {
      dataset = try dataset.adding(add.path, copies: add.copies, asClass: add.className, cancel: cancel)
    }
    let splits = try Splitter.split(
      dataset, inTurn: plan.requests.map(\.request), validation: plan.data.validationRequest)
    let stage = plan.stage ?? splits.count
    split = splits[stage - 1]
    earlierForgetSets = splits.prefix(stage - 1).map(\.forget)
    baseSamples = try PreparedData.baseSamples(plan, splits[0], count: dataset.train.count)
    classNames = dataset.train.classNames
    mean = try PreparedData.perChannel(plan.data.normalise?.mean ?? dataset.mean, "mean", dataset.train.channels)
    standardDeviation = try PreparedData.perChannel(
      plan.data.normalise?.std ?? dataset.standardDeviation, "std", dataset.train.channels)
    train = try ImageStore(dataset.train, device: device, isSymmetric: plan.task == .diffusion)
    test = try ImageStore(dataset.test, device: device, isSymmetric: plan.task == .diffusion)
  }

  /// Images from elsewhere, of which the first `count` are to be forgotten; they serve as test images too.
  init(training images: ImageArrays, forgetting count: Int, plan: RunPlan, device: Device) throws {
    let positions = (0..<Int32(images.count)).map { $0 }
    split = Split(
      forget: Array(positions.prefix(count)), retain: Array(positions.dropFirst(count)), validation: [],
      test: positions)
    earlierForgetSets = []
    baseSamples = positions
    classNames = images.classNames
    ownClasses = classNames.count
    mean = try PreparedData.perChannel(plan.data.normalise?.mean ?? [0.5], "mean", images.channels)
    standardDeviation = try PreparedData.perChannel(plan.data.normalise?.std ?? [0.25], "std", images.channels)
    train = try ImageStore(images, device: device, isSymmetric: plan.task == .diffusion)
    test = train
  }

  /// The same images, split otherwise: what a shadow model learns, and what it then forgets.
  init(_ other: PreparedData, split: Split) {
    self.split = split
    earlierForgetSets = []
    baseSamples = (split.forget + split.retain).sorted()
    train = other.train
    test = other.test
    classNames = other.classNames
    ownClasses = other.ownClasses
    mean = other.mean
    standardDeviation = other.standardDeviation
  }

  /// The images that hold the samples of a set, and the set's positions in them.
  func samples(of set: SampleSet) -> (store: ImageStore, positions: [Int32]) {
    switch set {
    case .forget: (train, split.forget)
    case .retain: (train, split.retain)
    case .validation: (train, split.validation)
    case .test: (test, split.test)
    }
  }

  /// What of each set the original model has not seen though others will think so, and what it has seen of those held out;
  /// nil where it was trained on what is forgotten and retained.
  func leak(_ plan: RunPlan) -> String? {
    guard case .train(let training) = plan.base, training.samples != nil else { return nil }
    let seen = Set(baseSamples)
    let unseen = [(Split.Part.forget, split.forget), (.retain, split.retain)].compactMap { part, positions in
      let count = positions.count { !seen.contains($0) }
      return count == 0 ? nil : "\(count) of \(positions.count) \(part.rawValue) samples were never shown to it"
    }
    let held = split.validation.count { seen.contains($0) }
    let parts = unseen + (held == 0 ? [] : ["\(held) of \(split.validation.count) validation samples were"])
    return parts.isEmpty ? nil : "the original model is trained on 'base.samples': \(parts.joined(separator: ", "))"
  }

  /// The same with other retain samples: images [n, C, H, W] in [-1, 1], put behind the training images.
  init(_ other: PreparedData, replaying images: Tensor, labels: [Int]) throws {
    let first = other.train.count
    split = Split(
      forget: other.split.forget, retain: (first..<first + labels.count).map { Int32($0) },
      validation: other.split.validation, test: other.split.test)
    earlierForgetSets = []
    baseSamples = other.baseSamples
    train = try ImageStore(other.train, adding: images, labels: labels)
    test = other.test
    classNames = other.classNames
    ownClasses = other.ownClasses
    mean = other.mean
    standardDeviation = other.standardDeviation
  }

  /// The same images in [0, 1] without those that were added: what a classifier of the source's classes learns.
  init(classifying other: PreparedData) throws {
    let labels = try other.train.labels.int64s()
    split = other.split
    earlierForgetSets = []
    // The same for every stage of a sequence: numbers of different judges cannot be compared.
    let seen = other.earlierForgetSets.flatMap(\.self) + other.split.forget + other.split.retain
    baseSamples = seen.sorted().filter { labels[Int($0)] < Int64(other.ownClasses) }
    train = ImageStore(inUnitRange: other.train)
    test = ImageStore(inUnitRange: other.test)
    classNames = Array(other.classNames.prefix(other.ownClasses))
    ownClasses = other.ownClasses
    mean = other.mean
    standardDeviation = other.standardDeviation
  }

  /// The positions of the recipe's file, in rising order; else all that is forgotten or retained.
  private static func baseSamples(_ plan: RunPlan, _ split: Split, count: Int) throws -> [Int32] {
    guard case .train(let training) = plan.base, let file = training.samples else {
      return (split.forget + split.retain).sorted()
    }
    let positions = try IndexFile.read(file, count: count, parts: [.forget, .retain])
    guard !positions.isEmpty else { throw EngineError.mismatch("'base.samples' lists no sample to train on") }
    return positions.sorted()
  }

  /// What the report says about the split.
  var summary: SplitSummary {
    SplitSummary(
      samples: [
        "forget": split.forget.count, "retain": split.retain.count, "validation": split.validation.count,
        "test": split.test.count,
      ], classes: classNames.count, hash: split.sha256)
  }

  private static func perChannel(_ values: [Double], _ key: String, _ channels: Int) throws -> [Double] {
    if values.count == channels { return values }
    guard values.count == 1, let value = values.first else {
      throw EngineError.mismatch(
        "'data.normalise.\(key)' has \(values.count) values and the images have \(channels) channels; "
          + "give one value, or one a channel")
    }
    return [Double](repeating: value, count: channels)
  }
}

extension DataPlan {
  fileprivate var learningSource: Learning.DataSource {
    switch source {
    case .glyphs: .glyphs(seed: 1)
    case .idx: .idx(folder: path ?? "")
    case .images: .images(path: path ?? "")
    case .cifar: .cifar(path: path ?? "")
    case .npz: .npz(path: path ?? "")
    case .safetensors: .safetensors(path: path ?? "")
    case .tinyImageNet: .tinyImageNet(path: path ?? "")
    }
  }

  fileprivate var validationRequest: ValidationRequest {
    switch validation {
    case .amount(let amount): .amount(amount.learningAmount, seed: splitSeed)
    case .samples(let file): .indices(file: file)
    }
  }
}

extension AmountPlan {
  fileprivate var learningAmount: Amount {
    switch self {
    case .fraction(let share): .fraction(share)
    case .count(let count): .count(count)
    }
  }
}

extension ForgetPlan {
  fileprivate var request: ForgetRequest {
    switch self {
    case .random(let amount, let seed): .random(amount.learningAmount, seed: seed)
    case .aClass(.index(let index), let count, let seed): .ofClass(String(index), count: count, seed: seed)
    case .aClass(.name(let name), let count, let seed): .ofClass(name, count: count, seed: seed)
    case .indices(let file): .indices(file: file)
    case .files(let list): .files(list: list)
    }
  }
}
