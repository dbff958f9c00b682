import Glibc

/// The libraries that the dynamic linker takes from folders that a library names itself (`RUNPATH`): they run with it, so
/// that whoever can change them can change it. Those of the system come from folders that root alone can write to.
struct LinkedLibraries {
  /// Libraries and what they need in turn, as paths.
  private(set) var found: [String] = []
  /// A folder in which the linker looks before it comes to where a library is, or to the system's own.
  private struct Searched: Equatable {
    let folder: String
    /// Whether it is the library's own, which a copy does not have.
    let isOrigin: Bool
  }

  private var searched: [Searched] = []
  /// A place that depends on the folder that the command is called from.
  private var loose: String?
  private let path: String

  /// Looks for them; nothing is loaded.
  init(_ file: borrowing OpenFile) {
    path = file.path
    guard !SourceManifest.isSource(file.path) else { return }
    look(ByteSource(descriptor: file.descriptor, size: UInt64(max(0, file.identity.size))), in: file.path)
  }

  /// Throws `untrusted` for one that somebody else could have changed, or put there, `notLoadable` for a place that is not
  /// fixed.
  ///
  /// - Parameter isCopied: whether the library is loaded from a copy, beside which there is nothing.
  func check(_ trust: TrustPolicy, isCopied: Bool) throws(PluginError) {
    if let loose {
      throw .notLoadable(path: path, reason: "it looks for '\(loose)' in the folder that the command is called from")
    }
    for place in searched where !(isCopied && place.isOrigin) { try trust.check(searched: place.folder, for: path) }
    for library in found { try trust.check(library) }
  }

  private mutating func look(_ source: ByteSource, in library: String) {
    guard let file = try? ElfFile(source) else { return }
    let facts = LibraryFacts(file, path: library)
    let origin = TrustPolicy.parent(library)
    for name in facts.needed where !Self.isLoaded(name) {
      if name.contains("/") {
        if name.hasPrefix("/") { add(name) } else { loose = name }
        continue
      }
      for written in facts.searchPaths {
        let folder = written.replacingPrefixes(["$ORIGIN", "${ORIGIN}"], with: origin)
        let place = folder + "/" + name
        guard place.hasPrefix("/") else {
          loose = place
          continue
        }
        let step = Searched(folder: folder, isOrigin: folder != written && library == path)
        if !searched.contains(step) { searched.append(step) }
        guard unsafe access(place, F_OK) == 0 else { continue }
        add(place)
        break
      }
    }
  }

  private mutating func add(_ place: String) {
    guard !found.contains(place), found.count < 64 else { return }
    found.append(place)
    guard let file = try? OpenFile(place) else { return }
    look(ByteSource(descriptor: file.descriptor, size: UInt64(max(0, file.identity.size))), in: file.path)
  }

  /// Whether the process has a library of that name already: the linker then looks for none.
  private static func isLoaded(_ name: String) -> Bool {
    guard let handle = unsafe dlopen(name, RTLD_LAZY | RTLD_NOLOAD) else { return false }
    unsafe dlclose(handle)
    return true
  }
}

extension String {
  /// The text with the first of these words that it begins with replaced.
  fileprivate func replacingPrefixes(_ words: [String], with other: String) -> String {
    guard let word = words.first(where: hasPrefix) else { return self }
    return other + dropFirst(word.count)
  }
}
