import Foundation
import Testing

/// How `lethe plugin check` is called, and files that are not what they should be.
@Suite struct PluginCheckUsageTests {
  private func compile(_ source: String, _ arguments: [String], in command: Command) throws {
    try command.write(source, to: "source.c")
    try shell(["cc", "-shared", "-fPIC", "source.c"] + arguments, in: command.folder)
  }

  @Test func `a file that is no library is told by its rule`() throws {
    let command = try Command()
    try command.write("not a library\n", to: "libtext.so")
    let answer = try command.run(["plugin", "check", "libtext.so"])
    #expect(answer.code == 2)
    #expect(answer.out.contains("failure elf-library: ") && answer.out.contains("docs/plugin-check.md#elf-library"))
  }

  @Test func `a library without a note is told by its rule, and the rest of the file is looked at all the same`() throws
  {
    let command = try Command()
    try compile("int nothing;\n", ["-Wl,-z,execstack", "-o", "libnothing.so"], in: command)
    let answer = try command.run(["plugin", "check", "libnothing.so"])
    #expect(answer.code == 2)
    for rule in ["manifest", "one-export", "executable-stack"] {
      #expect(answer.out.contains("failure \(rule): "), "\(answer.out)")
    }
  }

  @Test func `libraries that are not there, and those of LibTorch, are told`() throws {
    let command = try Command()
    for name in ["libelsewhere.so", "libtorch_cpu.so"] {
      try compile(
        "int \(name.dropFirst(3).dropLast(3))(void) { return 1; }\n", ["-Wl,-soname,\(name)", "-o", name], in: command)
    }
    try compile(
      "int elsewhere(void); int torch_cpu(void); int both(void) { return elsewhere() + torch_cpu(); }\n",
      ["-L.", "-lelsewhere", "-ltorch_cpu", "-Wl,-rpath,$ORIGIN", "-o", "libboth.so"], in: command)
    let beside = try command.run(["plugin", "check", "libboth.so", "--only", "needed-libraries"])
    #expect(!beside.out.contains("'libelsewhere.so'"), "a library beside the plugin is found: \(beside.out)")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("libelsewhere.so"))
    let answer = try command.run(["plugin", "check", "libboth.so"])
    #expect(answer.code == 2)
    #expect(answer.out.contains("failure needed-libraries: 'libelsewhere.so' cannot be found"), "\(answer.out)")
    #expect(answer.out.contains("failure links-the-host: it is linked with 'libtorch_cpu.so'"), "\(answer.out)")
  }

  @Test func `a file that is far too large is told`() throws {
    let command = try Command()
    try compile("int nothing;\n", ["-o", "liblarge.so"], in: command)
    let file = try FileHandle(forWritingTo: command.folder.appendingPathComponent("liblarge.so"))
    try file.truncate(atOffset: 65 << 20)
    try file.close()
    let answer = try command.run(["plugin", "check", "liblarge.so", "--only", "file-size"])
    #expect(answer.code == 1)
    #expect(answer.out.contains("warning file-size: it has 65 MiB"), "\(answer.out)")
  }

  static let mistakes: [([String], Int32, String)] = [
    ([], 64, "there is no plugin"),
    (["x.so", "--only", "wieghts"], 64, "there is no rule 'wieghts'; did you mean 'weights'?"),
    (["x.so", "--timeout", "0"], 64, "--timeout"),
    (["x.so"], 66, "x.so"),
    (["test.nobody"], 66, "no plugin 'test.nobody'"),
  ]

  @Test(arguments: mistakes)
  func `a call that cannot be meant is told with its own code`(_ arguments: [String], _ code: Int32, _ text: String)
    throws
  {
    let answer = try Command().run(["plugin", "check"] + arguments)
    #expect(answer.code == code, "\(answer.err)")
    #expect(answer.err.contains(text), "\(answer.err)")
    #expect(answer.out.isEmpty)
  }

  @Test func `an id stands for its file`() throws {
    let answer = try Command().run(["plugin", "check", "fine-tune", "--only", "manifest"])
    #expect(answer.code == 0, "\(answer.out)\(answer.err)")
    #expect(answer.out.hasPrefix("lethe.fine-tune "), "\(answer.out)")
  }

  @Test func `without a process of its own it goes on as well, and leaves out what needs one`() throws {
    let answer = try Command().run(["plugin", "check", "fine-tune", "--in-process", "--json"])
    #expect(answer.code == 0, "\(answer.out)\(answer.err)")
    #expect(answer.out.contains("it needs a process of its own"))
  }
}
