import Foundation
import Testing

@testable import Tensors

/// A file that is no good, and what the refusal must say.
struct BadFile: CustomTestStringConvertible, Sendable {
  let name: String
  let bytes: [UInt8]
  let reason: String

  var testDescription: String { name }

  init(_ name: String, _ bytes: [UInt8], _ reason: String) {
    self.name = name
    self.bytes = bytes
    self.reason = reason
  }

  /// A header, its length before it, and data after it.
  init(_ name: String, header: String, data: Int, _ reason: String) {
    let count = UInt64(header.utf8.count)
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    self.init(name, prefix + Array(header.utf8) + [UInt8](repeating: 1, count: data), reason)
  }

  static func tensor(_ fields: String) -> String { "{\"w\":{\(fields)}}" }

  static let all: [BadFile] = [
    BadFile("empty", [], "it has 0 bytes, fewer than the 8 of a header's length"),
    BadFile("zip", [0x50, 0x4B, 3, 4, 0, 0, 0, 0, 1], "it is a zip archive, such as torch.save writes; "),
    BadFile("pickle", [0x80, 2, 0, 0, 0, 0, 0, 0, 1], "it is a Python pickle, which is never opened; "),
    BadFile("text", Array("hello, this is text".utf8), "it does not start with the length of a header"),
    BadFile("cut in the header", [100, 0, 0, 0, 0, 0, 0, 0, 0x7B], "its header should have 100 bytes, "),
    BadFile("no JSON", header: "{\"w\":", data: 0, "its header is no JSON: it ends too early at byte 5"),
    BadFile("a list", header: "[]", data: 0, "its header is no JSON object"),
    BadFile("twice", header: "{\"w\":{},\"w\":{}}", data: 0, "its header is no JSON: 'w' comes twice at byte 11"),
    BadFile("trailing", header: "{} {}", data: 0, "its header is no JSON: something follows the end"),
    BadFile("metadata", header: "{\"__metadata__\":{\"a\":1}}", data: 0, "'a' in its metadata is no text"),
    BadFile(
      "type", header: tensor("\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]"), data: 4,
      "tensor 'w' has the unknown type 'F31'"),
    BadFile(
      "missing field", header: tensor("\"dtype\":\"F32\",\"shape\":[1]"), data: 4,
      "tensor 'w' needs a dtype, a shape and two data_offsets in order"),
    BadFile(
      "extra field", header: tensor("\"dtype\":\"F32\",\"color\":[1]"), data: 4,
      "tensor 'w' has a field 'color' that is unknown or of the wrong type"),
    BadFile(
      "negative", header: tensor("\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]"), data: 4,
      "tensor 'w' has a shape with something else than whole numbers from 0"),
    BadFile(
      "fraction", header: tensor("\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]"), data: 4,
      "its header is no JSON: a number that is not whole, or too large"),
    BadFile(
      "overflow",
      header: tensor("\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]"), data: 4,
      "tensor 'w' has an impossible shape"),
    BadFile(
      "wrong size", header: tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"), data: 4,
      "tensor 'w' of type float32 and shape [2] needs 8 bytes, its data_offsets give 4"),
    BadFile(
      "cut in the data", header: tensor("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"), data: 5,
      "its tensors need 8 bytes of data, there are 5; it is truncated"),
    BadFile(
      "too long", header: tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]"), data: 5,
      "1 bytes follow the last tensor"),
    BadFile(
      "gap", header: tensor("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]"), data: 8,
      "tensor 'w' leaves a gap before it: it starts at byte 4, not 0"),
    BadFile(
      "overlap",
      header: "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", data: 6,
      "tensor 'b' overlaps another tensor: it starts at byte 2, not 4"),
  ]
}

@Suite final class SafeTensorsTests {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "lethe-tensor-file-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  @Test func `a file comes back with its names, order, types, numbers and texts`() throws {
    let tensors: [(name: String, tensor: Tensor)] = try [
      ("conv1.weight", Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]).transpose(0, 1)),
      ("flags", Tensor([1, 0, 2] as [Float], shape: [3]).isGreater(than: 0.5)),
      ("a \"name\"\n", Tensor([1.5] as [Float], shape: [1]).to(.bfloat16)),
      ("count", Tensor([9] as [Int64], shape: [])),
      ("nothing", Tensor([] as [Float], shape: [0, 3])),
    ]
    let path = folder + "/weights.safetensors"
    try SafeTensors.write(tensors, metadata: ["format": "pt", "mean": "ü 0.5"], to: path)
    let back = try SafeTensors.read(path)
    #expect(back.metadata == ["format": "pt", "mean": "ü 0.5"])
    #expect(back.tensors.map(\.name) == tensors.map(\.name))
    for (ours, theirs) in zip(tensors, back.tensors) {
      #expect(ours.tensor.dtype == theirs.tensor.dtype)
      #expect(ours.tensor.shape == theirs.tensor.shape)
      #expect(try ours.tensor.bytes() == theirs.tensor.bytes())
    }
    #expect(try back["conv1.weight"]?.floats() == [1, 3, 2, 4])
    #expect(back["bias"] == nil)
    let header = try SafeTensors.header(path)
    #expect(header.dataStart % 8 == 0)
    #expect(header.entries.allSatisfy { $0.offsets.lowerBound % $0.dtype.byteCount == 0 })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["weights.safetensors"])
  }

  @Test(arguments: BadFile.all)
  func `a file that is no good is refused with its reason`(_ file: BadFile) throws {
    let path = folder + "/bad.safetensors"
    try Data(file.bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: TensorError.self) { try SafeTensors.read(path) }
    #expect(error?.exitCode == 65)
    let start = "'\(path)': not a safetensors file that can be used: " + file.reason
    #expect(error?.description.hasPrefix(start) == true, "\(error?.description ?? "")")
  }

  @Test func `a file cut at any byte is refused`() throws {
    let path = folder + "/whole.safetensors"
    try SafeTensors.write([("w", Tensor([1, 2] as [Float], shape: [2]))], to: path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in 0..<bytes.count {
      let cut = folder + "/cut.safetensors"
      try bytes.prefix(count).write(to: URL(fileURLWithPath: cut))
      let error = #expect(throws: TensorError.self, "\(count)") { try SafeTensors.read(cut) }
      #expect(error?.exitCode == 65)
    }
  }

  @Test func `missing files, folders and places that cannot be written have their own codes`() throws {
    let missing = #expect(throws: TensorError.self) { try SafeTensors.read(folder + "/none") }
    #expect(missing == .file(path: folder + "/none", .missing))
    #expect(missing?.exitCode == 66)
    let notFile = #expect(throws: TensorError.self) { try SafeTensors.read(folder) }
    #expect(notFile?.exitCode == 74)
    let nowhere = #expect(throws: TensorError.self) {
      try SafeTensors.write([("w", Tensor.zeros([1]))], to: folder + "/no/such/folder/x")
    }
    #expect(nowhere?.exitCode == 73)
    #expect(throws: TensorError.self) {
      try SafeTensors.write([("w", Tensor.zeros([1])), ("w", Tensor.zeros([1]))], to: folder + "/twice")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test func `a full disk leaves the old file and no temporary one`() throws {
    // /dev/full accepts an open and refuses every byte; a link to it stands for the temporary file.
    let path = folder + "/weights.safetensors"
    try SafeTensors.write([("w", Tensor([1] as [Float], shape: [1]))], to: path)
    let temporary = folder + "/.weights.safetensors.\(getpid()).tmp"
    try FileManager.default.createSymbolicLink(atPath: temporary, withDestinationPath: "/dev/full")
    let error = #expect(throws: TensorError.self) {
      try SafeTensors.write([("w", Tensor([2] as [Float], shape: [1]))], to: path)
    }
    #expect(error?.exitCode == 74)
    #expect(try SafeTensors.read(path)["w"]?.floats() == [1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["weights.safetensors"])
  }
}
