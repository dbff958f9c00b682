import Foundation

/// A plugin of the fixtures, compiled into a test's folder.
enum TestPlugin {
  /// Compiles it.
  ///
  /// - Parameters:
  ///   - breaks: what its code is told to break, "rule" or "rule: way".
  ///   - folder: made within the test's folder.
  ///   - fixture: the name of the C file and of its manifest.
  /// - Returns: the file, as the command is told it.
  static func compile(
    _ breaks: String = "", in command: Command, folder: String = "plugins", fixture: String = "broken"
  ) throws -> String {
    let fixtures = checkout.appendingPathComponent("Tests/CommandTests/Fixtures")
    #if arch(arm64)
      let platform = "linux-aarch64"
    #else
      let platform = "linux-x86_64"
    #endif
    let text = try String(contentsOf: fixtures.appendingPathComponent("\(fixture).json"), encoding: .utf8)
    try command.write(text.replacing("PLATFORM", with: platform), to: "manifest.json")
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent(folder), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755])
    let sdk = checkout.appendingPathComponent("sdk").path
    let file = "\(folder)/lib\(fixture).so"
    try shell(
      [
        "cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden", "-I", sdk + "/include", "-I",
        ".",
      ]
        + ["-Wl,--version-script=\(sdk)/plugin.version", "-Wl,-z,nodelete", "-DBROKEN=\"\(breaks)\""]
        + [fixtures.appendingPathComponent("\(fixture).c").path, "-o", file, "-lm"],
      in: command.folder)
    return file
  }
}

extension Command {
  /// Sets the rights of a file or folder in the test's folder.
  func setMode(_ mode: Int, of name: String) throws {
    try FileManager.default.setAttributes(
      [.posixPermissions: mode], ofItemAtPath: folder.appendingPathComponent(name).path)
  }

  /// The one folder under `runs`.
  func runFolder() throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("runs").path)
    guard let name = names.first, names.count == 1 else { throw CocoaError(.fileNoSuchFile) }
    return "runs/" + name
  }
}
