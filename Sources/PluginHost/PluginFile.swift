import Learning

/// A plugin as its file describes it; nothing of it has run.
package struct PluginFile: Sendable, Equatable {
  /// The file, absolute and without links.
  package let path: String
  package let manifest: Manifest
  /// Libraries it is linked with.
  package let needed: [String]
  /// Symbols it exports, or nil where they cannot be read.
  package let exports: [String]?
  package let identity: FileIdentity

  /// Reads the manifest of a file and refuses a plugin that this host cannot serve.
  package init(reading path: String) throws(PluginError) {
    let file = try OpenFile(path)
    try self.init(file)
  }

  init(_ file: borrowing OpenFile) throws(PluginError) {
    try self.init(
      ByteSource(descriptor: file.descriptor, size: UInt64(max(0, file.identity.size))), path: file.path,
      identity: file.identity)
  }

  init(_ source: ByteSource, path: String, identity: FileIdentity) throws(PluginError) {
    var library: ElfFile?
    if !SourceManifest.isSource(path) {
      do throws(LibraryProblem) {
        library = try ElfFile(source)
      } catch {
        throw .notALibrary(path: path, error)
      }
    }
    let text: String
    do throws(NoteProblem) {
      text = if let library { try library.manifestText() } else { try SourceManifest.text(source) }
    } catch {
      throw .note(path: path, error)
    }
    do throws(ManifestProblem) {
      manifest = try Manifest.read(text)
    } catch {
      throw .manifest(path: path, error)
    }
    let dynamic = library?.dynamicTable()
    do throws(AdmissionProblem) {
      try HostFacts.admit(manifest, exports: dynamic?.exports, isSource: library == nil)
    } catch {
      throw .unfit(plugin: manifest.id, path: path, error)
    }
    self.path = path
    self.identity = identity
    needed = dynamic?.needed ?? []
    exports = dynamic?.exports
  }

  /// Everything there is to know of a file that a person is to decide on, from one reading of its bytes: what is shown is
  /// what the hash is of. A library without a manifest has no plugin.
  package static func facts(
    reading path: String
  ) throws(PluginError) -> (
    path: String, bytes: Int, plugin: PluginFile?, library: LibraryFacts?, sha256: String, needed: [String]
  ) {
    let file = try OpenFile(path)
    guard let bytes = file.bytes(atMost: 1 << 30) else {
      throw .unreadable(path: path, reason: "it has more than 1 GiB, or it is being written")
    }
    var hash = SHA256()
    hash.update(bytes)
    let source = ByteSource(bytes)
    var plugin: PluginFile?
    do throws(PluginError) {
      plugin = try PluginFile(source, path: file.path, identity: file.identity)
    } catch .note(_, .missing) where !SourceManifest.isSource(path) {
      // A plain library.
    }
    let library = (try? ElfFile(source)).map { LibraryFacts($0, path: file.path) }
    return (file.path, bytes.count, plugin, library, hash.hexadecimal(), LinkedLibraries(file).found)
  }

  /// Whether it is run from its source.
  package var isSource: Bool { PluginFile.isSource(path) }

  /// Whether a file is run from its source, by its name.
  package static func isSource(_ path: String) -> Bool { SourceManifest.isSource(path) }

  /// The file's name, without its folder.
  package var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// SHA-256 of the file, 64 lower-case hexadecimal digits. Reads the whole file.
  package func sha256() throws(PluginError) -> String {
    let file = try OpenFile(path)
    guard file.identity == identity else { throw .replaced(path: path) }
    return try file.sha256()
  }
}
