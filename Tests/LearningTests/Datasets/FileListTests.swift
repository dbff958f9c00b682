import Foundation
import Testing

@testable import Learning

struct FileListTests {
  private static let files = [
    "train/cat/0001.jpg", "train/cat/0002.jpg", "train/dog/0001.jpg", "train/dog/#3 of 4.jpg", "train/dog/ü.jpg",
  ]

  private static func read(_ bytes: [UInt8], files: [String] = files) throws -> [Int32] {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    return try FileList.read(folder.write(bytes, to: "list.txt"), files: files)
  }

  private static func error(_ text: String, files: [String] = files) throws -> String {
    try error(Array(text.utf8), files: files)
  }

  private static func error(_ bytes: [UInt8], files: [String] = files) throws -> String {
    do {
      _ = try read(bytes, files: files)
      return "nothing was thrown"
    } catch let error as LearningError {
      #expect(error.exitCode == 65)
      return error.description.replacing(/'[^']*list.txt'/, with: "LIST")
    }
  }

  @Test func `files are found in the order of the list`() throws {
    let text = "train/dog/0001.jpg\n\n# a comment\n ./train/cat/0001.jpg \r\ntrain/dog/#3 of 4.jpg\ntrain/dog/ü.jpg"
    #expect(try Self.read(Array(text.utf8)) == [2, 0, 3, 4])
    #expect(try Self.read([]) == [])
  }

  @Test(arguments: [
    ("train/cat/0003.jpg", "train/cat/0001.jpg"), ("train/cat/0002.jpeg", "train/cat/0002.jpg"),
    ("cat/0002.jpg", "train/cat/0002.jpg"), ("/data/train/dog/0001.jpg", "train/dog/0001.jpg"),
    ("test/cat/0001.jpg", "train/cat/0001.jpg"), ("train/Cat/0002.jpg", "train/cat/0002.jpg"),
  ]) func `an unknown name is refused with the nearest`(_ name: String, _ nearest: String) throws {
    #expect(
      try Self.error("train/dog/0001.jpg\n\(name)\n")
        == "line 2 of LIST names '\(name)', which is none of the 5 training images; the nearest is '\(nearest)'")
  }

  @Test func `a name with nothing in common with any gets no suggestion`() throws {
    #expect(
      try Self.error("zzz")
        == "line 1 of LIST names 'zzz', which is none of the 5 training images; expected paths from the data's folder")
  }

  @Test func `a name twice, bytes that are no text, and data without files are refused`() throws {
    #expect(
      try Self.error("train/cat/0001.jpg\n./train/cat/0001.jpg")
        == "line 2 of LIST names 'train/cat/0001.jpg' a second time; "
        + "expected the path of one training image a line, each once")
    #expect(
      try Self.error([0xFF, 0xFE])
        == "LIST is not text; expected the path of one training image a line, each once")
    #expect(
      try Self.error("train/cat/0001.jpg", files: [])
        == "LIST lists files, but the images of this data are not in files; give 'forget: {indices: FILE}'")
    #expect(throws: LearningError.missing(path: "/no/such.txt", expected: "a file")) {
      try FileList.read("/no/such.txt", files: Self.files)
    }
  }

  @Test func `files stay with their images through the permutation`() throws {
    let path = Beside.fixture("rgb.tar.xz").path
    let plain = try Dataset.load(.images(path: path), permutationSeed: nil, cancel: CancelFlag())
    let shuffled = try Dataset.load(.images(path: path), permutationSeed: 7, cancel: CancelFlag())
    #expect(plain.train.files.first == "train/Dog/0.jpg" && plain.train.files != shuffled.train.files)
    let size = plain.train.imageSize
    for (position, file) in shuffled.train.files.enumerated() {
      let old = try #require(plain.train.files.firstIndex(of: file))
      #expect(shuffled.train.labels[position] == plain.train.labels[old])
      #expect(
        shuffled.train.pixels[position * size..<(position + 1) * size]
          == plain.train.pixels[old * size..<(old + 1) * size])
    }
  }

  @Test func `a list forgets its images, and only those`() throws {
    let dataset = try Dataset.load(
      .images(path: Beside.fixture("rgb.tar.xz").path), permutationSeed: 3, cancel: CancelFlag())
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let list = try folder.write(Array("train/cat/1.png\ntrain/Dog/2.jpeg\n".utf8), to: "list.txt")
    let split = try Splitter.split(dataset, forgetting: .files(list: list), validation: .amount(.count(0), seed: 1))
    #expect(Set(split.forget.map { dataset.train.files[Int($0)] }) == ["train/cat/1.png", "train/Dog/2.jpeg"])
    #expect(split.retain.count == 4 && split.test.count == 4)
  }
}
