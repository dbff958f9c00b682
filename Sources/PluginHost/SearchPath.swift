import Glibc

/// The folders in which plugins are looked for, in one order everywhere: `--plugin-path`, a recipe's `plugins`,
/// `LETHE_PLUGIN_PATH`, the user's data folder, the folder of the executable. Never the current folder, never what the
/// dynamic linker searches.
package struct SearchPath: Sendable {
  /// Who named a folder. A file of Python may be asked for as well.
  package enum Origin: Sendable, Equatable {
    /// `--plugin-path` or a recipe: it has to be there.
    case asked
    /// The environment or a convention: it may be missing.
    case usual
    /// Beside the executable, where other libraries lie too: they are passed over without a word.
    case executable
  }

  /// A folder with who named it.
  package struct Folder: Sendable, Equatable {
    package var path: String
    package var origin: Origin
  }

  /// In order, each once.
  package private(set) var folders: [Folder] = []
  /// The folders beside the executable, as the kernel names them: trusted as the executable is.
  package let executableFolders: [String]

  /// - Parameters:
  ///   - asked: folders of `--plugin-path`, then those of the recipe.
  ///   - environment: how to look up an environment variable; the default ignores all of them in a privileged process.
  ///   - executable: folder of the executable; the default asks the kernel.
  package init(
    asked: [String] = [], environment: (String) -> String? = SearchPath.environment,
    executable: String? = SearchPath.executableFolder
  ) {
    executableFolders = executable.map { [$0, $0 + "/../lib/lethe/plugins"].compactMap(Self.real) } ?? []
    for path in asked { add(path, .asked) }
    // An empty entry would mean the current folder elsewhere; here it means nothing. So does a relative one.
    for path in (environment("LETHE_PLUGIN_PATH") ?? "").split(separator: ":") where path.hasPrefix("/") {
      add(String(path), .usual)
    }
    if let data = environment("XDG_DATA_HOME"), data.hasPrefix("/") {
      add(data + "/lethe/plugins", .usual)
    } else if let home = environment("HOME"), home.hasPrefix("/") {
      add(home + "/.local/share/lethe/plugins", .usual)
    }
    for path in executableFolders { add(path, .executable) }
  }

  private mutating func add(_ path: String, _ origin: Origin) {
    let real = Self.real(path) ?? path
    guard !folders.contains(where: { $0.path == real }) else { return }
    folders.append(Folder(path: real, origin: executableFolders.contains(real) ? .executable : origin))
  }

  /// Whether this process has more rights than the user who started it.
  static var isPrivileged: Bool {
    // <sys/auxv.h>, which glibc's module does not show to Swift.
    typealias Look = @convention(c) (UInt) -> UInt
    guard let symbol = unsafe dlsym(nil, "getauxval") else { return true }
    let secure: UInt = 23
    return unsafe unsafeBitCast(symbol, to: Look.self)(secure) != 0
  }

  /// An environment variable, or nil in a process that runs with more rights than its user has.
  ///
  /// By `secure_getenv`, which glibc's module does not show to Swift.
  package static func environment(_ name: String) -> String? {
    typealias Lookup = @convention(c) (UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?
    guard let symbol = unsafe dlsym(nil, "secure_getenv") else { return nil }
    let lookup = unsafe unsafeBitCast(symbol, to: Lookup.self)
    return unsafe lookup(name).map { unsafe String(cString: $0) }
  }

  /// The folder that holds the executable.
  package static var executableFolder: String? {
    guard let path = real("/proc/self/exe"), let slash = path.lastIndex(of: "/") else { return nil }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path without links, or nil where there is nothing.
  static func real(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
  }
}
