import CLethe
import Glibc
import Synchronization

/// A plugin whose code is in the process. It is never closed: unloading Swift code crashes the host later, and handles of
/// other libraries may outlive it.
package final class LoadedPlugin: Sendable {
  /// What the note said; the code was compared with it.
  package let file: PluginFile
  /// SHA-256 of the bytes that were checked, 64 lower-case hexadecimal digits.
  package let sha256: String
  let strategies: [LoadedStrategy]

  /// Opens the file, checks who could have changed it, loads it and compares its table with its manifest.
  ///
  /// - Parameter trust: who may own the file and the folders above it.
  package convenience init(_ file: PluginFile, trust: TrustPolicy) throws(PluginError) {
    let opened = try OpenFile(file.path)
    guard opened.identity == file.identity else { throw .replaced(path: file.path) }
    try trust.check(opened, asked: file.path)
    let sha256 = try opened.sha256()
    if file.isSource {
      let text = try PythonBridge.text(of: opened)
      try opened.checkUnchanged()
      FlightRecorder.enter(PluginCall(file, "load", nil))
      defer { FlightRecorder.leave() }
      unsafe try self.init(file, sha256: sha256, table: Self.run(file, text))
      return
    }
    // A library's constructors run while it is opened.
    FlightRecorder.enter(PluginCall(file, "load", nil))
    defer { FlightRecorder.leave() }
    let handle = unsafe try LoadedFiles.handle(of: opened)
    try opened.checkUnchanged()
    unsafe try self.init(file, sha256: sha256, table: Self.enter(file, handle))
  }

  /// Calls the plugin's one exported function.
  private static func enter(
    _ file: PluginFile, _ handle: UnsafeMutableRawPointer
  ) throws(PluginError) -> UnsafePointer<lethe_plugin> {
    guard let symbol = unsafe dlsym(handle, HostFacts.entrySymbol) else {
      throw .unfit(plugin: file.manifest.id, path: file.path, .noEntry(symbol: HostFacts.entrySymbol))
    }
    let entry = unsafe unsafeBitCast(symbol, to: lethe_plugin_abi0_fn.self)
    var table: UnsafePointer<lethe_plugin>?
    let call = PluginCall(file, "entry", nil)
    try unsafe CallError.check(call) { error in unsafe entry(ServiceTables.host, &table, error) }
    guard let table = unsafe table else { throw .call(call, .noTable) }
    return unsafe table
  }

  /// Runs a source file in the process, by the library that knows its language.
  private static func run(_ file: PluginFile, _ text: [UInt8]) throws(PluginError) -> UnsafePointer<lethe_plugin> {
    let bridge = try PythonBridge.open(for: file)
    var table: UnsafePointer<lethe_plugin>?
    let call = PluginCall(file, "entry", nil)
    try unsafe CallError.check(call) { error in unsafe bridge.enter(file, text, &table, error) }
    guard let table = unsafe table else { throw .call(call, .noTable) }
    return unsafe table
  }

  private init(_ file: PluginFile, sha256: String, table: UnsafePointer<lethe_plugin>) throws(PluginError) {
    self.file = file
    self.sha256 = sha256
    do throws(TableProblem) {
      strategies = unsafe try TableReader(manifest: file.manifest).read(table)
    } catch {
      throw .table(plugin: file.manifest.id, path: file.path, error)
    }
  }

  /// The strategy of that id, for the role that is wanted.
  package func strategy(_ id: String, role: StrategyRole) throws(PluginError) -> StrategyHandle {
    guard let found = strategies.first(where: { $0.manifest.id == id }) else {
      let known = strategies.map(\.manifest.id)
      throw .unknown(id: id, nearest: nearestWords(to: id, in: known), known: known, searched: [file.path])
    }
    guard found.manifest.knownRole == role else {
      throw .wrongRole(strategy: id, role: found.manifest.role, wanted: role)
    }
    return StrategyHandle(plugin: self, loaded: found)
  }

  static func load(_ path: String) throws(PluginError) -> UnsafeMutableRawPointer {
    guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      throw .notLoadable(path: path, reason: unsafe CStruct.line(String(cString: dlerror())))
    }
    return unsafe handle
  }
}

/// A strategy of a loaded plugin, ready for instances of it.
package struct StrategyHandle: Sendable {
  package let plugin: LoadedPlugin
  let loaded: LoadedStrategy

  package var manifest: StrategyManifest { loaded.manifest }
}

extension PluginCatalog {
  /// Finds, checks and loads the plugin of a strategy.
  package func load(_ id: String, role: StrategyRole) throws(PluginError) -> StrategyHandle {
    let entry = try find(id, role: role)
    return try LoadedPlugin(entry.plugin, trust: TrustPolicy(searchPath)).strategy(id, role: role)
  }
}

extension PluginCall {
  init(_ file: PluginFile, _ call: String, _ step: Int?) {
    self.init(plugin: file.manifest.id, version: file.manifest.version, file: file.name, call: call, step: step)
  }
}

/// The files that were loaded. The dynamic linker gives the old library for a path whose file was replaced, so that a file
/// that was built anew is loaded from a copy beside it; the old code stays where it is.
private enum LoadedFiles {
  private struct Loaded {
    /// Which bytes a path held when it was loaded first.
    var first: [String: FileIdentity] = [:]
    /// Which bytes were loaded from copies, by the path and those bytes.
    var copies: [Copy: UInt] = [:]
    var count = 0
  }

  private struct Copy: Hashable {
    let path: String
    let identity: FileIdentity
  }

  private static let all = Mutex(Loaded())

  static func handle(of file: borrowing OpenFile) throws(PluginError) -> UnsafeMutableRawPointer {
    let copy = Copy(path: file.path, identity: file.identity)
    let (isOriginal, known, number) = all.withLock { all in
      if all.first[copy.path] == nil { all.first[copy.path] = copy.identity }
      all.count += 1
      return (all.first[copy.path] == copy.identity, all.copies[copy], all.count)
    }
    if isOriginal { return unsafe try LoadedPlugin.load(copy.path) }
    if let known, let handle = unsafe UnsafeMutableRawPointer(bitPattern: known) { return unsafe handle }
    // In the same folder, or libraries that it finds beside itself are not found.
    let path = hidden(beside: copy.path, number: number)
    defer { _ = unsafe unlink(path) }
    try file.write(to: path)
    let handle = unsafe try LoadedPlugin.load(path)
    let bits = UInt(bitPattern: handle)
    all.withLock { all in all.copies[copy] = bits }
    return unsafe handle
  }

  /// A name that no search for plugins looks at.
  private static func hidden(beside path: String, number: Int) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return (parts.dropLast() + [".\(parts.last ?? "").\(getpid()).\(number)"]).joined(separator: "/")
  }
}
