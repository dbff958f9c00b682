import CLethe
import Glibc
import Tensors

/// The library that runs plugins written in Python, opened with the first one: nothing else of Lethe knows Python, and
/// nothing is linked with it. Both sides come from one build, so that the call between them is no part of the C ABI.
@safe struct PythonBridge {
  /// Largest file that is run, in bytes.
  static let largestSource: Int64 = 1 << 24

  /// `lethe_python_enter` of `Sources/PythonBridge`.
  private typealias Enter =
    @convention(c) (
      _ host: UnsafePointer<lethe_host>?, _ path: UnsafePointer<CChar>?, _ text: UnsafePointer<UInt8>?,
      _ length: UInt64,
      _ kit: UnsafePointer<CChar>?, _ libtorch: UnsafePointer<CChar>?,
      _ out: UnsafeMutablePointer<UnsafePointer<lethe_plugin>?>?, _ error: UnsafeMutablePointer<lethe_error>?
    ) -> lethe_status

  private let function: Enter
  private let kit: String

  /// The text of a file that is to be run: what was hashed is what runs, whatever the file becomes.
  static func text(of file: borrowing OpenFile) throws(PluginError) -> [UInt8] {
    guard let bytes = file.bytes(atMost: largestSource) else {
      throw .notLoadable(path: file.path, reason: "more than \(largestSource >> 20) MiB, or it is being written")
    }
    return bytes
  }

  /// Opens the bridge beside the command.
  static func open(for file: PluginFile) throws(PluginError) -> PythonBridge {
    guard !SearchPath.isPrivileged else {
      throw .notLoadable(
        path: file.path, reason: "this process has more rights than its user, and Python believes his variables")
    }
    let program = SearchPath.executableFolder ?? "/"
    let names = [program + "/../lib/lethe/libPythonBridge.so", program + "/libPythonBridge.so"]
    guard let library = names.lazy.compactMap(SearchPath.real).first else {
      throw .notLoadable(path: file.path, reason: "this copy of Lethe has no 'libPythonBridge.so', which runs Python")
    }
    let handle = unsafe try LoadedPlugin.load(library)
    guard let symbol = unsafe dlsym(handle, "lethe_python_enter") else {
      throw .notLoadable(path: library, reason: "it is of another version of Lethe")
    }
    guard let kit = kit(from: program) else {
      throw .notLoadable(path: file.path, reason: "the Python kit 'sdk/python' is not beside this copy of Lethe")
    }
    try check(kit)
    return unsafe PythonBridge(function: unsafeBitCast(symbol, to: Enter.self), kit: kit)
  }

  /// The kit is code too, and a folder above the command may be anybody's.
  private static func check(_ kit: String) throws(PluginError) {
    let trust = TrustPolicy(SearchPath())
    let folder = kit + "/lethe"
    guard let directory = unsafe opendir(folder) else { throw .unreadable(path: folder, reason: systemMessage()) }
    defer { unsafe closedir(directory) }
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if SourceManifest.isSource(name) { try trust.check(folder + "/" + name) }
    }
  }

  /// Runs a file and gives its table.
  func enter(
    _ file: PluginFile, _ text: [UInt8], _ out: UnsafeMutablePointer<UnsafePointer<lethe_plugin>?>,
    _ error: UnsafeMutablePointer<lethe_error>
  ) -> lethe_status {
    let libtorch = (try? LibTorchLocation.find().libraries) ?? ""
    return unsafe function(
      ServiceTables.host, file.path, text, UInt64(text.count), kit, libtorch, out, error)
  }

  /// `share/lethe/sdk/python` of an installation, or `sdk/python` of the checkout above.
  private static func kit(from program: String) -> String? {
    var candidates = [program + "/../share/lethe/sdk/python"]
    var folder = program
    while folder != "/" {
      folder = TrustPolicy.parent(folder)
      candidates.append(folder + "/sdk/python")
    }
    return candidates.lazy.compactMap(SearchPath.real).first { unsafe access($0 + "/lethe/_bridge.py", R_OK) == 0 }
  }
}
