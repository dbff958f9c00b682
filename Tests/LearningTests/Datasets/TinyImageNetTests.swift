import Foundation
import Testing

@testable import Learning

struct TinyImageNetTests {
  /// JPEG and PNG images of 16×12 out of the archives that the image folders are tested with.
  private static func image(_ archive: String, _ entry: String) throws -> [UInt8] {
    let entries = try ArchiveReader.entries(of: Beside.fixture(archive).path, cancel: CancelFlag())
    return try #require(entries.first { $0.path.hasSuffix(entry) }?.bytes)
  }

  private static func good() throws -> [String: [UInt8]] {
    let (colour, grey) = (try image("rgb.tar.xz", "train/cat/0.jpg"), try image("grey.zip", "train/cat/0.jpg"))
    return [
      "train/n02/images/n02_0.JPEG": colour, "train/n02/images/n02_1.JPEG": grey,
      "train/n02/n02_boxes.txt": Array("n02_0.JPEG\t0\t0\t1\t1\n".utf8), "train/n01/images/n01_0.JPEG": grey,
      "val/images/val_1.JPEG": grey, "val/images/val_0.JPEG": colour,
      "val/val_annotations.txt": Array("val_0.JPEG\tn02\t0\t0\t9\t9\nval_1.JPEG\tn01\t0\t0\t9\t9\n".utf8),
      "test/images/test_0.JPEG": [1, 2, 3], "wnids.txt": Array("n02\nn01\n".utf8),
      "words.txt": Array("n00\tentity\nn01\tcrane, bird\nn02\tcrane, lifting device\n".utf8),
    ]
  }

  private static func load(_ path: String) throws -> (train: ImageArrays, test: ImageArrays) {
    try TinyImageNet.load(path: path, cancel: CancelFlag(), progress: { _, _ in })
  }

  private static func folder(_ changes: [String: [UInt8]?] = [:]) throws -> ScratchFolder {
    var files = try good()
    for (name, bytes) in changes { files[name] = bytes }
    let folder = try ScratchFolder()
    for (name, bytes) in files { try folder.write(bytes, to: name) }
    return folder
  }

  @Test func `classes are the folders in order, and validation images serve as test images`() throws {
    let folder = try Self.folder()
    defer { folder.remove() }
    let (train, test) = try Self.load(folder.url.path)
    #expect(shape(train) == [3, 3, 16, 12] && shape(test) == [2, 3, 16, 12])
    #expect(train.classNames == ["n01", "n02"] && train.labels == [0, 1, 1] && test.labels == [1, 0])
    #expect(
      train.files
        == ["train/n01/images/n01_0.JPEG", "train/n02/images/n02_0.JPEG", "train/n02/images/n02_1.JPEG"])
    #expect(train.classWords == [["crane", "bird"], ["crane", "lifting device"]])
    // A grey image has three equal planes.
    let area = 16 * 12
    let planes = (0..<3).map { Array(train.pixels[$0 * area..<($0 + 1) * area]) }
    #expect(planes[0] == planes[1] && planes[1] == planes[2] && Set(planes[0]).count > 1)
  }

  @Test func `an archive is read as its folder is`() throws {
    let folder = try Self.folder()
    defer { folder.remove() }
    let files = try Self.good().map { ("tiny-imagenet-200/\($0.key)", $0.value) }
    let archive = try Self.load(folder.write(zipFile(files), to: "tiny.zip"))
    let loose = try Self.load(folder.url.path)
    #expect(archive.train == loose.train && archive.test == loose.test)
  }

  @Test func `a class is named by its wnid, its number, or a word that no other has`() throws {
    let folder = try Self.folder()
    defer { folder.remove() }
    let images = try Self.load(folder.url.path).train
    for name in ["n02", "1", "lifting device"] { #expect(try Splitter.index(ofClass: name, in: images) == 1) }
    #expect(throws: LearningError.ambiguousClass(name: "crane", classes: ["n01", "n02"])) {
      try Splitter.index(ofClass: "crane", in: images)
    }
    #expect(throws: LearningError.unknownClass(name: "heron", known: ["n01", "n02"])) {
      try Splitter.index(ofClass: "heron", in: images)
    }
  }

  static let mistakes: [(String, [String: [UInt8]?], String)] = [
    ("no annotations", ["val/val_annotations.txt": nil], "has no 'val/val_annotations.txt'"),
    (
      "an image without a line", ["val/val_annotations.txt": Array("val_0.JPEG\tn02\n".utf8)],
      "says nothing about 'val/images/val_1.JPEG'"
    ),
    (
      "a line without an image",
      ["val/val_annotations.txt": Array("val_0.JPEG\tn02\nval_1.JPEG\tn01\nval_2.JPEG\tn01\n".utf8)],
      "speaks of 'val_2.JPEG', which 'val/images' has not"
    ),
    (
      "an unknown class", ["val/val_annotations.txt": Array("val_0.JPEG\tn02\nval_1.JPEG\tn09\n".utf8)],
      "line 2 of 'FOLDER/val/val_annotations.txt' names the class 'n09'"
    ),
    (
      "an image twice", ["val/val_annotations.txt": Array("val_0.JPEG\tn02\nval_0.JPEG\tn01\n".utf8)],
      "line 2 of 'FOLDER/val/val_annotations.txt' speaks of 'val_0.JPEG' a second time"
    ),
    (
      "no tabs", ["val/val_annotations.txt": Array("val_0.JPEG n02\n".utf8)],
      "line 1 of 'FOLDER/val/val_annotations.txt' is 'val_0.JPEG n02'"
    ),
    ("annotations that are not text", ["val/val_annotations.txt": [0xFF]], "is not text"),
    ("a class folder too few", ["wnids.txt": Array("n01\nn02\nn03\n".utf8)], "names the class 'n03'"),
    ("a class folder too many", ["wnids.txt": Array("n01\n".utf8)], "lacks the class 'n02' of 'train'"),
    ("words that are not text", ["words.txt": [0xFF]], "'FOLDER/words.txt' is not text"),
    (
      "no validation images", ["val/images/val_0.JPEG": nil, "val/images/val_1.JPEG": nil],
      "has no 'val/images'"
    ),
    (
      "an empty class", ["train/n01/images/n01_0.JPEG": nil, "train/n01/boxes.txt": [1]],
      "class 'train/n01/images' in 'FOLDER' is empty"
    ),
    (
      "a text among the images", ["train/n01/images/list.txt": [1]],
      "'train/n01/images/list.txt' in 'FOLDER' is no image"
    ),
    (
      "an image that is none", ["train/n01/images/n01_0.JPEG": Array("text".utf8)],
      "'train/n01/images/n01_0.JPEG' in 'FOLDER' cannot be decoded"
    ),
  ]

  @Test(arguments: mistakes)
  func `what is wrong is said with the file`(
    _ description: String, _ changes: [String: [UInt8]?], _ message: String
  ) throws {
    let folder = try Self.folder(changes)
    defer { folder.remove() }
    let error = #expect(throws: LearningError.self) { try Self.load(folder.url.path) }
    let text = error?.description.replacing(folder.url.path, with: "FOLDER") ?? ""
    #expect(text.contains(message) && error?.exitCode == 65, "\(text)")
  }

  @Test func `another folder is no Tiny-ImageNet`() throws {
    let empty = try ScratchFolder()
    defer { empty.remove() }
    #expect(throws: LearningError.missingTinyPart(path: empty.url.path, part: "train/<wnid>/images")) {
      try Self.load(empty.url.path)
    }
    let missing = #expect(throws: LearningError.self) { try Self.load("/no/such") }
    #expect(missing?.exitCode == 66)
  }
}
