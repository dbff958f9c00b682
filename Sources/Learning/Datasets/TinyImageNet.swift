import Foundation

/// Tiny-ImageNet as it is distributed: `train/<wnid>/images/*.JPEG`, and `val/images/*.JPEG` with `val_annotations.txt`, which
/// serve as test images. A folder, or a zip or tar of one.
///
/// Classes are the folders of `train` in the order of their names' bytes, as torchvision has them, and are called by their
/// wnid or by a word of `words.txt`. Some images are grey; they become coloured ones of three equal planes. The images of
/// `test` have no labels and are not looked at.
enum TinyImageNet {
  /// Reads and decodes both parts.
  static func load(
    path: String, cancel: CancelFlag, progress: @escaping ImageFolder.Progress
  ) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    var isFolder = ObjCBool(false)
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .missing(path: path, expected: "the folder of Tiny-ImageNet with train/<wnid>/images and val/images")
    }
    var files = Files(path: path)
    if isFolder.boolValue {
      try files.addFolder(cancel)
    } else {
      for entry in try ArchiveReader.entries(of: path, cancel: cancel) where !entry.isFolder {
        try files.add(entry.path.split(separator: "/").map(String.init), .bytes(entry.bytes))
      }
    }
    return try files.listing().decode(cancel: cancel, progress: progress)
  }

  /// Which class each validation image has, by the image's name.
  ///
  /// A line is the image's name, its wnid and four numbers of a box, between tabs; the box is not looked at.
  static func annotations(
    _ bytes: [UInt8], classes: [String], path: String
  ) throws(LearningError) -> [String: Int32] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .annotations(path: path, line: nil, reason: "is not text")
    }
    var indices: [String: Int32] = [:]
    for (index, name) in classes.enumerated() { indices[name] = Int32(index) }
    var labels: [String: Int32] = [:]
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty { continue }
      let fields = line.split(separator: "\t").map { $0.trimmingCharacters(in: .whitespaces) }
      guard fields.count >= 2 else {
        throw .annotations(path: path, line: number + 1, reason: "is '\(line.prefix(40))'")
      }
      guard let index = indices[fields[1]] else {
        throw .annotations(
          path: path, line: number + 1, reason: "names the class '\(fields[1].prefix(40))', which 'train' has not")
      }
      guard labels.updateValue(index, forKey: fields[0]) == nil else {
        throw .annotations(path: path, line: number + 1, reason: "speaks of '\(fields[0].prefix(80))' a second time")
      }
    }
    return labels
  }

  /// The names of each class out of `words.txt`: a wnid and words between commas, with a tab between.
  static func words(_ bytes: [UInt8], classes: [String], path: String) throws(LearningError) -> [[String]] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .annotations(path: path, line: nil, reason: "is not text")
    }
    var indices: [Substring: Int] = [:]
    for (index, name) in classes.enumerated() { indices[name[...]] = index }
    var words = [[String]](repeating: [], count: classes.count)
    for line in text.split(whereSeparator: \.isNewline) {
      guard let tab = line.firstIndex(of: "\t"), let index = indices[line[..<tab]] else { continue }
      words[index] = line[line.index(after: tab)...].split(separator: ",")
        .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
    return words
  }

  /// What was found, before it is put in order.
  private struct Files {
    let path: String
    private var train: [String: [String: ImageFolder.Source]] = [:]
    private var validation: [String: ImageFolder.Source] = [:]
    private var texts: [String: ImageFolder.Source] = [:]

    init(path: String) { self.path = path }

    mutating func addFolder(_ cancel: CancelFlag) throws(LearningError) {
      for wnid in try children("train") {
        try cancel.check()
        for image in try children("train/\(wnid)/images") {
          try add(["train", wnid, "images", image], .file("\(path)/train/\(wnid)/images/\(image)"))
        }
        if train[wnid] == nil { throw .emptyClass(path: path, part: "train", name: "\(wnid)/images") }
      }
      for image in try children("val/images") {
        try add(["val", "images", image], .file("\(path)/val/images/\(image)"))
      }
      for text in ["val/val_annotations.txt", "words.txt", "wnids.txt"] {
        let file = "\(path)/\(text)"
        if FileManager.default.fileExists(atPath: file) { texts[text] = .file(file) }
      }
    }

    /// Takes a file by its path, which in an archive may begin with one folder more.
    mutating func add(_ given: [String], _ source: ImageFolder.Source) throws(LearningError) {
      var parts = given
      let tops = ["train", "val", "test", "words.txt", "wnids.txt"]
      if parts.count > 1, let first = parts.first, !tops.contains(first) { parts.removeFirst() }
      guard let name = parts.last, !name.hasPrefix("."), parts.first != "__MACOSX" else { return }
      let isImage = [".jpeg", ".jpg", ".png"].contains { name.lowercased().hasSuffix($0) }
      switch (parts.first, parts.count) {
      case ("train", 4) where parts[2] == "images" && isImage: train[parts[1], default: [:]][name] = source
      case ("val", 3) where parts[1] == "images" && isImage: validation[name] = source
      case ("train", 4) where parts[2] == "images", ("val", 3) where parts[1] == "images":
        throw .strayTinyFile(path: path, entry: parts.joined(separator: "/"))
      case ("val", 2), ("words.txt", 1), ("wnids.txt", 1): texts[parts.joined(separator: "/")] = source
      default: return
      }
    }

    /// Every image in order: training images class by class, then the validation images by their names' bytes.
    func listing() throws(LearningError) -> ImageListing {
      guard !train.isEmpty else { throw .missingTinyPart(path: path, part: "train/<wnid>/images") }
      guard !validation.isEmpty else { throw .missingTinyPart(path: path, part: "val/images") }
      let classes = inOrder(train.keys)
      if let list = try text("wnids.txt") {
        let listed = Set(String(decoding: list, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(String.init))
        if let name = inOrder(listed.symmetricDifference(classes)).first {
          throw .annotations(
            path: "\(path)/wnids.txt", line: nil,
            reason: listed.contains(name)
              ? "names the class '\(name.prefix(40))', which 'train' has not" : "lacks the class '\(name)' of 'train'")
        }
      }
      guard let annotated = try text("val/val_annotations.txt") else {
        throw .missingTinyPart(path: path, part: "val/val_annotations.txt")
      }
      let file = "\(path)/val/val_annotations.txt"
      let labels = try TinyImageNet.annotations(annotated, classes: classes, path: file)
      if let name = inOrder(labels.keys).first(where: { validation[$0] == nil }) {
        throw .annotations(path: file, line: nil, reason: "speaks of '\(name.prefix(80))', which 'val/images' has not")
      }
      var items: [ImageListing.Item] = []
      for (label, wnid) in classes.enumerated() {
        let images = train[wnid] ?? [:]
        for name in inOrder(images.keys) {
          guard let source = images[name] else { continue }
          items.append(
            ImageListing.Item(
              isTrain: true, label: Int32(label), entry: "train/\(wnid)/images/\(name)", source: source))
        }
      }
      for name in inOrder(validation.keys) {
        guard let source = validation[name] else { continue }
        guard let label = labels[name] else {
          throw .annotations(path: file, line: nil, reason: "says nothing about 'val/images/\(name)'")
        }
        items.append(
          ImageListing.Item(isTrain: false, label: label, entry: "val/images/\(name)", source: source))
      }
      let words = try text("words.txt")
      return ImageListing(
        path: path, items: items, classNames: classes,
        classWords: try words.map { (bytes) throws(LearningError) in
          try TinyImageNet.words(bytes, classes: classes, path: "\(path)/words.txt")
        } ?? [], makesColour: true)
    }

    private func text(_ name: String) throws(LearningError) -> [UInt8]? {
      switch texts[name] {
      case .bytes(let bytes): bytes
      case .file(let file): try FileBytes.read(file)
      case nil: nil
      }
    }

    private func inOrder(_ names: some Sequence<String>) -> [String] {
      names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The names in a folder without hidden ones; none when it is not there.
    private func children(_ folder: String) throws(LearningError) -> [String] {
      let folder = "\(path)/\(folder)"
      guard FileManager.default.fileExists(atPath: folder) else { return [] }
      do {
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
      } catch {
        throw .unreadable(path: folder, reason: error.localizedDescription)
      }
    }
  }
}
