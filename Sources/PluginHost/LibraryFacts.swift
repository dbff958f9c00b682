import Glibc

/// What a library's file says about how it was linked; nothing of it has run.
package struct LibraryFacts: Sendable {
  /// A function or variable that another library has to have.
  package struct Wanted: Sendable, Equatable {
    package let name: String
    /// Whether the library loads without it.
    package let isWeak: Bool
  }

  /// Without links.
  package let path: String
  package let bytes: Int
  /// Libraries it is linked with, in order.
  package let needed: [String]
  /// Folders in which the dynamic linker is to look for those, as written: `$ORIGIN` is the library's own.
  package let searchPaths: [String]
  /// What it exports; nil where that cannot be read.
  package let exports: [String]?
  /// Exports of which a process has one copy, whichever library brought it.
  package let unique: [String]
  /// What it does not have itself.
  package let wanted: [Wanted]
  /// The versions it asks of other libraries, `GLIBC_2.34`.
  package let versions: [String]
  /// Whether its code has to be written to before it runs.
  package let hasTextRelocations: Bool
  /// Whether it asks for a stack that code can run from.
  package let hasExecutableStack: Bool
  /// Whether it says that it may not be unloaded.
  package let isNeverUnloaded: Bool
  /// Functions that run as soon as it is loaded.
  package let constructors: Int

  /// Reads the headers and tables of a file.
  package init(reading path: String) throws(PluginError) {
    let file = try OpenFile(path)
    let source = ByteSource(descriptor: file.descriptor, size: UInt64(max(0, file.identity.size)))
    do throws(LibraryProblem) {
      self.init(try ElfFile(source), path: file.path)
    } catch {
      throw .notALibrary(path: path, error)
    }
  }

  init(_ library: ElfFile, path: String) {
    self.path = path
    bytes = Int(clamping: library.source.size)
    let table = library.dynamicTable()
    let entries = library.dynamicEntries()
    let strings = library.strings(entries)
    needed = table.needed
    exports = table.exports
    searchPaths = entries.filter { $0.tag == 15 || $0.tag == 29 }
      .compactMap { Int(exactly: $0.value).flatMap { strings?.text(at: $0) } }
      .flatMap { $0.split(separator: ":").map(String.init) }
    let symbols = library.symbols(entries)
    unique = symbols.filter { $0.binding == 10 && $0.isDefined }.map(\.name)
    wanted = symbols.filter { !$0.isDefined && $0.binding != 0 && !$0.name.isEmpty }
      .map { Wanted(name: $0.name, isWeak: $0.binding == 2) }
    versions = library.wantedVersions(entries, strings)
    func flags(_ tag: UInt64) -> UInt64 { entries.first { $0.tag == tag }?.value ?? 0 }
    hasTextRelocations = entries.contains { $0.tag == 22 } || flags(30) & 4 != 0
    isNeverUnloaded = flags(0x6FFF_FFFB) & 8 != 0
    constructors = Int(clamping: flags(27) / 8) + (entries.contains { $0.tag == 12 && $0.value != 0 } ? 1 : 0)
    // Without a note about the stack the loader takes one that code can run from.
    let stack = library.segments.first { $0.type == 0x6474_E551 }
    hasExecutableStack = stack.map { $0.flags & 1 != 0 } ?? true
  }

  /// The newest glibc that it asks for, `[2, 34]`; nil where it asks for none.
  package var glibc: [Int]? {
    versions.compactMap { version -> [Int]? in
      guard version.hasPrefix("GLIBC_") else { return nil }
      let numbers = version.dropFirst(6).split(separator: ".").map { Int($0) }
      return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
    }.max { $0.lexicographicallyPrecedes($1) }
  }
}

/// A row of a table of symbols.
private struct DynamicSymbol {
  let name: String
  let binding: UInt8
  let isDefined: Bool
}

extension ElfFile {
  fileprivate typealias Entry = (tag: UInt64, value: UInt64)

  fileprivate func dynamicEntries() -> [Entry] {
    guard let dynamic = segments.first(where: { $0.type == 2 }), dynamic.size <= 1 << 20,
      let table = source.read(dynamic.offset, dynamic.size)
    else { return [] }
    var entries: [Entry] = []
    var at = 0
    while let tag = table.number(UInt64.self, at: at), let value = table.number(UInt64.self, at: at + 8), tag != 0 {
      entries.append((tag, value))
      at += 16
    }
    return entries
  }

  fileprivate func strings(_ entries: [Entry]) -> ByteBlock? {
    guard let address = entries.first(where: { $0.tag == 5 })?.value,
      let size = entries.first(where: { $0.tag == 10 })?.value, size <= Self.largestTable,
      let offset = fileOffset(of: address)
    else { return nil }
    return source.read(offset, size)
  }

  fileprivate func symbols(_ entries: [Entry]) -> [DynamicSymbol] {
    guard let section = sections.first(where: { $0.type == 11 }), section.size <= Self.largestTable,
      let table = source.read(section.offset, section.size), let strings = strings(entries)
    else { return [] }
    return (0..<table.bytes.count / 24).compactMap { index in
      let at = index * 24
      guard let name = table.number(UInt32.self, at: at), let info = table.number(UInt8.self, at: at + 4),
        let section = table.number(UInt16.self, at: at + 6), let text = strings.text(at: Int(name))
      else { return nil }
      return DynamicSymbol(name: text, binding: info >> 4, isDefined: section != 0)
    }
  }

  /// The names in the table of versions that are needed.
  fileprivate func wantedVersions(_ entries: [Entry], _ strings: ByteBlock?) -> [String] {
    guard let strings, let address = entries.first(where: { $0.tag == 0x6FFF_FFFE })?.value,
      let count = entries.first(where: { $0.tag == 0x6FFF_FFFF })?.value, let start = fileOffset(of: address),
      count <= 4096, start < source.size, let table = source.read(start, min(source.size - start, 1 << 20))
    else { return [] }
    var versions: [String] = []
    var at = 0
    for _ in 0..<count {
      guard let names = table.number(UInt16.self, at: at + 2), let first = table.number(UInt32.self, at: at + 8),
        let next = table.number(UInt32.self, at: at + 12)
      else { break }
      var place = at + Int(first)
      for _ in 0..<names {
        guard let name = table.number(UInt32.self, at: place + 8), let step = table.number(UInt32.self, at: place + 12)
        else { break }
        if let text = strings.text(at: Int(name)), !versions.contains(text) { versions.append(text) }
        if step == 0 { break }
        place += Int(step)
      }
      if next == 0 { break }
      at += Int(next)
    }
    return versions
  }
}
