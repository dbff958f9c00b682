import Glibc

/// What a safetensors file holds: tensors with names, and texts about the whole.
package struct SafeTensors {
  /// Texts about the whole file.
  package var metadata: [String: String]
  /// The tensors, in the order of the file's header. Names are unique.
  package var tensors: [(name: String, tensor: Tensor)]

  /// The tensor of a name.
  package subscript(name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
}

extension SafeTensors {
  /// Reads a safetensors file. Every field of its header is checked first.
  package static func read(_ path: String, device: Device = .cpu) throws(TensorError) -> SafeTensors {
    let file = try OpenFile(reading: path)
    let prefix = try file.read(8, at: 0)
    let header = try SafeTensorsHeader(prefix: prefix, fileBytes: file.bytes, path: path) {
      (count) throws(TensorError) in try file.read(count, at: 8)
    }
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in header.entries {
      let bytes = try file.read(entry.offsets.count, at: header.dataStart + entry.offsets.lowerBound)
      tensors.append((entry.name, try Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype, device: device)))
    }
    return SafeTensors(metadata: header.metadata, tensors: tensors)
  }

  /// The bytes of the tensors whose names are wanted, in the order of the header, without opening LibTorch.
  package static func bytes(
    _ path: String, where isWanted: (String) -> Bool
  ) throws(TensorError) -> [(entry: SafeTensorsHeader.Entry, bytes: [UInt8])] {
    let file = try OpenFile(reading: path)
    let header = try SafeTensorsHeader(prefix: try file.read(8, at: 0), fileBytes: file.bytes, path: path) {
      (count) throws(TensorError) in try file.read(count, at: 8)
    }
    var tensors: [(entry: SafeTensorsHeader.Entry, bytes: [UInt8])] = []
    for entry in header.entries where isWanted(entry.name) {
      tensors.append((entry, try file.read(entry.offsets.count, at: header.dataStart + entry.offsets.lowerBound)))
    }
    return tensors
  }

  /// What a safetensors file says about its tensors, without reading them.
  package static func header(_ path: String) throws(TensorError) -> SafeTensorsHeader {
    let file = try OpenFile(reading: path)
    return try SafeTensorsHeader(prefix: try file.read(8, at: 0), fileBytes: file.bytes, path: path) {
      (count) throws(TensorError) in try file.read(count, at: 8)
    }
  }

  /// Writes a safetensors file: to a temporary file beside it, which is synced and then renamed, so that `path` never
  /// holds half a file. The header keeps the order of `tensors`; the data are ordered by the size of their elements, so
  /// that each tensor is aligned.
  package static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
  ) throws(TensorError) {
    let names = Set(tensors.map(\.name))
    guard names.count == tensors.count, !names.contains("__metadata__") else {
      throw .file(path: path, .unwritable(reason: "two tensors have one name, or one is named '__metadata__'"))
    }
    let sorted = tensors.indices.sorted { a, b in
      let (x, y) = (tensors[a].tensor.dtype.byteCount, tensors[b].tensor.dtype.byteCount)
      return x != y ? x > y : a < b
    }
    var starts = [Int](repeating: 0, count: tensors.count)
    var end = 0
    for index in sorted {
      starts[index] = end
      end += tensors[index].tensor.byteCount
    }
    try AtomicFile.write(path) { (file) throws(TensorError) in
      try file.append(try header(tensors, starts, metadata, path))
      for index in sorted { try file.append(try tensors[index].tensor.bytes()) }
    }
  }

  private static func header(
    _ tensors: [(name: String, tensor: Tensor)], _ starts: [Int], _ metadata: [String: String], _ path: String
  ) throws(TensorError) -> [UInt8] {
    var parts: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
      parts.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    for ((name, tensor), start) in zip(tensors, starts) {
      guard let code = tensor.dtype.safetensorsCode else {
        throw .file(path: path, .unwritable(reason: "safetensors has no type for '\(name)' (\(tensor.dtype))"))
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      parts.append(
        "\(JSONText.quoted(name)):{\"dtype\":\"\(code)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(start),\(start + tensor.byteCount)]}")
    }
    var text = Array("{\(parts.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    let count = UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + text
  }
}

extension DType {
  /// The type's code in a safetensors header; nil where there is none.
  package var safetensorsCode: String? {
    switch self {
    case .uint8: "U8"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .float16: "F16"
    case .float32: "F32"
    case .float64: "F64"
    case .complex64: "C64"
    case .complex128: nil
    case .bool: "BOOL"
    case .bfloat16: "BF16"
    case .float8e5m2: "F8_E5M2"
    case .float8e4m3: "F8_E4M3"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    }
  }

  init?(safetensorsCode code: String) {
    guard let found = DType.allCases.first(where: { $0.safetensorsCode == code }) else { return nil }
    self = found
  }
}
