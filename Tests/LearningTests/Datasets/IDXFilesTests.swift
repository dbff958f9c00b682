import Foundation
import Testing

@testable import Learning

struct IDXFilesTests {
  /// Three training and two test images of 2×3 with classes 0, 1, 2.
  private static let good: [String: [UInt8]] = [
    "train-images-idx3-ubyte": header(0x803, 3, 2, 3) + (0..<18).map { $0 },
    "train-labels-idx1-ubyte": header(0x801, 3) + [2, 0, 1],
    "t10k-images-idx3-ubyte": header(0x803, 2, 2, 3) + (100..<112).map { $0 },
    "t10k-labels-idx1-ubyte": header(0x801, 2) + [1, 1],
  ]

  private static func header(_ numbers: UInt32...) -> [UInt8] {
    numbers.flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
  }

  private static func folder(_ changes: [String: [UInt8]?] = [:]) throws -> ScratchFolder {
    let folder = try ScratchFolder()
    for (name, bytes) in good {
      let changed = changes.keys.contains(name) ? changes[name] ?? nil : bytes
      if let changed { try folder.write(changed, to: name) }
    }
    for (name, bytes) in changes where good[name] == nil {
      if let bytes { try folder.write(bytes, to: name) }
    }
    return folder
  }

  private static func error(_ changes: [String: [UInt8]?]) throws -> String {
    let folder = try folder(changes)
    defer { folder.remove() }
    do {
      _ = try IDXFiles.load(folder: folder.url.path, cancel: CancelFlag())
      return "nothing was thrown"
    } catch {
      return error.description.replacingOccurrences(of: folder.url.path, with: "FOLDER")
    }
  }

  @Test func `plain and gzip files give the same images`() throws {
    let plain = try Self.folder()
    defer { plain.remove() }
    let packed = try ScratchFolder()
    defer { packed.remove() }
    for (name, bytes) in Self.good { try packed.write(gzip(bytes), to: "\(name).gz") }
    let (train, test) = try IDXFiles.load(folder: plain.url.path, cancel: CancelFlag())
    let again = try IDXFiles.load(folder: packed.url.path, cancel: CancelFlag())
    #expect(train == again.train && test == again.test)
    #expect(shape(train) == [3, 1, 2, 3])
    #expect(train.pixels == (0..<18).map { UInt8($0) } && train.labels == [2, 0, 1])
    #expect(test.labels == [1, 1] && test.classNames == ["0", "1", "2"])
  }

  @Test func `a missing file is named with what would do`() throws {
    #expect(
      try Self.error(["t10k-labels-idx1-ubyte": nil])
        == "'FOLDER/t10k-labels-idx1-ubyte' does not exist; "
        + "expected it there, plain or as 't10k-labels-idx1-ubyte.gz'")
  }

  @Test func `a file of another kind is refused by its first bytes`() throws {
    #expect(
      try Self.error(["train-images-idx3-ubyte": Self.good["train-labels-idx1-ubyte"].map { $0 + $0 }])
        == "'FOLDER/train-images-idx3-ubyte' starts with 0x00000801, not with 0x00000803 "
        + "as an IDX file of images does")
  }

  @Test(arguments: [-1, 1]) func `a file of the wrong length is refused`(_ extra: Int) throws {
    let images = try #require(Self.good["train-images-idx3-ubyte"])
    let changed = extra < 0 ? Array(images.dropLast()) : images + [0]
    #expect(
      try Self.error(["train-images-idx3-ubyte": changed])
        == "'FOLDER/train-images-idx3-ubyte' holds \(34 + extra) bytes when unpacked, but its header announces 34")
  }

  @Test func `an empty file is refused`() throws {
    #expect(
      try Self.error(["train-labels-idx1-ubyte": []])
        == "'FOLDER/train-labels-idx1-ubyte' holds 0 bytes when unpacked, but its header announces 8")
  }

  @Test func `a header that announces too much is refused before anything is allocated`() throws {
    #expect(
      try Self.error(["train-images-idx3-ubyte": Self.header(0x803, 0xFFFF_FFFF, 1024, 1024)])
        == "the header of 'FOLDER/train-images-idx3-ubyte' announces 4294967295 images of 1024×1024; "
        + "expected at least one image, of at most 1024×1024, and less than 2 GiB in all")
  }

  @Test func `images and labels must be as many`() throws {
    #expect(
      try Self.error(["train-labels-idx1-ubyte": Self.header(0x801, 2) + [0, 1]])
        == "'FOLDER/train-images-idx3-ubyte' holds 3 images, but 'FOLDER/train-labels-idx1-ubyte' holds 2 labels; "
        + "expected one label an image")
  }

  @Test func `a label beyond the classes is named`() throws {
    #expect(
      try Self.error(["t10k-labels-idx1-ubyte": Self.header(0x801, 2) + [1, 9]])
        == "label 1 in 'FOLDER/t10k-labels-idx1-ubyte' is 9; expected a class from 0 to 2, "
        + "as no training sample has label 3")
    #expect(
      try Self.error(["train-labels-idx1-ubyte": Self.header(0x801, 3) + [0, 1, 200]])
        == "label 2 in 'FOLDER/train-labels-idx1-ubyte' is 200; expected a class from 0 to 1, "
        + "as no training sample has label 2")
  }

  @Test func `test images of another size are refused`() throws {
    #expect(
      try Self.error(["t10k-images-idx3-ubyte": Self.header(0x803, 2, 3, 2) + (0..<12).map { $0 }])
        == "images in 'FOLDER/t10k-images-idx3-ubyte' are 3×2, but those in 'FOLDER/train-images-idx3-ubyte' are 2×3; "
        + "expected one size")
  }

  @Test(arguments: ["truncated", "flipped"]) func `a damaged gzip file is refused`(_ damage: String) throws {
    var packed = gzip(try #require(Self.good["train-images-idx3-ubyte"]))
    if damage == "truncated" { packed.removeLast(20) } else { packed[40] ^= 1 }
    let message = try Self.error([
      "train-images-idx3-ubyte": nil, "train-images-idx3-ubyte.gz": packed,
    ])
    #expect(
      message.hasPrefix("'FOLDER/train-images-idx3-ubyte.gz' cannot be unpacked: ")
        || message.hasPrefix("'data' in 'FOLDER/train-images-idx3-ubyte.gz' cannot be unpacked: "), "\(message)")
  }

  @Test func `the checksum is the one of gzip`() {
    #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
  }

  @Test(.enabled(if: RealData.isThere("mnist"), "no mnist/ in LETHE_DATA or ../shared/data"))
  func `MNIST is read whole`() throws {
    let data = try Dataset.load(.idx(folder: RealData.path("mnist")), permutationSeed: 1, cancel: CancelFlag())
    #expect(data.train.count == 60_000 && data.test.count == 10_000)
    // The constants that everybody normalises MNIST with.
    #expect(data.mean == [0.1307] && data.standardDeviation == [0.3081])
    #expect(data.train.labels.count { $0 == 5 } == 5_421)
  }
}
