import CLethe
import Glibc
import Learning

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
  /// - Parameters:
  ///   - trust: who may own the file and the folders above it, and which bytes are let in whoever owns them.
  ///   - meanwhile: happens when everything is checked and nothing is loaded; for tests of what happens then.
  package convenience init(
    _ file: PluginFile, trust: TrustPolicy, meanwhile: () -> Void = {}
  ) throws(PluginError) {
    let opened = try OpenFile(file.path)
    guard opened.identity == file.identity else { throw .replaced(path: file.path) }
    if file.isSource {
      let text = try PythonBridge.text(of: opened)
      var hash = SHA256()
      hash.update(text)
      let sha256 = hash.hexadecimal()
      if try trust.admit(opened, asked: file.path, sha256: sha256) == .asItLies { try opened.checkUnchanged() }
      meanwhile()
      FlightRecorder.enter(PluginCall(file, "load", nil))
      defer { FlightRecorder.leave() }
      unsafe try self.init(file, sha256: sha256, table: Self.run(file, text))
      return
    }
    let sha256 = try opened.sha256()
    let admission = try trust.admit(opened, asked: file.path, sha256: sha256)
    meanwhile()
    // A library's constructors run while it is opened.
    FlightRecorder.enter(PluginCall(file, "load", nil))
    defer { FlightRecorder.leave() }
    let handle = unsafe try LoadedFiles.handle(of: opened, admission, sha256: sha256)
    unsafe try self.init(file, sha256: sha256, table: Self.enter(file, handle))
  }

  /// Calls the plugin's one exported function.
  private static func enter(
    _ file: PluginFile, _ handle: UnsafeMutableRawPointer
  ) throws(PluginError) -> UnsafePointer<lethe_plugin> {
    guard let symbol = unsafe dlsym(handle, HostFacts.entrySymbol) else {
      throw .unfit(plugin: file.manifest.id, path: file.path, .noEntry(symbol: HostFacts.entrySymbol))
    }
    let entry = unsafe unsafeBitCast(symbol, to: lethe_plugin_abi1_fn.self)
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
