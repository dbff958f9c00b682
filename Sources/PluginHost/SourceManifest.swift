/// The manifest of a plugin that is run from its source: JSON in the comments between the lines `# /// lethe` and `# ///`, as
/// PEP 723 has it for other tools. It is read without running a line.
enum SourceManifest {
  /// The line that begins it.
  static let opening = "# /// lethe"
  /// The line that ends it.
  static let closing = "# ///"
  /// Bytes at the top of a file within which it must end.
  private static let largest: UInt64 = 256 << 10

  /// Whether a file is source, by its name.
  static func isSource(_ path: String) -> Bool { path.hasSuffix(".py") }

  /// The JSON text, without the marks of the comments.
  ///
  /// - Throws: `missing`, `several`, `unclosed` for comments that end before it does, `notUTF8`, `zeroInside`.
  static func text(_ source: ByteSource) throws(NoteProblem) -> String {
    guard let block = source.read(0, min(source.size, largest)) else { throw .truncated }
    var found: [[ArraySlice<UInt8>]] = []
    var isOpen = false
    for line in block.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if !isOpen {
        guard line.elementsEqual(opening.utf8) else { continue }
        found.append([])
        isOpen = true
      } else if line.elementsEqual(closing.utf8) {
        isOpen = false
      } else {
        guard line.elementsEqual("#".utf8) || line.starts(with: "# ".utf8) else { throw .unclosed }
        found[found.count - 1].append(line.dropFirst(2))
      }
    }
    guard let lines = found.first else { throw .missing }
    guard found.count == 1 else { throw .several(found.count) }
    guard !isOpen else { throw .unclosed }
    let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    guard !bytes.contains(0) else { throw .zeroInside }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    guard text.contains(where: { !$0.isWhitespace }) else { throw .empty }
    return text
  }
}
