extension ElfFile {
  /// Largest manifest that is read, in bytes.
  static let largestManifest: UInt32 = 256 << 10
  static let manifestSection = ".note.lethe.manifest"

  private static let manifestType: UInt32 = 0x4C54_0001
  private static let owner = Array("lethe\0".utf8)
  private static let mostNotes = 4096

  /// The text of the one manifest note: what a plugin says about itself, without its final zero byte.
  ///
  /// Looks into the loader's note segments, and into note sections only where those hold none.
  func manifestText() throws(NoteProblem) -> String {
    var found: [UInt64: ByteBlock] = [:]
    for segment in segments where segment.type == 4 {
      try collect(segment.offset, segment.size, segment.alignment, &found)
    }
    if found.isEmpty {
      for section in sections where section.type == 7 {
        try collect(section.offset, section.size, section.alignment, &found)
      }
    }
    guard found.count <= 1 else { throw .several(found.count) }
    guard let note = found.values.first else { throw hasSection(Self.manifestSection) ? .truncated : .missing }
    guard note.bytes.last == 0 else { throw .unterminated }
    let text = note.bytes.dropLast()
    guard !text.isEmpty else { throw .empty }
    guard !text.contains(0) else { throw .zeroInside }
    guard let valid = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
    return valid
  }

  /// Walks over the notes of one piece of the file and keeps the manifests by where they lie.
  private func collect(
    _ offset: UInt64, _ size: UInt64, _ alignment: UInt64, _ found: inout [UInt64: ByteBlock]
  ) throws(NoteProblem) {
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, end <= source.size else { return }
    let padding: UInt64 = alignment == 8 ? 8 : 4
    var at = offset
    for _ in 0..<Self.mostNotes {
      guard end - at >= 12, let head = source.read(at, 12), let nameSize = head.number(UInt32.self, at: 0),
        let textSize = head.number(UInt32.self, at: 4), let type = head.number(UInt32.self, at: 8)
      else { return }
      let nameEnd = at + 12 + UInt64(nameSize)
      let text = (nameEnd - offset).roundedUp(to: padding) + offset
      let textEnd = text + UInt64(textSize)
      let isOurs = nameSize == 6 && source.read(at + 12, 6)?.bytes == Self.owner && type == Self.manifestType
      if isOurs {
        guard textSize <= Self.largestManifest else { throw .tooLarge(Int(textSize)) }
        guard textEnd <= end, let block = source.read(text, UInt64(textSize)) else { throw .truncated }
        found[text] = block
      }
      let next = (textEnd - offset).roundedUp(to: padding) + offset
      guard nameEnd <= end, textEnd <= end, next < end else { return }
      at = next
    }
  }
}

extension UInt64 {
  /// The next multiple of `step`, itself included. Sums of a file's offset and two 32-bit sizes stay far from the end.
  fileprivate func roundedUp(to step: UInt64) -> UInt64 { (self &+ step &- 1) / step * step }
}
