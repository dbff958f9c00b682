import Foundation

/// Reads which images to forget from a list of their files.
enum FileList {
  /// The positions of the files that a text lists, one a line, as `train/cat/0001.jpg`: relative to the data's folder or
  /// archive. Empty lines and lines that begin with `#` do not count.
  ///
  /// - Parameter files: the file of each training image, in dataset order; empty where images come otherwise.
  static func read(_ path: String, files: [String]) throws(LearningError) -> [Int32] {
    let bytes = try FileBytes.read(path)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .fileList(path: path, line: nil, reason: "is not text")
    }
    guard !files.isEmpty else { throw .filesWithoutNames(path: path) }
    var places: [String: Int32] = [:]
    for (position, file) in files.enumerated() { places[file] = Int32(position) }
    var positions: [Int32] = []
    var seen = Set<Int32>()
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      var name = line.trimmingCharacters(in: .whitespaces)
      if name.isEmpty || name.hasPrefix("#") { continue }
      if name.hasPrefix("./") { name.removeFirst(2) }
      guard let position = places[name] else {
        throw .unknownFile(
          path: path, line: number + 1, name: String(name.prefix(200)), nearest: nearest(to: name, in: files),
          count: files.count)
      }
      guard seen.insert(position).inserted else {
        throw .fileList(path: path, line: number + 1, reason: "names '\(name)' a second time")
      }
      positions.append(position)
    }
    return positions
  }

  /// The file that has most in common with `name` at its beginning and end: names of one data set differ in one place.
  private static func nearest(to name: String, in files: [String]) -> String? {
    let wanted = Array(name.utf8)
    var best: (name: String, common: Int)?
    for file in files {
      let candidate = Array(file.utf8)
      let limit = min(wanted.count, candidate.count)
      var start = 0
      while start < limit, wanted[start] == candidate[start] { start += 1 }
      var end = 0
      while end < limit - start, wanted[wanted.count - 1 - end] == candidate[candidate.count - 1 - end] { end += 1 }
      if start + end > best?.common ?? 0 { best = (file, start + end) }
    }
    return best?.name
  }
}
