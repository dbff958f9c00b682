import Foundation

/// Where images come from.
package enum DataSource: Sendable, Equatable {
  /// The built-in letters, made from a seed.
  case glyphs(seed: UInt64)
  /// A folder with MNIST's four files.
  case idx(folder: String)
  /// A folder, tar or zip with `train/<class>/` and `test/<class>/`.
  case images(path: String)
  /// CIFAR-10 or CIFAR-100 in their binary version: a folder, tar or zip.
  case cifar(path: String)
  /// NumPy's `.npz` with four arrays.
  case npz(path: String)
  /// A safetensors file with the same four arrays.
  case safetensors(path: String)
  /// Tiny-ImageNet as it is distributed: a folder, zip or tar.
  case tinyImageNet(path: String)

  /// Where on disk; nil for glyphs.
  fileprivate var path: String? {
    switch self {
    case .glyphs: nil
    case .idx(let path), .images(let path), .cifar(let path), .npz(let path), .safetensors(let path),
      .tinyImageNet(let path):
      path
    }
  }
}

/// A data set as every run sees it: decoded, permuted once, cut to the wanted size.
///
/// The order of ``train`` is what "dataset order" means everywhere: splits, index files and the shadow members of the
/// membership attack count in it.
package struct Dataset: Sendable {
  /// The training images, in dataset order.
  package let train: ImageArrays
  /// The test images, in dataset order.
  package let test: ImageArrays
  /// The mean of each channel over all training images of the source, before any limit, in units of [0, 1].
  package let mean: [Double]
  /// The standard deviation of each channel, likewise.
  package let standardDeviation: [Double]

  /// Loads a data set.
  ///
  /// The permutation is Philox's with labels `data.train` and `data.test`. Images are loaded whole even when few are
  /// wanted: which ones come to the front depends on how many there are.
  ///
  /// - Parameters:
  ///   - source: where the images are.
  ///   - permutationSeed: the seed of the fixed permutation; nil keeps the order of the files.
  ///   - trainLimit: at most so many training images, from the front; nil for all.
  ///   - testLimit: the same for test images.
  ///   - cancel: looked at between files, images and pieces of work.
  ///   - progress: told how many images are decoded, from several threads at once; only where images are files.
  package static func load(
    _ source: DataSource, permutationSeed: UInt64?, trainLimit: Int? = nil, testLimit: Int? = nil,
    cancel: CancelFlag, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(LearningError) -> Dataset {
    try refuseMatlab(source.path)
    let parts: (train: ImageArrays, test: ImageArrays)
    switch source {
    case .glyphs(let seed): parts = try Glyphs.load(seed: seed, cancel: cancel)
    case .idx(let folder): parts = try IDXFiles.load(folder: folder, cancel: cancel)
    case .images(let path): parts = try ImageFolder.load(path: path, cancel: cancel, progress: progress)
    case .cifar(let path): parts = try CIFARFiles.load(path: path, cancel: cancel)
    case .npz(let path): parts = try ArrayFiles.npz(path: path, cancel: cancel)
    case .safetensors(let path): parts = try ArrayFiles.safetensors(path: path, cancel: cancel)
    case .tinyImageNet(let path): parts = try TinyImageNet.load(path: path, cancel: cancel, progress: progress)
    }
    try cancel.check()
    let statistics = parts.train.channelStatistics()
    return Dataset(
      train: try ordered(parts.train, "train", permutationSeed, trainLimit),
      test: try ordered(parts.test, "test", permutationSeed, testLimit),
      mean: statistics.mean, standardDeviation: statistics.standardDeviation)
  }

  /// SVHN comes as MATLAB files, which a script turns into `.npz`.
  private static func refuseMatlab(_ path: String?) throws(LearningError) {
    guard let path else { return }
    for file in [path, "\(path)/train_32x32.mat"]
    where file.lowercased().hasSuffix(".mat") && FileManager.default.fileExists(atPath: file) {
      throw .matlab(path: file)
    }
  }

  private static func ordered(
    _ images: ImageArrays, _ part: String, _ seed: UInt64?, _ limit: Int?
  ) throws(LearningError) -> ImageArrays {
    let wanted = limit ?? images.count
    guard wanted > 0 else { throw .badAmount(what: "data.\(part)", value: Double(wanted)) }
    guard wanted <= images.count else {
      throw .countTooLarge(what: "data.\(part)", asked: wanted, available: images.count)
    }
    guard let seed else {
      return wanted == images.count ? images : images.gathering((0..<Int32(wanted)).map { $0 })
    }
    var random = Philox(seed: seed, label: "data.\(part)")
    return images.gathering(random.permutation(images.count).prefix(wanted))
  }
}
