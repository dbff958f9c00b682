import Foundation

/// Reads which samples are meant from a file.
package enum IndexFile {
  /// The positions a file lists, each in 0 ..< `count` and none twice, in the file's order.
  ///
  /// `.json` holds an array of whole numbers, or is a `split.json`, of which `parts` are taken; `.npy` holds a vector of
  /// 32-bit or 64-bit integers, little-endian; any other file is text with one number a line, where empty lines and
  /// what follows a `#` do not count.
  package static func read(
    _ path: String, count: Int, parts: [Split.Part] = [.forget]
  ) throws(LearningError) -> [Int32] {
    let bytes = try FileBytes.read(path)
    let indices: [Int]
    switch path.lowercased() {
    case let name where name.hasSuffix(".json"): indices = try json(bytes, path, parts)
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

  private static func json(
    _ bytes: [UInt8], _ path: String, _ parts: [Split.Part]
  ) throws(LearningError) -> [Int] {
    struct Written: Decodable { let forget, retain, validation: [Int] }
    let data = Data(bytes)
    if let indices = try? JSONDecoder().decode([Int].self, from: data) { return indices }
    if let split = try? JSONDecoder().decode(Written.self, from: data) {
      return parts.flatMap { part in
        switch part {
        case .forget: split.forget
        case .retain: split.retain
        case .validation, .test: split.validation
        }
      }
    }
    throw .indexFile(path: path, reason: "is neither an array of whole numbers nor a split.json")
  }

  private static func npy(_ bytes: [UInt8], _ path: String) throws(LearningError) -> [Int] {
    let array: StoredArray
    do throws(NPYFile.Flaw) { array = try NPYFile.parse(bytes) } catch {
      throw .indexFile(path: path, reason: error.reason)
    }
    guard case .integer(let size, _) = array.element, size >= 4 else {
      throw .indexFile(path: path, reason: "does not hold 32-bit or 64-bit little-endian integers")
    }
    guard array.shape.count == 1 else { throw .indexFile(path: path, reason: "does not hold a vector") }
    guard let indices = array.integers else { throw .indexFile(path: path, reason: "holds numbers that are too large") }
    return indices
  }
}
