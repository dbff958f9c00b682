import Glibc

/// Where LibTorch's and the shim's libraries are.
package struct LibTorchLocation: Sendable, Equatable {
  /// The folder that holds libtorch_cpu.so.
  package let libraries: String
  /// libCTorch.so: beside the running program, or in `../lib/lethe` of an installation.
  package let shim: String
  /// libCTorchCUDA.so, beside it.
  package var graphShim: String { Self.parent(shim) + "/libCTorchCUDA.so" }

  /// Looks in $LIBTORCH, `.deps/libtorch` beside the program's package, the cache folder, and beside the installation.
  package static func find() throws(TensorError) -> LibTorchLocation {
    let program = programFolder()
    var searched: [String] = []
    for folder in candidates(program: program) where !searched.contains(folder) {
      if isFile(folder + "/lib/libtorch_cpu.so") {
        let installed = parent(program) + "/lib/lethe/libCTorch.so"
        return LibTorchLocation(
          libraries: folder + "/lib", shim: isFile(installed) ? installed : program + "/libCTorch.so")
      }
      searched.append(folder)
    }
    throw .libraryNotFound(searched: searched)
  }

  /// The folder of the running program, without links.
  package static func programFolder() -> String {
    guard let resolved = unsafe realpath("/proc/self/exe", nil) else { return "/" }
    defer { unsafe free(resolved) }
    return parent(unsafe String(cString: resolved))
  }

  /// When $LIBTORCH is set nothing else is tried: a wrong value must not go unnoticed.
  private static func candidates(program: String) -> [String] {
    if let given = environment("LIBTORCH") { return [given] }
    var folders: [String] = []
    var folder = program
    while folder != "/" {
      let deps = folder + "/.deps/libtorch"
      if isFile(deps + "/lib/libtorch_cpu.so") { folders.append(deps) }
      folder = parent(folder)
    }
    if folders.isEmpty { folders.append(program + "/.deps/libtorch (and every folder above)") }
    if let cache = cacheFolder() { folders.append(cache + "/libtorch-\(TorchRuntime.wantedVersion)-cpu/torch") }
    folders.append(parent(program) + "/lib/torch")
    return folders
  }

  private static func cacheFolder() -> String? {
    if let cache = environment("LETHE_CACHE") { return cache }
    if let cache = environment("XDG_CACHE_HOME") { return cache + "/lethe" }
    return environment("HOME").map { $0 + "/.cache/lethe" }
  }

  /// A variable, or nil in a process that has more rights than its user, who could otherwise give it any code.
  private static func environment(_ name: String) -> String? {
    typealias Lookup = @convention(c) (UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?
    // Not in glibc's module for Swift.
    guard let symbol = unsafe dlsym(nil, "secure_getenv") else { return nil }
    guard let value = unsafe unsafeBitCast(symbol, to: Lookup.self)(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  private static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  private static func isFile(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }
}
