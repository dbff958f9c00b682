import Foundation
import Testing

/// `lethe plugin new` and `lethe sdk`, as their user meets them.
@Suite struct PluginNewTests {
  private func new(_ arguments: [String], in command: Command) throws -> Answer {
    try command.run(["plugin", "new"] + arguments)
  }

  static let languages = [
    ("c", "slow-fade.c"), ("cpp", "slow-fade.cpp"), ("swift", "Sources/SlowFade/SlowFade.swift"),
    ("rust", "src/lib.rs"), ("python", "slow_fade.py"),
  ]

  @Test(arguments: languages, ["objective", "reweighter", "mask", "updater", "procedure", "metric"])
  func `a project is whole, named everywhere, and leaves no mark of the template`(
    _ language: (String, String), _ role: String
  ) throws {
    let command = try Command()
    let answer = try new(
      ["slow-fade", "--lang", language.0, "--role", role, "--domain", "com.acme"], in: command)
    if language.0 == "python", role == "procedure" {
      #expect(answer.code == 64)
      #expect(
        answer.err == "error: there is no template of the role 'procedure' in python; "
          + "there are objective, reweighter, mask, updater, metric\n")
      return #expect(try command.names().isEmpty)
    }
    #expect(answer.code == 0, "\(answer.err)")
    let folder = command.folder.appendingPathComponent("slow-fade")
    let files = Set(answer.out.split(separator: "\n").map { String($0.dropFirst("slow-fade/".count)) })
    #expect(files.isSuperset(of: [language.1, "README.md", "recipe.yaml", "test.sh", ".gitignore"]))
    for file in files {
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      for mark in ["my-method", "my_method", "MyMethod", "org.example", "@SDK@", "@BUILT@", "@MANIFEST@", "@ROLE@"]
      where text.contains(mark) || file.contains(mark) {
        Issue.record("\(file) holds '\(mark)'")
      }
    }
    let source = try String(contentsOf: folder.appendingPathComponent(language.1), encoding: .utf8)
    #expect(source.contains("com.acme.slow-fade"))
    #expect(FileManager.default.isExecutableFile(atPath: folder.path + "/test.sh"))
    #expect(try command.names() == ["slow-fade"])
  }

  @Test func `a C reweighter builds as its README says and shows itself`() throws {
    let command = try Command()
    #expect(try new(["slow-fade", "--lang", "c", "--role", "reweighter"], in: command).code == 0)
    let sdk = try command.run(["sdk", "path"]).out.trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(sdk == checkout.appendingPathComponent("sdk").resolvingSymlinksInPath().path)
    try shell(["make", "-s", "LETHE_SDK=\(sdk)"], in: command.folder.appendingPathComponent("slow-fade"))
    let shown = try command.run(["plugin", "show", "org.example.slow-fade", "--plugin-path", "slow-fade"])
    #expect(shown.code == 0, "\(shown.err)")
    #expect(shown.out.contains("temperature"))
  }

  static let refused: [([String], Int32, String)] = [
    (["Fade", "--lang", "c", "--role", "mask"], 64, "no plugin can be called 'Fade'"),
    (["-x", "--lang", "c", "--role", "mask"], 64, "error: "),
    (["fa--de", "--lang", "c", "--role", "mask"], 64, "no plugin can be called 'fa--de'"),
    (["../fade", "--lang", "c", "--role", "mask"], 64, "no plugin can be called '../fade'"),
    (["swift", "--lang", "swift", "--role", "mask"], 64, "no plugin can be called 'swift': the word is taken"),
    (["fade", "--lang", "c", "--role", "mask", "--domain", "Org"], 64, "no plugin can be called 'Org.fade'"),
    (["fade", "--lang", "fortran", "--role", "mask"], 64, "fortran"),
    (
      ["fade", "--lang", "python", "--role", "procedure"], 64, "there is no template of the role 'procedure' in python"
    ),
    (["fade", "--lang", "c", "--role", "judge"], 64, "judge"),
    (["fade", "--lang", "c"], 64, "--role"),
    (["fade", "--lang", "c", "--role", "mask", "--directory", "there"], 73, "'there' is there already"),
    (["fade", "--lang", "c", "--role", "mask", "--directory", "there/file/x"], 73, "cannot write 'there/file/x'"),
  ]

  @Test(arguments: refused)
  func `what cannot be is refused with a sentence, and nothing is written`(
    _ arguments: [String], _ code: Int32, _ sentence: String
  ) throws {
    let command = try Command()
    try FileManager.default.createDirectory(
      at: command.folder.appendingPathComponent("there"), withIntermediateDirectories: false)
    try command.write("", to: "there/file")
    let answer = try new(arguments, in: command)
    #expect(answer.code == code)
    #expect(answer.err.contains(sentence), "\(answer.err)")
    #expect(answer.out.isEmpty)
    #expect(try command.names() == ["there"])
  }

  @Test func `the kit says its version and what a compiler has to be told`() throws {
    let command = try Command()
    let header = try String(
      contentsOf: checkout.appendingPathComponent("sdk/include/lethe/base.h"), encoding: .utf8)
    let define = "#define LETHE_ABI_VERSION "
    let line = try #require(header.split(separator: "\n").first { $0.hasPrefix(define) })
    let version = line.dropFirst(define.count).replacing("\"", with: "")
    #expect(try command.run(["sdk", "version"]).out == version + "\n")
    for (file, line) in [
      ("pkgconfig/lethe.pc", "Version: \(version)"), ("cmake/LetheConfigVersion.cmake", "\"\(version)\""),
      ("rust/Cargo.toml", "version = \"\(version).0\""),
    ] {
      let text = try String(contentsOf: checkout.appendingPathComponent("sdk/" + file), encoding: .utf8)
      #expect(text.contains(line), "sdk/\(file) is of another version")
    }
    #expect(try command.run(["sdk", "cflags"]).out.contains("-I\(checkout.path)/sdk/include "))
    #expect(try command.run(["sdk", "libs"]).out.contains("--version-script=\(checkout.path)/sdk/plugin.version"))
  }
}
