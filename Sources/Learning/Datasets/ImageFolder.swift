import Foundation
import Synchronization

/// Images in `train/<class>/` and `test/<class>/`: a folder, or a tar or zip of one.
///
/// Classes and files are taken in the order of their names' bytes, as Python's `sorted` has them. An archive may hold
/// the two parts at its top or inside one folder.
enum ImageFolder {
  /// What a part of a data set says of its progress: images decoded so far, and how many there are in all. Called
  /// from several threads.
  typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void

  /// Reads and decodes both parts.
  static func load(
    path: String, cancel: CancelFlag, progress: @escaping Progress
  ) throws(LearningError) -> (train: ImageArrays, test: ImageArrays) {
    var isFolder = ObjCBool(false)
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .missing(path: path, expected: "a folder, tar or zip with train/<class>/ and test/<class>/")
    }
    var listing = Listing(path: path)
    if isFolder.boolValue {
      try listing.addFolder(cancel)
    } else {
      for entry in try ArchiveReader.entries(of: path, cancel: cancel) { try listing.add(entry) }
    }
    let names = try listing.classNames()
    let parts = ImageListing(path: path, items: listing.items(names), classNames: names)
    return try parts.decode(cancel: cancel, progress: progress)
  }

  /// Where an image's bytes are.
  enum Source: Sendable {
    case file(String)
    case bytes([UInt8])
  }

  /// The files of both parts by class, before they are put in order.
  private struct Listing {
    let path: String
    private var files: [String: [String: [(name: String, source: Source)]]] = ["train": [:], "test": [:]]

    init(path: String) { self.path = path }

    mutating func addFolder(_ cancel: CancelFlag) throws(LearningError) {
      for part in ["train", "test"] {
        for name in try Self.children("\(path)/\(part)") ?? [] where !Self.isIgnored(name) {
          try cancel.check()
          guard let images = try Self.children("\(path)/\(part)/\(name)") else {
            throw .strayFile(path: path, entry: "\(part)/\(name)")
          }
          files[part]?[name, default: []] = []
          for image in images where !Self.isIgnored(image) {
            try addImage(part, name, image, .file("\(path)/\(part)/\(name)/\(image)"), "\(part)/\(name)/\(image)")
          }
        }
      }
    }

    mutating func add(_ entry: ArchiveEntry) throws(LearningError) {
      var names = entry.path.split(separator: "/").map(String.init)
      if names.count > 1, files[names[0]] == nil { names.removeFirst() }
      guard let part = names.first, files[part] != nil, !names.contains(where: Self.isIgnored) else { return }
      switch (names.count, entry.isFolder) {
      case (1, _): return
      case (2, true): files[part]?[names[1], default: []] += []
      case (3, false): try addImage(part, names[1], names[2], .bytes(entry.bytes), entry.path)
      default: throw .strayFile(path: path, entry: entry.path)
      }
    }

    private mutating func addImage(
      _ part: String, _ name: String, _ image: String, _ source: Source, _ entry: String
    ) throws(LearningError) {
      let ending = image.lowercased()
      guard [".jpg", ".jpeg", ".png"].contains(where: ending.hasSuffix) else {
        throw .strayFile(path: path, entry: entry)
      }
      files[part]?[name, default: []].append((image, source))
    }

    /// The classes, which must be the same in both parts and have an image in each.
    func classNames() throws(LearningError) -> [String] {
      let (train, test) = (files["train"] ?? [:], files["test"] ?? [:])
      if train.isEmpty { throw .missingPart(path: path, part: "train") }
      if test.isEmpty { throw .missingPart(path: path, part: "test") }
      let names = Self.inOrder(Set(train.keys).union(test.keys))
      for name in names {
        guard let trainFiles = train[name] else {
          throw .unpairedClass(path: path, name: name, present: "test", absent: "train")
        }
        guard let testFiles = test[name] else {
          throw .unpairedClass(path: path, name: name, present: "train", absent: "test")
        }
        if trainFiles.isEmpty { throw .emptyClass(path: path, part: "train", name: name) }
        if testFiles.isEmpty { throw .emptyClass(path: path, part: "test", name: name) }
      }
      return names
    }

    /// Every image in order: first the training part, class by class.
    func items(_ classNames: [String]) -> [ImageListing.Item] {
      ["train", "test"].flatMap { part in
        classNames.enumerated().flatMap { label, name in
          (files[part]?[name] ?? []).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map {
            ImageListing.Item(
              isTrain: part == "train", label: Int32(label), entry: "\(part)/\(name)/\($0.name)", source: $0.source)
          }
        }
      }
    }

    private static func inOrder(_ names: some Sequence<String>) -> [String] {
      names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Hidden files and those that desktop systems leave behind.
    private static func isIgnored(_ name: String) -> Bool {
      name.hasPrefix(".") || name == "__MACOSX" || name == "Thumbs.db"
    }

    /// The names in a folder, or nothing when it is not one.
    private static func children(_ folder: String) throws(LearningError) -> [String]? {
      var isFolder = ObjCBool(false)
      guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        return nil
      }
      do {
        return try FileManager.default.contentsOfDirectory(atPath: folder)
      } catch {
        throw .unreadable(path: folder, reason: error.localizedDescription)
      }
    }
  }
}
