import Foundation
import Testing

/// What is read of a plugin must not run any of it.
@Suite struct PluginListingTests {
  /// A plugin whose constructor writes the file that `LETHE_TEST_MARK` names.
  private func plugin(in command: Command) throws -> String {
    let fixtures = checkout.appendingPathComponent("Tests/CommandTests/Fixtures")
    #if arch(arm64)
      let platform = "linux-aarch64"
    #else
      let platform = "linux-x86_64"
    #endif
    let text = try String(contentsOf: fixtures.appendingPathComponent("broken.json"), encoding: .utf8)
    try command.write(text.replacing("PLATFORM", with: platform), to: "manifest.json")
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("plugins"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755])
    let sdk = checkout.appendingPathComponent("sdk").path
    try shell(
      ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden", "-I", sdk + "/include", "-I"]
        + [".", "-Wl,--version-script=\(sdk)/plugin.version", "-Wl,-z,nodelete", "-DBROKEN=\"nothing: mark\""]
        + [fixtures.appendingPathComponent("broken.c").path, "-o", "plugins/libbroken.so", "-lm"],
      in: command.folder)
    return "plugins/libbroken.so"
  }

  @Test func `listing, showing, planning and reading a file run no code of a plugin, not even a constructor`() throws {
    let command = try Command()
    let file = try plugin(in: command)
    try command.write(smallRecipe, to: "small.yaml")
    let mark = command.folder.appendingPathComponent("mark").path
    let here = ["--plugin-path", "plugins"]
    let readers: [[String]] = [
      ["plugin", "list"] + here, ["plugin", "list", "--json"] + here, ["plugin", "show", "test.reweighter"] + here,
      ["plan", "small.yaml", "pipeline.reweighter=test.reweighter"] + here,
      ["plugin", "check", file, "--only", "one-export", "--only", "manifest", "--only", "run-path"],
    ]
    for arguments in readers {
      let answer = try command.run(arguments, environment: ["LETHE_TEST_MARK": mark])
      #expect(answer.code == 0, "\(arguments): \(answer.err)")
      #expect(answer.out.contains("test."), "\(arguments) says nothing of the plugin: \(answer.out)")
      #expect(!FileManager.default.fileExists(atPath: mark), "\(arguments) ran the plugin")
    }
    // The same plugin does write it where its code may run.
    let loaded = try command.run(
      ["plugin", "check", file, "--only", "loads"], environment: ["LETHE_TEST_MARK": mark])
    #expect(loaded.code == 0, "\(loaded.out)\(loaded.err)")
    #expect(FileManager.default.fileExists(atPath: mark))
  }

  @Test func `a plugin that somebody else can change is told so and not run`() throws {
    let command = try Command()
    let file = try plugin(in: command)
    let mark = command.folder.appendingPathComponent("mark").path
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o666], ofItemAtPath: command.folder.appendingPathComponent(file).path)
    let answer = try command.run(["plugin", "check", file], environment: ["LETHE_TEST_MARK": mark])
    #expect(answer.code == 2)
    #expect(answer.out.contains("failure trust: ") && answer.out.contains("chmod"), "\(answer.out)")
    #expect(!FileManager.default.fileExists(atPath: mark))
  }
}
