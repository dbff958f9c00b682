import Foundation
import Testing

@testable import Learning

struct ImageFolderTests {
  private struct Reference: Decodable {
    let pixels: [String: [String: [UInt8]]]
  }

  private static func load(_ path: String) throws -> (train: ImageArrays, test: ImageArrays) {
    try ImageFolder.load(path: path, cancel: CancelFlag(), progress: { _, _ in })
  }

  /// The RGB archive, unpacked into a folder, after some changes: new bytes, or nil to leave a file out.
  private static func folder(_ changes: [String: [UInt8]?] = [:]) throws -> ScratchFolder {
    let folder = try ScratchFolder()
    let entries = try ArchiveReader.entries(of: Beside.fixture("rgb.tar.xz").path, cancel: CancelFlag())
    for entry in entries where !changes.keys.contains(entry.path) { try folder.write(entry.bytes, to: entry.path) }
    for (path, bytes) in changes {
      if let bytes { try folder.write(bytes, to: path) }
    }
    return folder
  }

  private static func error(_ changes: [String: [UInt8]?]) throws -> String {
    let folder = try folder(changes)
    defer { folder.remove() }
    return try error(at: folder.url.path).replacingOccurrences(of: folder.url.path, with: "FOLDER")
  }

  private static func error(at path: String) throws -> String {
    do {
      _ = try ImageFolder.load(path: path, cancel: CancelFlag(), progress: { _, _ in })
      return "nothing was thrown"
    } catch {
      return error.description
    }
  }

  private static func bytes(_ entry: String) throws -> [UInt8] {
    let entries = try ArchiveReader.entries(of: Beside.fixture("rgb.tar.xz").path, cancel: CancelFlag())
    return try #require(entries.first { $0.path == entry }?.bytes)
  }

  @Test(arguments: [("grey", "grey.zip", 1), ("rgb", "rgb.tar.xz", 3)])
  func `pixels are those that Pillow reads`(_ kind: String, _ archive: String, _ channels: Int) throws {
    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: Beside.fixture("images.json")))
    let expected = try #require(reference.pixels[kind])
    let (train, test) = try Self.load(Beside.fixture(archive).path)
    #expect(train.classNames == ["Dog", "cat"])
    #expect(train.labels == [0, 0, 0, 1, 1, 1] && test.labels == [0, 0, 1, 1])
    #expect(shape(train) == [6, channels, 16, 12])
    for (part, images) in [("train", train), ("test", test)] {
      let paths = expected.keys.filter { $0.hasPrefix(part) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      #expect(images.pixels == paths.flatMap { expected[$0] ?? [] })
    }
  }

  @Test func `a folder is read as its archive is`() throws {
    let folder = try Self.folder([".DS_Store": [1], "train/cat/.hidden": [1]])
    defer { folder.remove() }
    let (train, test) = try Self.load(folder.url.path)
    let archive = try Self.load(Beside.fixture("rgb.tar.xz").path)
    #expect(train == archive.train && test == archive.test)
  }

  @Test func `progress ends at the number of images`() throws {
    let flag = CancelFlag()
    _ = try ImageFolder.load(path: Beside.fixture("grey.zip").path, cancel: CancelFlag()) { done, total in
      if done == 10, total == 10 { flag.cancel(signal: 1) }
    }
    #expect(flag.isCancelled)
  }

  @Test func `what is wrong with a folder is said with the file's name`() throws {
    let png = try Self.bytes("train/cat/1.png")
    let jpeg = try Self.bytes("train/cat/0.jpg")
    #expect(
      try Self.error(["train/cat/1.png": Array(png.dropLast(40))])
        == "'train/cat/1.png' in 'FOLDER' cannot be decoded: read beyond end of data; "
        + "expected a grey or RGB image as JPEG or PNG")
    let cut = try Self.error(["test/Dog/0.jpg": Array(jpeg.prefix(jpeg.count / 2))])
    #expect(cut.hasPrefix("'test/Dog/0.jpg' in 'FOLDER' cannot be decoded: "), "\(cut)")
    #expect(
      try Self.error(["train/cat/2.jpeg": Array("GIF89a".utf8)])
        == "'train/cat/2.jpeg' in 'FOLDER' cannot be decoded: it is neither JPEG nor PNG; "
        + "expected a grey or RGB image as JPEG or PNG")
    #expect(
      try Self.error(["train/cat/2.jpeg": []])
        == "'train/cat/2.jpeg' in 'FOLDER' cannot be decoded: the file is empty; "
        + "expected a grey or RGB image as JPEG or PNG")
    #expect(
      try Self.error(["train/cat/notes.txt": [1]])
        == "'train/cat/notes.txt' in 'FOLDER' is no image of a class; expected train/<class>/<name> or "
        + "test/<class>/<name> ending in .jpg, .jpeg or .png")
    let grey = try ArchiveReader.entries(of: Beside.fixture("grey.zip").path, cancel: CancelFlag())[0]
    #expect(
      try Self.error(["train/cat/0.jpg": grey.bytes])
        == "'train/cat/0.jpg' in 'FOLDER' is 16×12 grey, but 'train/Dog/0.jpg' is 16×12 RGB; "
        + "expected all images alike")
  }

  @Test func `what is missing in a folder is said with its name`() throws {
    let gone: [UInt8]? = nil
    #expect(
      try Self.error(["test/cat/0.jpg": gone, "test/cat/1.png": gone, "test/cat/.keep": [1]])
        == "class 'test/cat' in 'FOLDER' is empty; expected at least one .jpg or .png image")
    #expect(
      try Self.error(["test/cat/0.jpg": gone, "test/cat/1.png": gone])
        == "class 'cat' in 'FOLDER' is in 'train' but not in 'test'; expected the same classes in both")
    let empty = try ScratchFolder()
    defer { empty.remove() }
    #expect(
      try Self.error(at: empty.url.path).hasSuffix(
        "has no images in 'train/<class>/'; expected train/<class>/*.jpg and test/<class>/*.jpg (or .png)"))
    #expect(
      try Self.error(at: "/no/such/place")
        == "'/no/such/place' does not exist; expected a folder, tar or zip with train/<class>/ and test/<class>/")
  }

  @Test(arguments: ["rgb.tar.xz", "grey.zip", "images.json"])
  func `an archive that is cut off, or is none, is refused`(_ name: String) throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let whole = [UInt8](try Data(contentsOf: Beside.fixture(name)))
    let path = try folder.write(Array(whole.prefix(whole.count / 2)), to: name)
    #expect(try Self.error(at: path).contains("cannot be unpacked: "))
  }

  /// The start of a process's memory is a file that opens and cannot be read.
  @Test func `what the system refuses is not called corrupt`() throws {
    #expect(try Self.error(at: "/proc/self/mem").hasPrefix("cannot read '/proc/self/mem': "))
  }

  @Test func `a raised flag stops the reading`() throws {
    let cancel = CancelFlag()
    cancel.cancel(signal: 2)
    #expect(throws: LearningError.interrupted(signal: 2)) {
      try ImageFolder.load(path: Beside.fixture("rgb.tar.xz").path, cancel: cancel, progress: { _, _ in })
    }
  }

  @Test(.enabled(if: RealData.isThere("cifar10-jpeg"), "no cifar10-jpeg/ in LETHE_DATA or ../shared/data"))
  func `CIFAR-10 as JPEG is read whole`() throws {
    let path = RealData.path("cifar10-jpeg/cifar10-jpeg.tar.xz")
    let data = try Dataset.load(.images(path: path), permutationSeed: 1, testLimit: 5_000, cancel: CancelFlag())
    #expect(data.train.count == 50_000 && data.test.count == 5_000)
    #expect(data.train.classNames.first == "airplane" && data.train.classNames.last == "truck")
    // CIFAR-10's own mean is .4914/.4822/.4465; JPEG moves it a little.
    for (found, known) in zip(data.mean, [0.4914, 0.4822, 0.4465]) { #expect(abs(found - known) < 2e-4) }
  }
}
