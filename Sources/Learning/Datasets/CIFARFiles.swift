import Foundation

/// CIFAR-10 and CIFAR-100 in their binary version: rows of one label (two for CIFAR-100, of which the second, the fine one,
/// is taken) and 3 072 bytes of pixels, channel first. A folder, or a tar (with any compression) or zip of one.
enum CIFARFiles {
  /// One of the two data sets.
  private struct Version {
    let folder: String
    let train: [String]
    let test: String
    let names: String
    let labelBytes: Int

    static let all = [
      Version(
        folder: "cifar-10-batches-bin", train: (1...5).map { "data_batch_\($0).bin" }, test: "test_batch.bin",
        names: "batches.meta.txt", labelBytes: 1),
      Version(
        folder: "cifar-100-binary", train: ["train.bin"], test: "test.bin", names: "fine_label_names.txt",
        labelBytes: 2),
    ]

    var files: [String] { train + [test, names] }
  }

  private static let side = 32
  private static let imageBytes = 3 * side * side

  /// Reads the training batches in their order, and the test batch.
  static func load(path: String, cancel: CancelFlag) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    let files = try files(path, cancel)
    let versions = Version.all.filter { version in (version.train + [version.test]).contains { files[$0] != nil } }
    guard let version = versions.first else {
      guard !files.keys.contains("data_batch_1"), !files.keys.contains("train") else {
        throw .cifar(path: path, reason: "holds the Python version, and pickles are never opened")
      }
      throw .cifar(path: path, reason: "holds no batch of CIFAR-10 or CIFAR-100")
    }
    guard versions.count == 1 else { throw .cifar(path: path, reason: "holds both CIFAR-10 and CIFAR-100") }
    let names = try names(files[version.names], version.names, path)
    var train = Rows()
    for file in version.train { try train.add(file, files[file], version, names.count, path) }
    var test = Rows()
    try test.add(version.test, files[version.test], version, names.count, path)
    let classes = names.isEmpty ? ImageArrays.consecutiveClasses(train.labels.map { Int($0) }) : names.count
    if let position = train.labels.firstIndex(where: { Int($0) >= classes }) {
      throw .labelRange(path: path, position: position, label: Int(train.labels[position]), classes: classes)
    }
    if let position = test.labels.firstIndex(where: { Int($0) >= classes }) {
      throw .labelRange(
        path: "\(path)/\(version.test)", position: position, label: Int(test.labels[position]), classes: classes)
    }
    let classNames = names.isEmpty ? (0..<classes).map { String($0) } : names
    return (train.images(classNames), test.images(classNames))
  }

  /// The content of every file of either version, by its name without folders.
  private static func files(_ path: String, _ cancel: CancelFlag) throws(LearningError) -> [String: [UInt8]] {
    let wanted = Set(Version.all.flatMap(\.files) + ["data_batch_1", "train"])
    var isFolder = ObjCBool(false)
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .missing(path: path, expected: "a folder, tar or zip with the .bin files of CIFAR-10 or CIFAR-100")
    }
    var files: [String: [UInt8]] = [:]
    guard isFolder.boolValue else {
      for entry in try ArchiveReader.entries(of: path, cancel: cancel) where !entry.isFolder {
        let parts = entry.path.split(separator: "/").map(String.init)
        guard let name = parts.last, parts.count <= 2, wanted.contains(name) else { continue }
        guard files.updateValue(entry.bytes, forKey: name) == nil else {
          throw .cifar(path: path, reason: "holds '\(name)' twice")
        }
      }
      return files
    }
    for folder in [path] + Version.all.map({ "\(path)/\($0.folder)" }) {
      for name in wanted.sorted() {
        let file = "\(folder)/\(name)"
        guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue else {
          continue
        }
        try cancel.check()
        guard files.updateValue(try FileBytes.read(file), forKey: name) == nil else {
          throw .cifar(path: path, reason: "holds '\(name)' twice")
        }
      }
    }
    return files
  }

  /// The classes' names, one a line; empty where there is no such file.
  private static func names(_ bytes: [UInt8]?, _ file: String, _ path: String) throws(LearningError) -> [String] {
    guard let bytes else { return [] }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .cifar(path: path, reason: "has a '\(file)' that is not text")
    }
    let names = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    guard !names.isEmpty, Set(names).count == names.count, names.count <= 256 else {
      throw .cifar(path: path, reason: "has a '\(file)' with \(names.count) lines that are not as many classes")
    }
    return names
  }

  /// What is read so far.
  private struct Rows {
    var pixels: [UInt8] = []
    var labels: [UInt8] = []

    mutating func add(
      _ file: String, _ bytes: [UInt8]?, _ version: Version, _ classes: Int, _ path: String
    ) throws(LearningError) {
      guard let bytes else { throw .cifar(path: path, reason: "lacks '\(file)'") }
      let rowBytes = version.labelBytes + imageBytes
      guard !bytes.isEmpty, bytes.count.isMultiple(of: rowBytes) else {
        throw .cifar(
          path: path, reason: "has \(bytes.count) bytes in '\(file)', which are not whole rows of \(rowBytes)")
      }
      pixels.reserveCapacity(pixels.count + bytes.count)
      for start in stride(from: 0, to: bytes.count, by: rowBytes) {
        let label = bytes[start + version.labelBytes - 1]
        guard classes == 0 || Int(label) < classes else {
          throw .cifar(
            path: path,
            reason:
              "has label \(label) in row \(start / rowBytes) of '\(file)', but '\(version.names)' names \(classes) classes"
          )
        }
        labels.append(label)
        pixels.append(contentsOf: bytes[start + version.labelBytes..<start + rowBytes])
      }
    }

    func images(_ classNames: [String]) -> ImageArrays {
      ImageArrays(
        count: labels.count, channels: 3, height: side, width: side, pixels: pixels, labels: labels.map { Int32($0) },
        classNames: classNames)
    }
  }
}
