import Foundation

/// MNIST and whatever else comes as four IDX files under MNIST's official names.
enum IDXFiles {
  /// Reads the pair `train-…` and the pair `t10k-…` from a folder; each file plain or gzip (`.gz`).
  ///
  /// The classes are those that occur in the training labels, from 0 upwards without a gap.
  static func load(folder: String, cancel: CancelFlag) throws(LearningError) -> (train: ImageArrays, test: ImageArrays)
  {
    let train = try pair("train", in: folder, cancel)
    let test = try pair("t10k", in: folder, cancel)
    guard (train.height, train.width) == (test.height, test.width) else {
      throw .idxSize(
        train: train.imageFile, trainSize: "\(train.height)×\(train.width)", test: test.imageFile,
        testSize: "\(test.height)×\(test.width)")
    }
    let classes = ImageArrays.consecutiveClasses(train.labels.map { Int($0) })
    return (try arrays(train, classes), try arrays(test, classes))
  }

  /// What the two files of one part hold.
  private struct Pair {
    let imageFile: String
    let labelFile: String
    let height: Int
    let width: Int
    let pixels: [UInt8]
    let labels: [UInt8]
  }

  private static func pair(_ part: String, in folder: String, _ cancel: CancelFlag) throws(LearningError) -> Pair {
    let imageFile = try find("\(part)-images-idx3-ubyte", in: folder)
    let labelFile = try find("\(part)-labels-idx1-ubyte", in: folder)
    let images = try content(imageFile, magic: 0x803, headerSize: 16, cancel)
    let labels = try content(labelFile, magic: 0x801, headerSize: 8, cancel)
    let (count, height, width) = (word(images, 4), word(images, 8), word(images, 12))
    guard count > 0, height > 0, width > 0, height <= 1024, width <= 1024, count * height * width < 1 << 31 else {
      throw .idxShape(path: imageFile, count: count, height: height, width: width)
    }
    let imageBytes = 16 + count * height * width
    guard images.count == imageBytes else {
      throw .idxLength(path: imageFile, found: images.count, expected: imageBytes)
    }
    let labelCount = word(labels, 4)
    guard labels.count == 8 + labelCount else {
      throw .idxLength(path: labelFile, found: labels.count, expected: 8 + labelCount)
    }
    guard count == labelCount else {
      throw .idxCount(images: imageFile, imageCount: count, labels: labelFile, labelCount: labelCount)
    }
    return Pair(
      imageFile: imageFile, labelFile: labelFile, height: height, width: width,
      pixels: Array(images.dropFirst(16)), labels: Array(labels.dropFirst(8)))
  }

  private static func arrays(_ pair: Pair, _ classes: Int) throws(LearningError) -> ImageArrays {
    if let position = pair.labels.firstIndex(where: { Int($0) >= classes }) {
      throw .labelRange(
        path: pair.labelFile, position: position, label: Int(pair.labels[position]), classes: classes)
    }
    return ImageArrays(
      count: pair.labels.count, channels: 1, height: pair.height, width: pair.width, pixels: pair.pixels,
      labels: pair.labels.map { Int32($0) }, classNames: (0..<classes).map { String($0) })
  }

  /// The path of a file that is there plain or as gzip; plain goes first.
  private static func find(_ name: String, in folder: String) throws(LearningError) -> String {
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .missing(path: folder, expected: "a folder with the four IDX files of MNIST")
    }
    for suffix in ["", ".gz"] {
      let path = "\(folder)/\(name)\(suffix)"
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    throw .missing(path: "\(folder)/\(name)", expected: "it there, plain or as '\(name).gz'")
  }

  private static func content(
    _ path: String, magic: UInt32, headerSize: Int, _ cancel: CancelFlag
  ) throws(LearningError) -> [UInt8] {
    let bytes = try ArchiveReader.content(of: path, cancel: cancel)
    guard bytes.count >= headerSize else {
      throw .idxLength(path: path, found: bytes.count, expected: headerSize)
    }
    guard word(bytes, 0) == Int(magic) else {
      throw .idxMagic(path: path, found: UInt32(word(bytes, 0)), expected: magic)
    }
    return bytes
  }

  /// The 32-bit number at an offset, the high byte first.
  private static func word(_ bytes: [UInt8], _ offset: Int) -> Int {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
  }
}
