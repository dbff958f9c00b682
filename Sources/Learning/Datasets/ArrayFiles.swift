import Foundation
import Tensors

/// Images and labels as arrays in one file: NumPy's `.npz`, or safetensors.
///
/// Images are `uint8` `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` with one or three channels; labels are whole numbers
/// `[N]` or `[N, 1]`. Other arrays of the file are not looked at.
enum ArrayFiles {
  /// The names that go around for each of the four arrays; the first one is shown in messages.
  private struct Names {
    let images: [String]
    let labels: [String]

    static let train = Names("train")
    static let test = Names("test")

    private init(_ part: String) {
      images = ["x_\(part)", "X_\(part)", "\(part)_x", "\(part)_X", "\(part)_images", "images_\(part)"]
      labels = ["y_\(part)", "Y_\(part)", "\(part)_y", "\(part)_Y", "\(part)_labels", "labels_\(part)"]
    }
  }

  /// Every name that is read.
  private static let known = Set([Names.train, .test].flatMap { $0.images + $0.labels })

  /// Reads the four arrays of an `.npz` file.
  static func npz(path: String, cancel: CancelFlag) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw .missing(path: path, expected: "a .npz file with x_train, y_train, x_test and y_test")
    }
    var arrays: [String: StoredArray] = [:]
    for entry in try ArchiveReader.entries(of: path, cancel: cancel) where entry.path.hasSuffix(".npy") {
      let name = String(entry.path.dropLast(4))
      guard known.contains(name) else { continue }
      do throws(NPYFile.Flaw) {
        arrays[name] = try NPYFile.parse(entry.bytes)
      } catch {
        throw .arrays(path: path, reason: "holds an array '\(name)' that \(error.reason)")
      }
    }
    return try images(arrays, path)
  }

  /// Reads the four arrays of a safetensors file.
  static func safetensors(
    path: String, cancel: CancelFlag
  ) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    var arrays: [String: StoredArray] = [:]
    do throws(TensorError) {
      for (entry, bytes) in try SafeTensors.bytes(path, where: { known.contains($0) }) {
        arrays[entry.name] = StoredArray(element: element(entry.dtype), shape: entry.shape, bytes: bytes)
      }
    } catch {
      switch error {
      case .file(_, .missing):
        throw .missing(path: path, expected: "a safetensors file with x_train, y_train, x_test and y_test")
      case .file(_, .unreadable(let reason)): throw .unreadable(path: path, reason: reason)
      case .file(_, .malformed(let reason)): throw .arrays(path: path, reason: "is no safetensors file: \(reason)")
      default: throw .unreadable(path: path, reason: "\(error)")
      }
    }
    try cancel.check()
    return try images(arrays, path)
  }

  private static func element(_ type: DType) -> StoredArray.Element {
    switch type {
    case .uint8, .uint16, .uint32, .uint64: .integer(bytes: type.byteCount, isSigned: false)
    case .int8, .int16, .int32, .int64: .integer(bytes: type.byteCount, isSigned: true)
    default: .other("\(type)")
    }
  }

  // MARK: Arrays to images

  private static func images(
    _ arrays: [String: StoredArray], _ path: String
  ) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    let train = try part(.train, of: arrays, path)
    let test = try part(.test, of: arrays, path)
    guard (train.channels, train.height, train.width) == (test.channels, test.height, test.width) else {
      throw .arrays(
        path: path, reason: "holds test images of \(words(test)), but training images of \(words(train))")
    }
    let classes = ImageArrays.consecutiveClasses(train.labels)
    for part in [train, test] {
      guard let position = part.labels.firstIndex(where: { $0 < 0 || Int($0) >= classes }) else { continue }
      throw .labelRange(
        path: "\(path)/\(part.labelName)", position: position, label: part.labels[position], classes: classes)
    }
    return (imageArrays(of: train, classes), imageArrays(of: test, classes))
  }

  /// What the two arrays of one part hold.
  private struct Part {
    let channels, height, width: Int
    let pixels: [UInt8]
    let labels: [Int]
    let labelName: String
  }

  private static func words(_ part: Part) -> String {
    "\(part.height)×\(part.width) \(part.channels == 1 ? "grey" : "RGB")"
  }

  private static func imageArrays(of part: Part, _ classes: Int) -> ImageArrays {
    ImageArrays(
      count: part.labels.count, channels: part.channels, height: part.height, width: part.width, pixels: part.pixels,
      labels: part.labels.map { Int32($0) }, classNames: (0..<classes).map { String($0) })
  }

  private static func part(
    _ names: Names, of arrays: [String: StoredArray], _ path: String
  ) throws(LearningError) -> Part {
    let (imageName, images) = try find(names.images, in: arrays, path)
    let (labelName, labels) = try find(names.labels, in: arrays, path)
    guard labels.shape.count == 1 || (labels.shape.count == 2 && labels.shape[1] == 1),
      let numbers = labels.integers
    else { throw .arrays(path: path, reason: "has '\(labelName)' as \(labels.words)") }
    guard images.element == .integer(bytes: 1, isSigned: false), let layout = layout(images.shape) else {
      throw .arrays(path: path, reason: "has '\(imageName)' as \(images.words)")
    }
    let count = images.shape[0]
    guard count > 0, layout.height > 0, layout.width > 0 else {
      throw .arrays(path: path, reason: "has nothing in '\(imageName)', whose shape is \(images.shape)")
    }
    guard count == numbers.count else {
      throw .arrays(
        path: path, reason: "has \(count) images in '\(imageName)', but \(numbers.count) labels in '\(labelName)'")
    }
    return Part(
      channels: layout.channels, height: layout.height, width: layout.width,
      pixels: layout.isChannelLast ? channelFirst(images.bytes, layout) : images.bytes, labels: numbers,
      labelName: labelName)
  }

  private static func find(
    _ names: [String], in arrays: [String: StoredArray], _ path: String
  ) throws(LearningError) -> (name: String, array: StoredArray) {
    let found = names.filter { arrays[$0] != nil }
    guard let name = found.first, let array = arrays[name] else {
      throw .arrays(path: path, reason: "has no array '\(names[0])'")
    }
    guard found.count == 1 else {
      throw .arrays(path: path, reason: "has both '\(found[0])' and '\(found[1])', which mean the same")
    }
    return (name, array)
  }

  private struct Layout {
    let channels, height, width: Int
    let isChannelLast: Bool
  }

  /// Where the channels are; nil where that cannot be told.
  private static func layout(_ shape: [Int]) -> Layout? {
    if shape.count == 3 { return Layout(channels: 1, height: shape[1], width: shape[2], isChannelLast: false) }
    guard shape.count == 4 else { return nil }
    switch ([1, 3].contains(shape[1]), [1, 3].contains(shape[3])) {
    case (true, false): return Layout(channels: shape[1], height: shape[2], width: shape[3], isChannelLast: false)
    case (false, true): return Layout(channels: shape[3], height: shape[1], width: shape[2], isChannelLast: true)
    default: return nil
    }
  }

  /// The same images with their channels first.
  private static func channelFirst(_ interleaved: [UInt8], _ layout: Layout) -> [UInt8] {
    let (channels, area) = (layout.channels, layout.height * layout.width)
    guard channels > 1 else { return interleaved }
    var pixels = interleaved
    for image in stride(from: 0, to: interleaved.count, by: channels * area) {
      for channel in 0..<channels {
        let plane = image + channel * area
        for place in 0..<area { pixels[plane + place] = interleaved[image + place * channels + channel] }
      }
    }
    return pixels
  }
}
