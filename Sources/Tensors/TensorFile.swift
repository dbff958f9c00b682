import Glibc

/// Tensors with names, as a safetensors file holds them.
package struct TensorFile {
  package struct Entry {
    package let name: String
    package let tensor: Tensor

    package init(_ name: String, _ tensor: Tensor) {
      self.name = name
      self.tensor = tensor
    }
  }

  /// Texts about the whole file.
  package var metadata: [String: String]
  /// The tensors, in the order of the file's header. Names are unique.
  package var entries: [Entry]

  package init(_ entries: [Entry] = [], metadata: [String: String] = [:]) {
    self.entries = entries
    self.metadata = metadata
  }

  /// The tensor of a name.
  package subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }
}

extension TensorFile {
  /// Reads a safetensors file. Every field of its header is checked first.
  package static func read(_ path: String, device: Device = .cpu) throws(TensorError) -> TensorFile {
    let file = try OpenFile(reading: path)
    let prefix = try file.read(8, at: 0)
    let header = try TensorFileHeader(prefix: prefix, fileBytes: file.bytes, path: path) {
      (count) throws(TensorError) in try file.read(count, at: 8)
    }
    var entries: [Entry] = []
    for entry in header.entries {
      let bytes = try file.read(entry.offsets.count, at: header.dataStart + entry.offsets.lowerBound)
      entries.append(
        Entry(entry.name, try Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype, device: device)))
    }
    return TensorFile(entries, metadata: header.metadata)
  }

  /// What a safetensors file says about its tensors, without reading them.
  package static func header(_ path: String) throws(TensorError) -> TensorFileHeader {
    let file = try OpenFile(reading: path)
    return try TensorFileHeader(prefix: try file.read(8, at: 0), fileBytes: file.bytes, path: path) {
      (count) throws(TensorError) in try file.read(count, at: 8)
    }
  }

  /// Writes a safetensors file: to a temporary file beside it, which is synced and then renamed, so that `path` never
  /// holds half a file. The header keeps the order of `entries`; the data are ordered by the size of their elements, so
  /// that each tensor is aligned.
  package func write(to path: String) throws(TensorError) {
    let names = Set(entries.map(\.name))
    guard names.count == entries.count, !names.contains("__metadata__") else {
      throw .file(path: path, .unwritable(reason: "two tensors have one name, or one is named '__metadata__'"))
    }
    let sorted = entries.indices.sorted { a, b in
      let (x, y) = (entries[a].tensor.dtype.byteCount, entries[b].tensor.dtype.byteCount)
      return x != y ? x > y : a < b
    }
    var starts = [Int](repeating: 0, count: entries.count)
    var end = 0
    for index in sorted {
      starts[index] = end
      end += entries[index].tensor.byteCount
    }
    try AtomicFile.write(path) { (file) throws(TensorError) in
      try file.append(try header(starts, path))
      for index in sorted { try file.append(try entries[index].tensor.bytes()) }
    }
  }

  private func header(_ starts: [Int], _ path: String) throws(TensorError) -> [UInt8] {
    var parts: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
      parts.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
    }
    for (entry, start) in zip(entries, starts) {
      let tensor = entry.tensor
      guard let code = tensor.dtype.safetensorsCode else {
        throw .file(path: path, .unwritable(reason: "safetensors has no type for '\(entry.name)' (\(tensor.dtype))"))
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      parts.append(
        "\(JSONText.quoted(entry.name)):{\"dtype\":\"\(code)\",\"shape\":[\(shape)],"
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
