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
  /// The classes' names.
  let classNames: [String]
  /// What images in [0, 1] are normalised with, one value a channel.
  let mean, standardDeviation: [Double]

  /// Loads, permutes, splits and uploads.
  init(plan: RunPlan, device: Device, cancel: CancelFlag) throws {
    let dataset = try Dataset.load(
      plan.data.learningSource, permutationSeed: plan.data.permutationSeed, trainLimit: plan.data.train,
      testLimit: plan.data.test, cancel: cancel)
    split = try Splitter.split(
      dataset, forgetting: plan.forget.request, validation: plan.data.validation.learningAmount,
      splitSeed: plan.data.splitSeed)
    classNames = dataset.train.classNames
    mean = try PreparedData.perChannel(plan.data.normalise?.mean ?? dataset.mean, "mean", dataset.train.channels)
    standardDeviation = try PreparedData.perChannel(
      plan.data.normalise?.std ?? dataset.standardDeviation, "std", dataset.train.channels)
    train = try ImageStore(dataset.train, device: device)
    test = try ImageStore(dataset.test, device: device)
  }

  /// Images from elsewhere, of which the first `count` are to be forgotten; they serve as test images too.
  init(training images: ImageArrays, forgetting count: Int, plan: RunPlan, device: Device) throws {
    let positions = (0..<Int32(images.count)).map { $0 }
    split = Split(
      forget: Array(positions.prefix(count)), retain: Array(positions.dropFirst(count)), validation: [],
      test: positions)
    classNames = images.classNames
    mean = try PreparedData.perChannel(plan.data.normalise?.mean ?? [0.5], "mean", images.channels)
    standardDeviation = try PreparedData.perChannel(plan.data.normalise?.std ?? [0.25], "std", images.channels)
    train = try ImageStore(images, device: device)
    test = train
  }

  /// The same images, split otherwise: what a shadow model learns, and what it then forgets.
  init(_ other: PreparedData, split: Split) {
    self.split = split
    train = other.train
    test = other.test
    classNames = other.classNames
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
    }
  }
}
