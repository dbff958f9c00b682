import Glibc

/// Libraries of plain C functions: trusted, loaded and kept as plugins are.
enum ForeignLibrary {
  /// Loads a library that has a function of that name.
  ///
  /// - Parameters:
  ///   - library: its path. Nothing is looked for in the folders of the dynamic linker.
  ///   - meanwhile: happens when everything is checked and nothing is loaded; for tests of what happens then.
  /// - Throws: `function` with `noLibrary`, `notLoadable`, `noSymbol`, or `notAFunction` where a variable has that name;
  ///   what ``TrustPolicy`` throws; `replaced`.
  static func load(
    _ library: String, _ symbol: String, _ trust: TrustPolicy, meanwhile: () -> Void = {}
  ) throws(PluginError) -> UnsafeMutableRawPointer {
    let file: OpenFile
    do throws(PluginError) {
      file = try OpenFile(library)
    } catch .notThere {
      throw .function(library: library, symbol: symbol, .noLibrary)
    }
    let sha256 = try file.sha256()
    let admission = try trust.admit(file, asked: library, sha256: sha256)
    let source = ByteSource(descriptor: file.descriptor, size: UInt64(max(0, file.identity.size)))
    if let elf = try? ElfFile(source) {
      let table = elf.dynamicTable()
      // dlsym would also find what the libraries export that this one is linked with.
      if let exports = table.exports, !exports.contains(symbol) {
        throw .function(library: library, symbol: symbol, .noSymbol)
      }
      if table.variables.contains(symbol) { throw .function(library: library, symbol: symbol, .notAFunction) }
    }
    meanwhile()
    do throws(PluginError) {
      return unsafe try LoadedFiles.handle(of: file, admission, sha256: sha256)
    } catch .notLoadable(_, let reason) {
      throw .function(library: library, symbol: symbol, .notLoadable(reason: reason))
    }
  }
}
