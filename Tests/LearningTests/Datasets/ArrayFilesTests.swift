import Foundation
import Tensors
import Testing

@testable import Learning

struct ArrayFilesTests {
  private struct Reference: Decodable {
    let colour, grey: [String: [UInt8]]
    let labels: [String: [Int32]]
  }

  private static func load(_ path: String) throws -> (train: ImageArrays, test: ImageArrays) {
    path.hasSuffix("npz")
      ? try ArrayFiles.npz(path: path, cancel: CancelFlag())
      : try ArrayFiles.safetensors(path: path, cancel: CancelFlag())
  }

  @Test(arguments: ["channels-last.npz", "channels-first.npz", "grey.npz", "channels-last.safetensors"])
  func `images and labels are those that NumPy wrote`(_ name: String) throws {
    let reference = try JSONDecoder().decode(
      Reference.self, from: Data(contentsOf: Beside.fixture("Arrays/arrays.json")))
    let (train, test) = try Self.load(Beside.fixture("Arrays/\(name)").path)
    let isGrey = name == "grey.npz"
    #expect(shape(train) == [5, isGrey ? 1 : 3, 6, 4] && shape(test) == [3, isGrey ? 1 : 3, 6, 4])
    for (part, images) in [("train", train), ("test", test)] {
      #expect(images.pixels == (isGrey ? reference.grey : reference.colour)[part])
      #expect(images.labels == reference.labels[part])
      #expect(images.classNames == ["0", "1", "2"])
    }
  }

  // MARK: Mistakes

  /// What each array of a good file is: type, shape, bytes.
  private static let good: Arrays = [
    ("x_train", .uint8, [3, 2, 2], Array(0..<12)), ("y_train", .uint8, [3], [0, 1, 0]),
    ("x_test", .uint8, [2, 2, 2], Array(0..<8)), ("y_test", .uint8, [2], [1, 0]),
  ]

  struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let name: String
    let type: DType
    let shape: [Int]
    let bytes: [UInt8]
    let message: String

    init(
      _ description: String, _ name: String, _ type: DType, _ shape: [Int], _ bytes: [UInt8], _ message: String
    ) {
      testDescription = description
      (self.name, self.type, self.shape, self.bytes, self.message) = (name, type, shape, bytes, message)
    }
  }

  static let mistakes = [
    Mistake("floats", "x_train", .float32, [3, 1, 1], Array(repeating: 0, count: 12), "has 'x_train' as "),
    Mistake(
      "wide integers", "x_train", .int16, [3, 2, 1], Array(repeating: 0, count: 12), "'x_train' as int16 [3, 2, 1]"),
    Mistake("no rank for images", "x_train", .uint8, [3, 4], Array(0..<12), "has 'x_train' as uint8 [3, 4]"),
    Mistake("channels nowhere", "x_train", .uint8, [3, 2, 1, 2], Array(0..<12), "has 'x_train' as uint8 [3, 2, 1, 2]"),
    Mistake("channels at both ends", "x_train", .uint8, [3, 1, 4, 1], Array(0..<12), "as uint8 [3, 1, 4, 1]"),
    Mistake("nothing", "x_train", .uint8, [0, 2, 2], [], "has nothing in 'x_train', whose shape is [0, 2, 2]"),
    Mistake("another size", "x_test", .uint8, [2, 4, 1], Array(0..<8), "holds test images of 4×1 grey"),
    Mistake("too few labels", "y_train", .uint8, [2], [0, 1], "has 3 images in 'x_train', but 2 labels in 'y_train'"),
    Mistake("labels one-hot", "y_train", .uint8, [3, 2], [0, 1, 1, 0, 0, 1], "has 'y_train' as uint8 [3, 2]"),
    Mistake("float labels", "y_train", .float32, [3], Array(repeating: 0, count: 12), "has 'y_train' as "),
    Mistake("a class in test only", "y_test", .uint8, [2], [1, 2], "label 1 in 'FILE/y_test' is 2"),
    Mistake("a negative label", "y_train", .int8, [3], [0, 255, 1], "label 1 in 'FILE/y_train' is -1"),
    Mistake("both names", "train_labels", .uint8, [3], [0, 1, 0], "has both 'y_train' and 'train_labels'"),
  ]

  private static func error(_ path: String) throws -> LearningError {
    do {
      _ = try load(path)
    } catch let error as LearningError {
      return error
    }
    Issue.record("nothing was thrown")
    return .emptyForgetSet
  }

  @Test(arguments: mistakes, ["a.npz", "a.safetensors"])
  func `arrays that are no images or labels are refused`(_ mistake: Mistake, _ name: String) throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    var arrays = Self.good.filter { $0.name != mistake.name }
    arrays.append((mistake.name, mistake.type, mistake.shape, mistake.bytes))
    let path = try folder.write(name.hasSuffix("npz") ? npz(arrays) : safetensors(arrays), to: name)
    let error = try Self.error(path)
    #expect(error.exitCode == 65)
    let text = error.description.replacing(path, with: "FILE")
    #expect(text.contains(mistake.message), "\(text)")
  }

  @Test(arguments: ["x_train", "y_train", "x_test", "y_test"], ["a.npz", "a.safetensors"])
  func `an array that is not there is named`(_ missing: String, _ name: String) throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let arrays = Self.good.filter { $0.name != missing }
    let path = try folder.write(name.hasSuffix("npz") ? npz(arrays) : safetensors(arrays), to: name)
    #expect(try Self.error(path) == .arrays(path: path, reason: "has no array '\(missing)'"))
  }

  @Test(arguments: [
    ("cut off", Array(npy("|u1", "(3,)", [0, 1, 0]).dropLast()), "holds 2 bytes where its header announces 3"),
    ("another file", Array("no array at all".utf8), "does not start as a .npy file does"),
    ("in Fortran's order", npy("|u1", "(3, 1)", [0, 1, 0], fortran: true), "is in Fortran's order"),
    ("big-endian", npy(">i4", "(1,)", [0, 0, 0, 0]), "holds big-endian numbers"),
    ("objects", npy("|O", "(1,)", [0]), "holds Python objects, and pickles are never opened"),
    ("a record", npy("", "(1,)", [0]), "holds elements of type ''"),
    ("an impossible shape", npy("<i8", "(4611686018427387904, 4)", []), "has an impossible shape"),
    ("no shape", npy("<i8", "3", [0, 0, 0, 0, 0, 0, 0, 0]), "has a header without a shape"),
  ]) func `an array inside a npz that NumPy would not read is refused`(
    _ what: String, _ array: [UInt8], _ reason: String
  ) throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let path = try folder.write(
      zipFile(npyFiles(Self.good.filter { $0.name != "y_train" }) + [("y_train.npy", array)]), to: "a.npz")
    let error = try Self.error(path)
    #expect(error.description.contains("' holds an array 'y_train' that \(reason)"), "\(error)")
  }

  @Test func `files that are neither are refused`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let whole = npz(Self.good)
    for (name, bytes) in [
      ("text.npz", Array("text".utf8)), ("cut.npz", Array(whole.prefix(whole.count / 2))), ("empty.npz", []),
    ] {
      let error = try Self.error(try folder.write(bytes, to: name))
      #expect(error.exitCode == 65 && error.description.contains("cannot be unpacked"), "\(name): \(error)")
    }
    for (name, bytes) in [
      ("text.safetensors", Array("text".utf8)), ("pickle.safetensors", [0x80, 2] + Array(repeating: 0, count: 20)),
      ("cut.safetensors", Array(safetensors(Self.good).dropLast())),
    ] {
      let error = try Self.error(try folder.write(bytes, to: name))
      #expect(error.exitCode == 65 && error.description.contains("is no safetensors file: "), "\(name): \(error)")
    }
    for name in ["no.npz", "no.safetensors"] {
      #expect(try Self.error("/no/such/\(name)").exitCode == 66)
    }
  }

  @Test func `SVHN's MATLAB files are refused with what to do`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let path = try folder.write(Array("MATLAB 5.0".utf8), to: "train_32x32.mat")
    for place in [path, folder.url.path] {
      #expect(throws: LearningError.matlab(path: path)) {
        try Dataset.load(.npz(path: place), permutationSeed: 1, cancel: CancelFlag())
      }
    }
  }
}

/// NumPy's file of one array.
func npy(_ kind: String, _ shape: String, _ data: [UInt8], fortran: Bool = false) -> [UInt8] {
  var header = Array("{'descr': '\(kind)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }".utf8)
  while (header.count + 11) % 64 != 0 { header.append(0x20) }
  header.append(0x0A)
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + data
}

private func code(_ type: DType) -> String {
  switch type {
  case .uint8: "|u1"
  case .int8: "|i1"
  case .int16: "<i2"
  case .float32: "<f4"
  default: preconditionFailure("not in these tests")
  }
}

private typealias Arrays = [(name: String, type: DType, shape: [Int], bytes: [UInt8])]

private func npyFiles(_ arrays: Arrays) -> [(String, [UInt8])] {
  arrays.map { array in
    let shape = "(\(array.shape.map { "\($0)," }.joined(separator: " ")))"
    return ("\(array.name).npy", npy(code(array.type), shape, array.bytes))
  }
}

private func npz(_ arrays: Arrays) -> [UInt8] { zipFile(npyFiles(arrays)) }

private func safetensors(_ arrays: Arrays) -> [UInt8] {
  var parts: [String] = []
  var data: [UInt8] = []
  for array in arrays {
    let shape = array.shape.map(String.init).joined(separator: ",")
    parts.append(
      "\"\(array.name)\":{\"dtype\":\"\(array.type.safetensorsCode ?? "")\",\"shape\":[\(shape)],"
        + "\"data_offsets\":[\(data.count),\(data.count + array.bytes.count)]}")
    data += array.bytes
  }
  let header = Array("{\(parts.joined(separator: ","))}".utf8)
  return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
}

/// A zip whose files are stored, not squeezed.
func zipFile(_ files: [(String, [UInt8])]) -> [UInt8] {
  func little(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var out: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in files {
    let facts =
      little(20, 2) + little(0, 8) + little(Int(CRC32.checksum(bytes)), 4) + little(bytes.count, 4)
      + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
    directory += [0x50, 0x4B, 1, 2] + little(20, 2) + facts + little(0, 10) + little(out.count, 4) + Array(name.utf8)
    out += [0x50, 0x4B, 3, 4] + facts + Array(name.utf8) + bytes
  }
  return out + directory + [0x50, 0x4B, 5, 6] + little(0, 4) + little(files.count, 2) + little(files.count, 2)
    + little(directory.count, 4) + little(out.count, 4) + little(0, 2)
}
