import CLethe
import Glibc

extension LoadedPlugin {
  /// Which host an entry is shown.
  package enum ShownHost: Sendable {
    /// The one of every run.
    case usual
    /// One so small that it has no functions, with bytes behind it that mean nothing.
    case tiny
    /// One that is longer than this host knows, with bytes behind it that mean nothing.
    case huge
  }

  /// What an entry gave.
  package struct Entered: Sendable, Equatable {
    /// Its status.
    package let status: Int32
    /// Where its table lies; 0 for none.
    package let table: UInt
  }

  /// Calls the plugin's entry once more. What it is shown lives as long as the process.
  package func enter(_ shown: ShownHost) throws(PluginError) -> Entered {
    let handle = unsafe try Self.load(file.path)
    guard let symbol = unsafe dlsym(handle, HostFacts.entrySymbol) else {
      throw .unfit(plugin: file.manifest.id, path: file.path, .noEntry(symbol: HostFacts.entrySymbol))
    }
    let entry = unsafe unsafeBitCast(symbol, to: lethe_plugin_abi1_fn.self)
    let size = unsafe MemoryLayout<lethe_host>.size
    let host: UnsafePointer<lethe_host>
    switch shown {
    case .usual: unsafe host = ServiceTables.host
    case .tiny, .huge:
      let room = 4 * size
      let memory = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
      unsafe memset(memory, Int32(CheckMode.filler), room)
      if case .huge = shown { unsafe memory.copyMemory(from: ServiceTables.host, byteCount: size) }
      let said = if case .huge = shown { room } else { 8 }
      unsafe memory.storeBytes(of: UInt32(said), as: UInt32.self)
      unsafe host = UnsafePointer(memory.assumingMemoryBound(to: lethe_host.self))
    }
    var table: UnsafePointer<lethe_plugin>?
    var error = unsafe lethe_error()
    unsafe error.size = ServiceTables.size(of: lethe_error.self)
    let status = unsafe entry(host, &table, &error)
    return Entered(status: status, table: UInt(bitPattern: table))
  }
}
