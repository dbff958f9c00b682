import Foundation
import Testing

@Suite struct PlanTests {
  @Test func `a plan is the same twice, names its hash, and changes with the recipe`() throws {
    let command = try Command()
    try command.write(minimal, to: "recipe.yaml")
    let first = try command.run(["plan", "recipe.yaml"])
    #expect(first.code == 0)
    #expect(first.err.isEmpty)
    #expect(try command.run(["plan", "recipe.yaml"]).out == first.out)
    let lines = first.out.split(separator: "\n")
    #expect(lines[0].hasPrefix("# plan "))
    #expect(lines.contains("  objective:"))
    #expect(lines.contains("    plugin: fine-tune"))
    let other = try command.run(["plan", "recipe.yaml", "seed=2"])
    #expect(other.out.split(separator: "\n")[0] != lines[0])
    #expect(other.out.contains("\nseed: 2\n"))
    // Where results go does not make it another run.
    let moved = try command.run(["plan", "recipe.yaml", "output=elsewhere"])
    #expect(moved.out.split(separator: "\n")[0] == lines[0])
  }

  @Test func `a plan as JSON has the same content`() throws {
    let command = try Command()
    try command.write(minimal, to: "recipe.yaml")
    let answer = try command.run(["plan", "recipe.yaml", "--json"])
    let plan = try #require(try JSONSerialization.jsonObject(with: Data(answer.out.utf8)) as? [String: Any])
    #expect(plan["name"] as? String == "recipe")
    #expect((plan["pipeline"] as? [String: Any])?["schedule"] as? String == "retain-only")
  }

  @Test(arguments: ["Fine-tune", "SalUn+LoReUn"])
  func `a method of the demo has a plan with the plugins that are built beside the command`(_ method: String) throws {
    let command = try Command()
    let recipe = checkout.appendingPathComponent("examples/glyphs-demo.yaml").path
    let answer = try command.run(["plan", recipe, "--method", method])
    #expect(answer.code == 0)
    #expect(answer.err.isEmpty)
    #expect(answer.out.contains("variant: \(method)\n"))
    #expect(answer.out.contains("plugin: salun\n") == (method == "SalUn+LoReUn"))
  }

  @Test(arguments: [["--help"], ["plan", "recipe.yaml"], ["plugin", "list"], ["plugin", "show", "salun"]])
  func `what computes nothing works without LibTorch and does not open it`(_ arguments: [String]) throws {
    let command = try Command()
    try command.write(minimal, to: "recipe.yaml")
    let answer = try command.run(arguments, environment: ["LIBTORCH": "/nowhere", "LD_DEBUG": "files"])
    #expect(answer.code == 0)
    let opened = (answer.out + answer.err).split(separator: "\n").filter { $0.contains("calling init:") }
    #expect(opened.contains { $0.contains("libc.so") }, "the loader said nothing")
    for library in ["libtorch", "libCTorch", "libSalUn", "libFineTune"] {
      #expect(!opened.contains { $0.contains(library) }, "\(library) was opened")
    }
  }

  @Test func `plugins are listed by role, and shown with their parameters`() throws {
    let command = try Command()
    let list = try command.run(["plugin", "list"])
    #expect(list.code == 0)
    let ids = list.out.split(separator: "\n").dropFirst().compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(
      ids == [
        "blindspot", "boundary-expand", "boundary-shrink", "erasediff", "fine-tune", "gradient-ascent", "l1-sparse",
        "random-label", "salun-diffusion", "selective-amnesia", "siss", "loreun", "salun", "bilevel",
        "gradient-balance",
        "proximal", "influence",
      ])
    let json = try command.run(["plugin", "list", "--json"])
    let catalog = try #require(try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
    #expect((catalog["parts"] as? [Any])?.count == 17)
    let show = try command.run(["plugin", "show", "loreun"])
    #expect(show.out.contains("eta_forget"))
    #expect(show.out.contains("reweighter"))
    let wrong = try command.run(["plugin", "show", "lorun"])
    #expect(wrong.err.hasPrefix("error: no plugin 'lorun' (did you mean 'loreun'?); there are "))
  }

  @Test func `the doctor finds LibTorch missing and says so with 66`() throws {
    let command = try Command()
    let answer = try command.run(["doctor"], environment: ["LIBTORCH": "/nowhere"])
    #expect(answer.code == 66)
    #expect(answer.out.contains("✗ LibTorch"))
    #expect(answer.out.contains("✓ plugins"))
    let data = try command.run(["doctor", "--json"], environment: ["LIBTORCH": "/nowhere", "LETHE_DATA": "/nowhere"])
    let findings = try #require(try JSONSerialization.jsonObject(with: Data(data.out.utf8)) as? [[String: Any]])
    #expect(findings.first { $0["name"] as? String == "data" }?["problem"] as? Bool == true)
  }
}
