import Foundation
import Testing

/// `lethe plugin trust`, `--locked`, and what a privileged process believes.
@Suite struct TrustCommandTests {
  private let reweighter = ["pipeline.reweighter=test.reweighter", "--plugin-path", "plugins"]

  /// A plugin in a folder that everybody may write.
  private func open(_ command: Command) throws -> String {
    let file = try TestPlugin.compile("nothing: mark", in: command)
    try command.setMode(0o777, of: "plugins")
    return file
  }

  @Test func `what is refused is let in by its bytes, and refused again with other bytes`() throws {
    let command = try Command()
    let file = try open(command)
    let mark = command.folder.appendingPathComponent("mark").path
    let environment = ["LETHE_TEST_MARK": mark]
    let refused = try command.small("run", reweighter, environment: environment)
    #expect(refused.code == 66)
    #expect(refused.err.contains("can be written by everybody"), "\(refused.err)")
    #expect(refused.err.contains("to let in just these bytes: lethe plugin trust '\(command.folder.path)/\(file)'"))
    #expect(!FileManager.default.fileExists(atPath: mark))
    // It is known before anything is trained.
    #expect(!refused.err.contains("base    "), "\(refused.err)")

    let asked = try command.run(["plugin", "trust", file], environment: environment)
    #expect(asked.code == 64 && asked.err.contains("--yes lists them without asking"), "\(asked.err)")
    let trusted = try command.run(["plugin", "trust", file, "--yes"], environment: environment)
    #expect(trusted.code == 0, "\(trusted.err)")
    for words in [
      "plugin test.broken 1.0.0", "libc.so.6", "lethe_plugin_abi1", "test.reweighter", "refused: ", "sha256",
    ] { #expect(trusted.out.contains(words), "\(trusted.out)") }
    #expect(!FileManager.default.fileExists(atPath: mark), "looking at it ran it")

    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let run = try command.small("run", reweighter, environment: environment)
    #expect(run.code == 0, "\(run.err)")
    #expect(FileManager.default.fileExists(atPath: mark))

    let handle = try FileHandle(forWritingTo: command.folder.appendingPathComponent(file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    #expect(try command.small("run", reweighter, environment: environment).code == 66)
  }

  @Test func `the list is printed, and an entry taken out by id, file or hash`() throws {
    let command = try Command()
    let file = try open(command)
    func entries() throws -> [[String: String]] {
      let answer = try command.run(["plugin", "trust", "--list", "--json"])
      return try JSONDecoder().decode([[String: String]].self, from: Data(answer.out.utf8))
    }
    for way in ["test.broken", file, "hash"] {
      #expect(try command.run(["plugin", "trust", file, "--yes"]).code == 0)
      let listed = try entries()
      #expect(listed.count == 1 && listed[0]["version"] == "1.0.0" && listed[0]["id"] == "test.broken")
      #expect(listed[0]["trusted"]?.hasSuffix("Z") == true && listed[0]["sha256"]?.count == 64)
      let word = way == "hash" ? String(listed[0]["sha256"]?.prefix(12) ?? "") : way
      #expect(try command.run(["plugin", "trust", "--remove", word]).code == 0)
      #expect(try entries().isEmpty)
    }
    let again = try command.run(["plugin", "trust", "--remove", "test.broken"])
    #expect(again.code == 66 && again.err.contains("has no entry"), "\(again.err)")
    #expect(try command.run(["plugin", "trust", "libnone.so", "--yes"]).code == 66)
    #expect(try command.run(["plugin", "trust", "--list", file]).code == 64)
    #expect(try command.run(["plugin", "trust"]).code == 64)
  }

  @Test func `under --locked nothing is loaded that is not listed, of what ships with Lethe neither`() throws {
    let command = try Command()
    let refused = try command.small("run", ["--locked"])
    #expect(refused.code == 66)
    #expect(refused.err.contains("with --locked nothing else is loaded"), "\(refused.err)")
    #expect(!refused.err.contains("base    "), "\(refused.err)")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))

    let shipped = try command.run(["plugin", "trust", "--shipped", "--yes", "--lock", "study.lock"])
    #expect(shipped.code == 0, "\(shipped.err)")
    #expect(try command.small("run", ["--locked"]).code == 66, "the user's own list is still empty")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let run = try command.small("run", ["--lock", "study.lock"])
    #expect(run.code == 0, "\(run.err)")
    let folder = try command.runFolder()
    let environment = ["LETHE_CACHE": Command.cache.path]
    #expect(try command.run(["replay", folder, "--lock", "study.lock"], environment: environment).code == 0)
    #expect(try command.run(["replay", folder, "--locked"], environment: environment).code == 66)
    let none = try command.small("run", ["--lock", "none.lock"])
    #expect(none.code == 66 && none.err.contains("none.lock"), "\(none.err)")

    // A plugin of the user's own is kept out just as well.
    _ = try TestPlugin.compile(in: command)
    let own = try command.small("compare", reweighter + ["--lock", "study.lock"])
    #expect(own.code == 66 && own.err.contains("libbroken.so"), "\(own.err)")
  }

  @Test func `a list that others can write ends the run before it begins`() throws {
    let command = try Command()
    #expect(try command.run(["plugin", "trust", "--shipped", "--yes", "--lock", "study.lock"]).code == 0)
    try command.setMode(0o666, of: "study.lock")
    let answer = try command.small("run", ["--lock", "study.lock"])
    #expect(answer.code == 65 && answer.err.contains("chmod o-w"), "\(answer.err)")
  }

  @Test(.enabled(if: geteuid() == 0, "only root gives a program to somebody else"))
  func `a process with more rights than its user takes plugins from no variable`() throws {
    let command = try Command()
    let file = try TestPlugin.compile(in: command)
    let variables = ["LETHE_PLUGIN_PATH": command.folder.appendingPathComponent("plugins").path]
    // Whether the place of the test honours the mark at all.
    try command.write(
      """
      #define _GNU_SOURCE
      #include <stdlib.h>
      int main(void) { return secure_getenv("LETHE_PLUGIN_PATH") == NULL ? 7 : 0; }
      """, to: "probe.c")
    try shell(["cc", "-o", "probe", "probe.c"], in: command.folder)
    let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("lethe").path
    let copy = command.folder.appendingPathComponent("lethe-copy").path
    try FileManager.default.copyItem(atPath: binary, toPath: copy)
    func run(_ program: String, _ arguments: [String]) throws -> Answer {
      try command.run(
        ["--version"], environment: variables,
        prefix: ["sh", "-c", "exec \"$0\" \(arguments.joined(separator: " "))", program])
    }
    let usual = try run(copy, ["plugin", "list"])
    #expect(usual.out.contains("test.reweighter"), "\(usual.err)")
    for name in ["probe", "lethe-copy"] {
      // The mark goes with a change of the owner.
      #expect(chown(command.folder.appendingPathComponent(name).path, 65534, 65534) == 0)
      try command.setMode(0o4755, of: name)
    }
    guard try run(command.folder.path + "/probe", []).code == 7 else {
      print("skipped: the file system of '\(command.folder.path)' gives no program other rights")
      return
    }
    let privileged = try run(copy, ["plugin", "list"])
    #expect(privileged.code == 0, "\(privileged.err)")
    #expect(!(privileged.out + privileged.err).contains("test.reweighter"), "\(privileged.out)")
    #expect(!(privileged.out + privileged.err).contains(file), "\(privileged.err)")
  }
}
