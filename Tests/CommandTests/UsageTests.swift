import Foundation
import Testing

@Suite struct UsageTests {
  @Test func `help teaches every sub-command with an example`() throws {
    let command = try Command()
    let help = try command.run(["--help"])
    #expect(help.code == 0)
    #expect(help.err.isEmpty)
    for name in ["run", "plan", "evaluate", "compare", "mask", "audit", "plugin", "sdk", "doctor", "bench"] {
      #expect(help.out.contains("  \(name) "))
      let text = try command.run([name, "--help"]).out
      #expect(text.contains("lethe \(name)"), "no example of '\(name)'")
    }
    #expect(try command.run(["--version"]).out == "0.1.0\n")
  }

  @Test(
    arguments: [
      (["frob"], 64), (["run", "--frob"], 64), (["run"], 64), (["compare"], 64), (["plan"], 64), (["evaluate"], 64),
      (["run", "a.yaml", "nonsense"], 64), (["run", "a.yaml", "--resume", "x"], 64),
      (["run", "--resume", "x", "--output", "y"], 64), (["bench", "everything"], 64), (["bench", "--rounds", "1"], 64),
      (["bench", "--cuda-graphs"], 64),
      (["bench", "precision", "--device", "tpu"], 65),
      (["run", "no.yaml"], 66), (["plan", "no.yaml"], 66), (["compare", "no.yaml"], 66),
      (["evaluate", "good.yaml"], 64), (["evaluate", "good.yaml", "weights="], 64),
      (["evaluate", "good.yaml", "weights=no.safetensors"], 66), (["plugin", "show", "no-such"], 66),
      (["run", "bad.yaml"], 65), (["plan", "bad.yaml"], 65), (["compare", "bad.yaml"], 65),
      (["evaluate", "bad.yaml", "weights=good.yaml"], 65), (["run", "good.yaml", "sead=1"], 65),
      (["run", "good.yaml", "a..b=1"], 64), (["compare", "good.yaml", "--sweep", "seed"], 64),
      (["compare", "good.yaml", "--methods", "A"], 64), (["compare", "good.yaml", "good.yaml"], 64),
      (["run", "good.yaml", "--method", "A"], 64), (["run", "good.yaml", "output=good.yaml/x"], 73),
      (["compare", "good.yaml", "output=good.yaml/x"], 73),
    ] as [([String], Int32)])
  func `a mistake ends with its exit code, one sentence, and no file`(_ arguments: [String], _ code: Int32) throws {
    let command = try Command()
    try command.write(minimal, to: "good.yaml")
    try command.write(minimal + "metod: x\n", to: "bad.yaml")
    let before = try command.names()
    let answer = try command.run(arguments)
    #expect(answer.code == code)
    #expect(answer.out.isEmpty)
    #expect(answer.err.contains("error: "))
    #expect(try command.names() == before)
  }

  @Test func `an unknown key is told with file, line and what was meant`() throws {
    let command = try Command()
    try command.write(minimal + "metods: {}\n", to: "bad.yaml")
    #expect(
      try command.run(["plan", "bad.yaml"]).err
        == "error: bad.yaml:3: unknown key 'metods'; did you mean 'methods'?\n")
  }

  @Test func `a result that cannot be written is an error`() throws {
    let command = try Command()
    try command.write(minimal, to: "good.yaml")
    let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let answer = try command.run(["plan", "good.yaml"], output: full)
    #expect(answer.code == 74)
    #expect(answer.err == "error: the result cannot be written: standard output is closed or its disk is full\n")
  }
}
