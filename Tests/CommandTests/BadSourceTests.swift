import Foundation
import Testing

/// Ten or more bad inputs for each source of images: a message that says what would be right, the documented code, and
/// nothing on disk that looks like a result.
@Suite struct BadSourceTests {
  struct Mistake: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// What is different from the good files: content, or nil for a file that is not there.
    let changes: [String: Data?]
    let message: String
    let code: Int32
    let path: String

    init(
      _ description: String, _ changes: [String: Data?], _ message: String, code: Int32 = 65, path: String = "data"
    ) {
      testDescription = description
      self.changes = changes
      self.message = message
      self.code = code
      self.path = path
    }
  }

  /// Runs the small recipe on files of a source.
  private func expect(
    _ mistake: Mistake, source: String, good: [String: Data], forget: String = "{random: 0.1}"
  ) throws {
    let command = try Command()
    for (name, data) in good.merging(mistake.changes.compactMapValues(\.self), uniquingKeysWith: { $1 })
    where mistake.changes[name].map({ $0 != nil }) ?? true {
      let file = command.folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: file)
    }
    let answer = try command.small(
      "run",
      [
        "data.source=\(source)", "data.path=\(mistake.path)", "data.train=null", "data.test=null", "forget=\(forget)",
        "evaluate.metrics=[ua]",
      ])
    #expect(answer.code == mistake.code, "\(answer.err)")
    let last = answer.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(last.hasPrefix("error: ") && last.contains(mistake.message), "\(answer.err)")
    #expect(answer.out.isEmpty)
    #expect(try command.unfinishedFiles() == [])
  }

  // MARK: CIFAR

  /// Rows of one label and 3 072 equal bytes.
  private static func rows(_ labels: [UInt8]) -> Data {
    labels.reduce(into: Data()) { $0 += Data([$1]) + Data(repeating: $1, count: 3072) }
  }

  private static let cifarFiles: [String: Data] = {
    var files = ["data/test_batch.bin": rows([0, 1]), "data/batches.meta.txt": Data("a\nb\n".utf8)]
    for number in 1...5 { files["data/data_batch_\(number).bin"] = rows([0, 1, 0, 1]) }
    return files
  }()

  static let cifar = [
    Mistake(
      "nothing there", [:], "does not exist; expected a folder, tar or zip with the .bin files", code: 66, path: "no"),
    Mistake(
      "a batch that is not there", ["data/data_batch_4.bin": nil], "lacks 'data_batch_4.bin'; expected the binary"),
    Mistake("no test batch", ["data/test_batch.bin": nil], "lacks 'test_batch.bin'"),
    Mistake("a batch cut off", ["data/data_batch_1.bin": rows([0]).dropLast()], "which are not whole rows of 3073"),
    Mistake("an empty batch", ["data/data_batch_1.bin": Data()], "has 0 bytes in 'data_batch_1.bin'"),
    Mistake(
      "a label without a name", ["data/data_batch_2.bin": rows([0, 2])], "has label 2 in row 1 of 'data_batch_2.bin'"),
    Mistake("names that are no text", ["data/batches.meta.txt": Data([0xFF])], "'batches.meta.txt' that is not text"),
    Mistake("a name twice", ["data/batches.meta.txt": Data("a\na\n".utf8)], "lines that are not as many classes"),
    Mistake(
      "a gap between labels", ["data/batches.meta.txt": nil, "data/data_batch_2.bin": rows([7])],
      "is 7; expected a class"),
    Mistake("CIFAR-100 beside it", ["data/train.bin": rows([0])], "holds both CIFAR-10 and CIFAR-100"),
    Mistake(
      "an archive cut off", ["data.zip": zip([("a", Data(count: 400))]).prefix(100)], "cannot be unpacked",
      path: "data.zip"),
    Mistake(
      "the version for Python", ["other/data_batch_1": Data([0x80, 2])], "pickles are never opened", path: "other"),
  ]

  @Test(arguments: cifar) func `CIFAR files that cannot be read`(_ mistake: Mistake) throws {
    try expect(mistake, source: "cifar", good: Self.cifarFiles)
  }

  // MARK: Arrays

  private typealias Arrays = [String: (type: String, shape: [Int], bytes: Data)]

  private static let arrays: Arrays = [
    "x_train": ("u1", [20, 8, 8], Data(repeating: 7, count: 1280)),
    "y_train": ("u1", [20], Data((0..<20).map { $0 % 2 })),
    "x_test": ("u1", [4, 8, 8], Data(repeating: 9, count: 256)), "y_test": ("u1", [4], Data([0, 1, 0, 1])),
  ]

  private static func changed(_ name: String, _ type: String, _ shape: [Int], _ count: Int, of byte: UInt8 = 0)
    -> Arrays
  {
    arrays.merging([name: (type, shape, Data(repeating: byte, count: count))]) { $1 }
  }

  private static let spoilt: [(String, Arrays, String)] = [
    ("no images", arrays.filter { $0.key != "x_train" }, "has no array 'x_train'; expected x_train, y_train"),
    ("no labels", arrays.filter { $0.key != "y_test" }, "has no array 'y_test'"),
    ("floats for images", changed("x_train", "f4", [20, 8, 8], 5120), "has 'x_train' as "),
    ("a matrix of pixels", changed("x_train", "u1", [20, 64], 1280), "has 'x_train' as uint8 [20, 64]"),
    ("five channels", changed("x_train", "u1", [20, 8, 8, 5], 6400), "has 'x_train' as uint8 [20, 8, 8, 5]"),
    ("no image", changed("x_test", "u1", [0, 8, 8], 0), "has nothing in 'x_test'"),
    ("images of two sizes", changed("x_test", "u1", [4, 4, 16], 256), "holds test images of 4×16 grey"),
    ("too few labels", changed("y_train", "u1", [3], 3), "has 20 images in 'x_train', but 3 labels in 'y_train'"),
    ("floats for labels", changed("y_train", "f8", [20], 160), "has 'y_train' as "),
    ("a class in test only", changed("y_test", "u1", [4], 4, of: 9), "is 9; expected a class from 0 to 1"),
    ("negative labels", changed("y_test", "i1", [4], 4, of: 255), "is -1; expected a class from 0 to 1"),
  ]

  private static func npz(_ arrays: Arrays) -> Data {
    zip(
      arrays.sorted { $0.key < $1.key }.map { name, array in
        let shape = array.shape.map { "\($0)," }.joined(separator: " ")
        var header = "{'descr': '<\(array.type)', 'fortran_order': False, 'shape': (\(shape)), }"
        while (header.utf8.count + 11) % 64 != 0 { header += " " }
        header += "\n"
        return (
          "\(name).npy",
          Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0])
            + Data(header.utf8) + array.bytes
        )
      })
  }

  private static func safetensors(_ arrays: Arrays) -> Data {
    var parts: [String] = []
    var data = Data()
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
      let type = ["u1": "U8", "i1": "I8", "f4": "F32", "f8": "F64"][array.type] ?? ""
      parts.append(
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(array.shape),\"data_offsets\":[\(data.count),\(data.count + array.bytes.count)]}"
      )
      data += array.bytes
    }
    let header = Data("{\(parts.joined(separator: ","))}".utf8)
    return Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }) + header + data
  }

  static let npzFiles =
    spoilt.map { Mistake($0.0, ["data.npz": npz($0.1)], $0.2, path: "data.npz") } + [
      Mistake("nothing there", [:], "no.npz' does not exist; expected a .npz file", code: 66, path: "no.npz"),
      Mistake("an archive cut off", ["data.npz": npz(arrays).prefix(700)], "cannot be unpacked", path: "data.npz"),
      Mistake(
        "text inside", ["data.npz": zip([("x_train.npy", Data("text".utf8))])],
        "holds an array 'x_train' that does not start as a .npy file does", path: "data.npz"),
      Mistake(
        "SVHN as it comes", ["train_32x32.mat": Data("MATLAB 5.0".utf8)], "scripts/convert-svhn makes a .npz of SVHN",
        path: "train_32x32.mat"),
    ]

  @Test(arguments: npzFiles) func `NumPy archives that cannot be read`(_ mistake: Mistake) throws {
    try expect(mistake, source: "npz", good: [:])
  }

  static let safetensorsFiles =
    spoilt.map { Mistake($0.0, ["data.st": safetensors($0.1)], $0.2, path: "data.st") } + [
      Mistake("nothing there", [:], "no.st' does not exist; expected a safetensors file", code: 66, path: "no.st"),
      Mistake("cut off", ["data.st": safetensors(arrays).dropLast(9)], "it is truncated", path: "data.st"),
      Mistake(
        "a pickle", ["data.st": Data([0x80, 2, 0, 0, 0, 0, 0, 0, 0])], "is no safetensors file: it is a Python pickle",
        path: "data.st"),
    ]

  @Test(arguments: safetensorsFiles) func `safetensors arrays that cannot be read`(_ mistake: Mistake) throws {
    try expect(mistake, source: "safetensors", good: [:])
  }

  // MARK: Tiny-ImageNet

  private static let tinyFiles: [String: Data] = [
    "data/train/n01/images/n01_0.JPEG": picture, "data/train/n02/images/n02_0.JPEG": picture,
    "data/val/images/val_0.JPEG": picture, "data/val/images/val_1.JPEG": picture,
    "data/val/val_annotations.txt": Data("val_0.JPEG\tn01\t0\t0\t1\t1\nval_1.JPEG\tn02\t0\t0\t1\t1\n".utf8),
    "data/wnids.txt": Data("n01\nn02\n".utf8),
  ]

  /// A grey PNG of one pixel. What an image is called does not matter.
  private static let picture =
    Data(
      base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
    ?? Data()

  private static func annotations(_ text: String) -> [String: Data?] {
    ["data/val/val_annotations.txt": Data(text.utf8)]
  }

  static let tiny = [
    Mistake("nothing there", [:], "no' does not exist; expected the folder of Tiny-ImageNet", code: 66, path: "no"),
    Mistake(
      "another folder", ["other/a.txt": Data()], "has no 'train/<wnid>/images'; expected Tiny-ImageNet", path: "other"),
    Mistake(
      "no validation images", ["data/val/images/val_0.JPEG": nil, "data/val/images/val_1.JPEG": nil],
      "has no 'val/images'"),
    Mistake("no annotations", ["data/val/val_annotations.txt": nil], "has no 'val/val_annotations.txt'"),
    Mistake("annotations that are no text", ["data/val/val_annotations.txt": Data([0xFF])], "is not text"),
    Mistake("spaces for tabs", annotations("val_0.JPEG n01\n"), "line 1 of "),
    Mistake("an unknown class", annotations("val_0.JPEG\tn03\n"), "names the class 'n03', which 'train' has not"),
    Mistake("an image twice", annotations("val_0.JPEG\tn01\nval_0.JPEG\tn02\n"), "a second time"),
    Mistake(
      "an image without annotation", annotations("val_0.JPEG\tn01\n"), "says nothing about 'val/images/val_1.JPEG'"),
    Mistake(
      "an annotation without image", annotations("val_0.JPEG\tn01\nval_1.JPEG\tn02\nval_2.JPEG\tn02\n"),
      "speaks of 'val_2.JPEG'"),
    Mistake(
      "a class that was not unpacked", ["data/train/n02/images/n02_0.JPEG": nil], "wnids.txt' names the class 'n02'"),
    Mistake("text called JPEG", ["data/train/n01/images/n01_0.JPEG": Data("text".utf8)], "it is neither JPEG nor PNG"),
    Mistake(
      "a text among the images", ["data/train/n01/images/list.txt": Data()], "is no image; expected names ending in"),
    Mistake(
      "an archive cut off", ["data.zip": zip([("a", Data(count: 400))]).prefix(100)], "cannot be unpacked",
      path: "data.zip"),
  ]

  @Test(arguments: tiny) func `Tiny-ImageNet that cannot be read`(_ mistake: Mistake) throws {
    try expect(mistake, source: "tiny-imagenet", good: Self.tinyFiles)
  }

  // MARK: Lists of files

  private static let folderFiles: [String: Data] = [
    "data/train/a/1.png": picture, "data/train/a/2.png": picture, "data/train/b/1.png": picture,
    "data/test/a/1.png": picture, "data/test/b/1.png": picture,
  ]

  private static func list(_ text: String) -> [String: Data?] { ["list.txt": Data(text.utf8)] }

  static let lists = [
    Mistake("nothing there", [:], "list.txt' does not exist; expected a file", code: 66),
    Mistake("an empty list", list(""), "the forget set is empty"),
    Mistake("comments only", list("# nothing\n\n"), "the forget set is empty"),
    Mistake("bytes that are no text", ["list.txt": Data([0xFF, 0xFE])], "list.txt' is not text"),
    Mistake("a folder", ["list.txt/a": Data()], "cannot read '", code: 74),
    Mistake("a misspelt name", list("train/a/1.pgn\n"), "the nearest is 'train/a/1.png'"),
    Mistake("another part", list("test/a/1.png\n"), "names 'test/a/1.png', which is none of the 3 training images"),
    Mistake("without the part", list("a/1.png\n"), "the nearest is 'train/a/1.png'"),
    Mistake("an absolute path", list("/data/train/b/1.png\n"), "the nearest is 'train/b/1.png'"),
    Mistake("indices", list("1\n2\n"), "line 1 of "),
    Mistake("a name twice", list("train/a/1.png\n./train/a/1.png\n"), "line 2 of "),
    Mistake(
      "everything", list("train/a/1.png\ntrain/a/2.png\ntrain/b/1.png\n"), "the forget set is the whole training data"),
  ]

  @Test(arguments: lists) func `lists of files that cannot be followed`(_ mistake: Mistake) throws {
    try expect(mistake, source: "images", good: Self.folderFiles, forget: "{files: list.txt}")
  }

  @Test func `a list of files for data without files is refused`() throws {
    let command = try Command()
    try command.write("a.png\n", to: "list.txt")
    let answer = try command.small("run", ["forget={files: list.txt}"])
    #expect(answer.code == 65 && answer.err.contains("the images of this data are not in files"), "\(answer.err)")
  }
}

/// A zip whose files are stored, not squeezed.
private func zip(_ files: [(String, Data)]) -> Data {
  func little(_ value: Int, _ bytes: Int) -> Data {
    Data((0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
  }
  var out = Data()
  var directory = Data()
  for (name, bytes) in files {
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }
    let facts =
      little(20, 2) + little(0, 8) + little(Int(~sum), 4) + little(bytes.count, 4) + little(bytes.count, 4)
      + little(name.utf8.count, 2) + little(0, 2)
    directory += Data([0x50, 0x4B, 1, 2]) + little(20, 2) + facts + little(0, 10) + little(out.count, 4)
    directory += Data(name.utf8)
    out += Data([0x50, 0x4B, 3, 4]) + facts + Data(name.utf8) + bytes
  }
  let end = little(0, 4) + little(files.count, 2) + little(files.count, 2) + little(directory.count, 4)
  return out + directory + Data([0x50, 0x4B, 5, 6]) + end + little(out.count, 4) + little(0, 2)
}
