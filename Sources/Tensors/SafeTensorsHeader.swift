/// The checked header of a safetensors file: a length of eight bytes, that many bytes of JSON, then the data.
package struct SafeTensorsHeader: Sendable {
  /// What the header says about one tensor.
  package struct Entry: Sendable, Equatable {
    /// Its name, unique in the file.
    package let name: String
    /// The type of its elements.
    package let dtype: DType
    /// Extent along each dimension.
    package let shape: [Int]
    /// Bytes, counted from the start of the data.
    package let offsets: Range<Int>
  }

  /// Texts about the whole file.
  package let metadata: [String: String]
  /// In the header's order.
  package let entries: [Entry]
  /// Where the data start, in bytes from the start of the file.
  package let dataStart: Int

  /// The format's own limit for the JSON.
  static let longestJSON = 100_000_000

  init(
    prefix: [UInt8], fileBytes: Int, path: String, _ readJSON: (Int) throws(TensorError) -> [UInt8]
  ) throws(TensorError) {
    do throws(Flaw) {
      let length = try Self.length(prefix, fileBytes)
      let json: [UInt8]
      do throws(TensorError) { json = try readJSON(length) } catch { throw .reading(error) }
      dataStart = 8 + length
      (metadata, entries) = try Self.parse(json)
      try Self.checkLayout(entries, dataBytes: fileBytes - 8 - length)
    } catch {
      switch error {
      case .reading(let error): throw error
      case .text(let reason): throw .file(path: path, .malformed(reason: reason))
      }
    }
  }

  private enum Flaw: Error {
    case text(String)
    case reading(TensorError)
  }

  private static func length(_ prefix: [UInt8], _ fileBytes: Int) throws(Flaw) -> Int {
    if prefix.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
      throw .text(
        "it is a zip archive, such as torch.save writes; scripts/convert-checkpoint makes a safetensors file of it")
    }
    if prefix.count > 1, prefix[0] == 0x80, (2...5).contains(prefix[1]) {
      throw .text(
        "it is a Python pickle, which is never opened; scripts/convert-checkpoint makes a safetensors file of it")
    }
    guard prefix.count == 8 else { throw .text("it has \(prefix.count) bytes, fewer than the 8 of a header's length") }
    var length: UInt64 = 0
    for (index, byte) in prefix.enumerated() { length |= UInt64(byte) << (8 * UInt64(index)) }
    guard length <= UInt64(longestJSON) else { throw .text("it does not start with the length of a header") }
    guard Int(length) <= fileBytes - 8 else {
      throw .text("its header should have \(length) bytes, and the file ends after \(fileBytes - 8); it is truncated")
    }
    return Int(length)
  }

  private static func parse(_ json: [UInt8]) throws(Flaw) -> ([String: String], [Entry]) {
    let root: JSONText.Value
    do throws(JSONText.Failure) { root = try JSONText.parse(json, onlyTextsAndWholeNumbers: true) } catch {
      throw .text("its header is no JSON: \(error.reason) at byte \(error.position)")
    }
    guard case .object(let members) = root else { throw .text("its header is no JSON object") }
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for (name, value) in members {
      guard case .object(let fields) = value else { throw .text("'\(name)' in its header is no object") }
      if name == "__metadata__" {
        for (key, text) in fields {
          guard case .string(let text) = text else { throw .text("'\(key)' in its metadata is no text") }
          metadata[key] = text
        }
      } else {
        entries.append(try entry(name, fields))
      }
    }
    return (metadata, entries)
  }

  private static func entry(_ name: String, _ fields: [(String, JSONText.Value)]) throws(Flaw) -> Entry {
    var dtype: DType?
    var shape: [Int]?
    var offsets: [Int]?
    for (key, value) in fields {
      switch (key, value) {
      case ("dtype", .string(let code)):
        dtype = DType(safetensorsCode: code)
        if dtype == nil { throw .text("tensor '\(name)' has the unknown type '\(code)'") }
      case ("shape", .array(let list)): shape = try whole(list, "shape", name)
      case ("data_offsets", .array(let list)): offsets = try whole(list, "data_offsets", name)
      default: throw .text("tensor '\(name)' has a field '\(key)' that is unknown or of the wrong type")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw .text("tensor '\(name)' needs a dtype, a shape and two data_offsets in order")
    }
    var bytes = dtype.byteCount
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw .text("tensor '\(name)' has an impossible shape \(shape)") }
      bytes = product
    }
    guard bytes == offsets[1] - offsets[0] else {
      throw .text(
        "tensor '\(name)' of type \(dtype) and shape \(shape) needs \(bytes) bytes, its data_offsets give "
          + "\(offsets[1] - offsets[0])")
    }
    return Entry(name: name, dtype: dtype, shape: shape, offsets: offsets[0]..<offsets[1])
  }

  private static func whole(_ list: [JSONText.Value], _ field: String, _ name: String) throws(Flaw) -> [Int] {
    var out: [Int] = []
    for item in list {
      guard case .integer(let number) = item, number >= 0 else {
        throw .text("tensor '\(name)' has a \(field) with something else than whole numbers from 0")
      }
      out.append(number)
    }
    return out
  }

  /// The tensors lie side by side, in some order, and fill the data exactly.
  private static func checkLayout(_ entries: [Entry], dataBytes: Int) throws(Flaw) {
    var end = 0
    let order = entries.sorted {
      ($0.offsets.lowerBound, $0.offsets.upperBound) < ($1.offsets.lowerBound, $1.offsets.upperBound)
    }
    for entry in order {
      guard entry.offsets.lowerBound == end else {
        let flaw = entry.offsets.lowerBound < end ? "overlaps another tensor" : "leaves a gap before it"
        throw .text("tensor '\(entry.name)' \(flaw): it starts at byte \(entry.offsets.lowerBound), not \(end)")
      }
      end = entry.offsets.upperBound
    }
    guard end <= dataBytes else {
      throw .text("its tensors need \(end) bytes of data, there are \(dataBytes); it is truncated")
    }
    guard end == dataBytes else { throw .text("\(dataBytes - end) bytes follow the last tensor") }
  }
}
