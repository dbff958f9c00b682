import Foundation

/// Reads which samples to forget from a file.
enum IndexFile {
  /// The positions a file lists, each in 0 ..< `count` and none twice, in the file's order.
  ///
  /// `.json` holds an array of whole numbers, or is a `split.json`, whose `forget` is taken; `.npy` holds a vector of
  /// 32-bit or 64-bit integers, little-endian; any other file is text with one number a line, where empty lines and
  /// what follows a `#` do not count.
  static func read(_ path: String, count: Int) throws(LearningError) -> [Int32] {
    let bytes = try FileBytes.read(path)
    let indices: [Int]
    switch path.lowercased() {
    case let name where name.hasSuffix(".json"): indices = try json(bytes, path)
    case let name where name.hasSuffix(".npy"): indices = try npy(bytes, path)
    default: indices = try text(bytes, path)
    }
    var seen = Set<Int>()
    for index in indices {
      guard index >= 0, index < count else { throw .indexRange(path: path, index: index, count: count) }
      guard seen.insert(index).inserted else { throw .duplicateIndex(path: path, index: index) }
    }
    return indices.map { Int32($0) }
  }

  private static func text(_ bytes: [UInt8], _ path: String) throws(LearningError) -> [Int] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .indexFile(path: path, reason: "is not text")
    }
    var indices: [Int] = []
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let content = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      if content.isEmpty { continue }
      guard let index = Int(content) else {
        throw .indexFile(path: path, reason: "has '\(content.prefix(40))' in line \(number + 1)")
      }
      indices.append(index)
    }
    return indices
  }

  private static func json(_ bytes: [UInt8], _ path: String) throws(LearningError) -> [Int] {
    struct Written: Decodable { let forget: [Int] }
    let data = Data(bytes)
    if let indices = try? JSONDecoder().decode([Int].self, from: data) { return indices }
    if let split = try? JSONDecoder().decode(Written.self, from: data) { return split.forget }
    throw .indexFile(path: path, reason: "is neither an array of whole numbers nor a split.json")
  }

  /// NumPy's format, versions 1 to 3: magic, version, length of the header, the header as a Python dictionary, data.
  private static func npy(_ bytes: [UInt8], _ path: String) throws(LearningError) -> [Int] {
    guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw .indexFile(path: path, reason: "does not start as a .npy file does")
    }
    let isShort = bytes[6] == 1
    let start = isShort ? 10 : 12
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard bytes.count >= start + length else { throw .indexFile(path: path, reason: "is cut off in its header") }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard let kind = header.firstMatch(of: /'descr':\s*'([^']*)'/)?.1,
      let size = ["<i4": 4, "<i8": 8, "<u4": 4][String(kind)]
    else { throw .indexFile(path: path, reason: "does not hold 32-bit or 64-bit little-endian integers") }
    guard let shape = header.firstMatch(of: /'shape':\s*\((\d+),\)/), let count = Int(shape.1), count < 1 << 31 else {
      throw .indexFile(path: path, reason: "does not hold a vector")
    }
    let data = bytes[(start + length)...]
    guard data.count == count * size else {
      throw .indexFile(path: path, reason: "holds \(data.count) bytes where its header announces \(count * size)")
    }
    return (0..<count).map { index in
      let first = start + length + index * size
      let bits = bytes[first..<first + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      if kind == "<i4" { return Int(Int32(truncatingIfNeeded: bits)) }
      return Int(truncatingIfNeeded: bits)
    }
  }
}
