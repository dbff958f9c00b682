import Foundation
import Testing

@testable import Learning

struct CIFARFilesTests {
  private static let image = 3 * 32 * 32

  /// Rows of CIFAR-10 (one label) or CIFAR-100 (coarse and fine label); the pixels of a row are its label times 20.
  private static func rows(_ labels: [UInt8], coarse: Bool = false) -> [UInt8] {
    labels.flatMap { label in
      (coarse ? [9] : []) + [label] + [UInt8](repeating: label &* 20, count: image)
    }
  }

  private static let ten: [String: [UInt8]] = [
    "data_batch_1.bin": rows([1, 0]), "data_batch_2.bin": rows([2]), "data_batch_3.bin": rows([0]),
    "data_batch_4.bin": rows([1]), "data_batch_5.bin": rows([2, 2]), "test_batch.bin": rows([0, 2]),
    "batches.meta.txt": Array("airplane\nautomobile\nbird\n\n".utf8),
  ]
  private static let hundred: [String: [UInt8]] = [
    "train.bin": rows([1, 0, 2], coarse: true), "test.bin": rows([2, 0], coarse: true),
    "fine_label_names.txt": Array("apple\naquarium_fish\nbaby\n".utf8),
  ]

  private static func load(_ path: String) throws -> (train: ImageArrays, test: ImageArrays) {
    try CIFARFiles.load(path: path, cancel: CancelFlag())
  }

  private static func folder(_ files: [String: [UInt8]], below: String = "") throws -> ScratchFolder {
    let folder = try ScratchFolder()
    for (name, bytes) in files { try folder.write(bytes, to: below + name) }
    return folder
  }

  @Test(arguments: ["", "cifar-10-batches-bin/"])
  func `the batches of CIFAR-10 are read in their order`(_ below: String) throws {
    let folder = try Self.folder(Self.ten, below: below)
    defer { folder.remove() }
    let (train, test) = try Self.load(folder.url.path)
    #expect(shape(train) == [7, 3, 32, 32] && shape(test) == [2, 3, 32, 32])
    #expect(train.labels == [1, 0, 2, 0, 1, 2, 2] && test.labels == [0, 2])
    #expect(train.classNames == ["airplane", "automobile", "bird"])
    #expect(train.pixels == train.labels.flatMap { [UInt8](repeating: UInt8($0) * 20, count: Self.image) })
  }

  @Test func `CIFAR-100 has its fine labels`() throws {
    let folder = try Self.folder(Self.hundred, below: "cifar-100-binary/")
    defer { folder.remove() }
    let (train, test) = try Self.load(folder.url.path)
    #expect(train.labels == [1, 0, 2] && test.labels == [2, 0])
    #expect(train.classNames == ["apple", "aquarium_fish", "baby"])
  }

  @Test func `an archive is read as its folder is`() throws {
    let files = Self.ten.map { ("cifar-10-batches-bin/\($0.key)", $0.value) }
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let path = try folder.write(zipFile(files), to: "cifar.zip")
    let plain = try Self.folder(Self.ten)
    defer { plain.remove() }
    let (archive, loose) = (try Self.load(path), try Self.load(plain.url.path))
    #expect(archive.train == loose.train && archive.test == loose.test)
  }

  @Test func `planes are red, green, blue and rows run from the top`() throws {
    var files = Self.ten
    files["test_batch.bin"] = [0] + (0..<Self.image).map { UInt8(truncatingIfNeeded: $0 >> 4) }
    let folder = try Self.folder(files)
    defer { folder.remove() }
    let test = try Self.load(folder.url.path).test
    #expect(test.pixels == (0..<Self.image).map { UInt8(truncatingIfNeeded: $0 >> 4) })
  }

  @Test func `without names classes are numbered as far as the labels go`() throws {
    var files = Self.ten
    files["batches.meta.txt"] = nil
    let folder = try Self.folder(files)
    defer { folder.remove() }
    #expect(try Self.load(folder.url.path).train.classNames == ["0", "1", "2"])
  }

  static let mistakes: [(String, [String: [UInt8]?], String)] = [
    ("a batch that is not there", ["data_batch_3.bin": nil], "lacks 'data_batch_3.bin'"),
    ("no test batch", ["test_batch.bin": nil], "lacks 'test_batch.bin'"),
    (
      "a row cut off", ["data_batch_2.bin": Array(rows([2]).dropLast())],
      "has 3072 bytes in 'data_batch_2.bin', which are not whole rows of 3073"
    ),
    ("an empty batch", ["data_batch_2.bin": []], "has 0 bytes in 'data_batch_2.bin'"),
    (
      "a label without a name", ["data_batch_5.bin": rows([2, 3])],
      "has label 3 in row 1 of 'data_batch_5.bin', but 'batches.meta.txt' names 3 classes"
    ),
    ("names that are not text", ["batches.meta.txt": [0xFF]], "has a 'batches.meta.txt' that is not text"),
    ("no names in the names", ["batches.meta.txt": [10]], "has a 'batches.meta.txt' with 0 lines"),
    (
      "a name twice", ["batches.meta.txt": Array("cat\ncat\ndog".utf8)],
      "has a 'batches.meta.txt' with 3 lines that are not as many classes"
    ),
    ("a gap in the classes", ["batches.meta.txt": nil, "data_batch_2.bin": rows([9])], "label 2 in '"),
    (
      "a class in test only", ["batches.meta.txt": nil, "test_batch.bin": rows([7])],
      "label 0 in 'FOLDER/test_batch.bin' is 7"
    ),
    ("both data sets", ["train.bin": rows([1], coarse: true)], "holds both CIFAR-10 and CIFAR-100"),
  ]

  @Test(arguments: mistakes)
  func `what is wrong is said with the file`(
    _ description: String, _ changes: [String: [UInt8]?], _ message: String
  ) throws {
    var files = Self.ten
    for (name, bytes) in changes { files[name] = bytes }
    let folder = try Self.folder(files)
    defer { folder.remove() }
    let error = #expect(throws: LearningError.self) { try Self.load(folder.url.path) }
    let text = error?.description.replacing(folder.url.path, with: "FOLDER") ?? ""
    #expect(text.contains(message) && error?.exitCode == 65, "\(text)")
  }

  @Test func `folders of something else are told apart`() throws {
    let python = try Self.folder(["data_batch_1": [0x80, 2]])
    defer { python.remove() }
    #expect(
      throws: LearningError.cifar(
        path: python.url.path, reason: "holds the Python version, and pickles are never opened")
    ) {
      try Self.load(python.url.path)
    }
    let empty = try ScratchFolder()
    defer { empty.remove() }
    #expect(throws: LearningError.cifar(path: empty.url.path, reason: "holds no batch of CIFAR-10 or CIFAR-100")) {
      try Self.load(empty.url.path)
    }
    let missing = #expect(throws: LearningError.self) { try Self.load("/no/such") }
    #expect(missing?.exitCode == 66)
  }
}
