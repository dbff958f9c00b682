/// A 64-bit little-endian ELF shared library, read without running a line of it.
struct ElfFile {
  /// A piece of the file as the loader sees it.
  struct Segment {
    let type: UInt32
    let flags: UInt32
    let offset: UInt64
    let address: UInt64
    let size: UInt64
    let alignment: UInt64
  }

  /// A piece of the file as the linker saw it.
  struct Section {
    let nameOffset: UInt32
    let type: UInt32
    let offset: UInt64
    let size: UInt64
    let link: UInt32
    let alignment: UInt64
  }

  let source: ByteSource
  let segments: [Segment]
  let sections: [Section]
  /// Section that holds the names of sections.
  private let nameSection: Int

  #if arch(x86_64)
    private static let machine: UInt16 = 62
  #else
    private static let machine: UInt16 = 183
  #endif

  /// Reads the headers.
  init(_ source: ByteSource) throws(LibraryProblem) {
    guard let head = source.read(0, 64) else { throw .tooShort }
    guard head.bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else { throw .notElf }
    guard head.bytes[4] == 2, head.bytes[5] == 1 else { throw .notLittleEndian64 }
    guard head.number(UInt16.self, at: 16) == 3 else { throw .notShared }
    guard head.number(UInt16.self, at: 18) == Self.machine else { throw .otherMachine }
    guard let segmentOffset = head.number(UInt64.self, at: 32), let segmentSize = head.number(UInt16.self, at: 54),
      let segmentCount = head.number(UInt16.self, at: 56), let sectionOffset = head.number(UInt64.self, at: 40),
      let sectionSize = head.number(UInt16.self, at: 58), let sectionCount = head.number(UInt16.self, at: 60),
      let nameSection = head.number(UInt16.self, at: 62)
    else { throw .tooShort }
    guard segmentCount > 0 else { throw .damaged("it has no segments") }
    guard segmentSize == 56, let table = source.read(segmentOffset, 56 * UInt64(segmentCount)) else {
      throw .damaged("its segment table lies outside the file")
    }
    segments = (0..<Int(segmentCount)).compactMap { index in
      let at = index * 56
      guard let type = table.number(UInt32.self, at: at), let flags = table.number(UInt32.self, at: at + 4),
        let offset = table.number(UInt64.self, at: at + 8), let address = table.number(UInt64.self, at: at + 16),
        let size = table.number(UInt64.self, at: at + 32),
        let alignment = table.number(UInt64.self, at: at + 48)
      else { return nil }
      return Segment(type: type, flags: flags, offset: offset, address: address, size: size, alignment: alignment)
    }
    // Sections serve linkers and debuggers; a library without them loads.
    let read = sectionSize == 64 ? source.read(sectionOffset, 64 * UInt64(sectionCount)) : nil
    sections =
      read.map { table in
        (0..<Int(sectionCount)).compactMap { index in
          let at = index * 64
          guard let name = table.number(UInt32.self, at: at), let type = table.number(UInt32.self, at: at + 4),
            let offset = table.number(UInt64.self, at: at + 24), let size = table.number(UInt64.self, at: at + 32),
            let link = table.number(UInt32.self, at: at + 40), let alignment = table.number(UInt64.self, at: at + 48)
          else { return nil }
          return Section(
            nameOffset: name, type: type, offset: offset, size: size, link: link, alignment: alignment)
        }
      } ?? []
    self.nameSection = Int(nameSection)
    self.source = source
  }

  /// Whether a section of that name exists.
  func hasSection(_ name: String) -> Bool {
    guard sections.indices.contains(nameSection), sections[nameSection].size <= 1 << 20,
      let names = source.read(sections[nameSection].offset, sections[nameSection].size)
    else { return false }
    return sections.contains { names.text(at: Int($0.nameOffset)) == name }
  }
}

/// What the dynamic linker would use.
struct DynamicTable {
  /// Libraries it is linked with, in order.
  let needed: [String]
  /// Functions and variables that others can find, or nil where the table of symbols cannot be read.
  let exports: [String]?
  /// Those of them that are no code.
  var variables: Set<String> = []
}

extension ElfFile {
  static let largestTable: UInt64 = 64 << 20

  /// Reads what the library needs and what it exports.
  func dynamicTable() -> DynamicTable {
    guard let dynamic = segments.first(where: { $0.type == 2 }), dynamic.size <= 1 << 20,
      let table = source.read(dynamic.offset, dynamic.size)
    else { return DynamicTable(needed: [], exports: nil) }
    var entries: [(tag: UInt64, value: UInt64)] = []
    var at = 0
    while let tag = table.number(UInt64.self, at: at), let value = table.number(UInt64.self, at: at + 8), tag != 0 {
      entries.append((tag, value))
      at += 16
    }
    func value(_ tag: UInt64) -> UInt64? { entries.first { $0.tag == tag }?.value }
    guard let stringAddress = value(5), let stringSize = value(10), stringSize <= Self.largestTable,
      let stringOffset = fileOffset(of: stringAddress), let strings = source.read(stringOffset, stringSize)
    else { return DynamicTable(needed: [], exports: nil) }
    let needed = entries.filter { $0.tag == 1 }.compactMap { Int(exactly: $0.value).flatMap(strings.text) }
    let exports = exports(value(6), stringAddress, strings)
    return DynamicTable(
      needed: needed, exports: exports?.map(\.name), variables: Set((exports ?? []).filter(\.isVariable).map(\.name)))
  }

  private func exports(
    _ address: UInt64?, _ stringAddress: UInt64, _ strings: ByteBlock
  ) -> [(name: String, isVariable: Bool)]? {
    var place: (offset: UInt64, size: UInt64)?
    if let section = sections.first(where: { $0.type == 11 }) {
      place = (section.offset, section.size)
    } else if let address, let offset = fileOffset(of: address), stringAddress > address {
      // Without sections the count is not written anywhere; linkers put the names right behind the symbols.
      place = (offset, stringAddress - address)
    }
    guard let place, place.size <= Self.largestTable, let symbols = source.read(place.offset, place.size) else {
      return nil
    }
    return (0..<symbols.bytes.count / 24).compactMap { index in
      let at = index * 24
      guard let name = symbols.number(UInt32.self, at: at), let info = symbols.number(UInt8.self, at: at + 4),
        let other = symbols.number(UInt8.self, at: at + 5), let section = symbols.number(UInt16.self, at: at + 6)
      else { return nil }
      let isGlobal = [1, 2, 10].contains(info >> 4)
      let isVisible = other & 3 == 0 || other & 3 == 3
      guard isGlobal, isVisible, section != 0, let text = strings.text(at: Int(name)) else { return nil }
      // STT_OBJECT, STT_COMMON, STT_TLS.
      return (text, [1, 5, 6].contains(info & 15))
    }
  }

  /// Where in the file the loader takes that address from.
  func fileOffset(of address: UInt64) -> UInt64? {
    for segment in segments where segment.type == 1 && address >= segment.address {
      let inside = address - segment.address
      if inside < segment.size { return segment.offset.addingReportingOverflow(inside).partialValue }
    }
    return nil
  }
}
