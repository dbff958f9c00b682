import Foundation
import Testing

/// `lethe verify`.
@Suite struct VerifyTests {
  private struct Report: Decodable {
    struct Item: Decodable {
      let run, kind, name, file, state: String
      let text, parameters, sha256: String?
    }

    let sound: Bool
    let items: [Item]

    func state(_ kind: String, _ name: String = "") -> String? {
      items.first { $0.kind == kind && $0.name.hasPrefix(name) }?.state
    }
  }

  private func verify(_ folder: String, in command: Command, _ arguments: [String] = []) throws -> (Int32, Report) {
    let answer = try command.run(["verify", folder, "--json"] + arguments)
    try #require(!answer.out.isEmpty, "\(answer.code): \(answer.err)")
    return (answer.code, try JSONDecoder().decode(Report.self, from: Data(answer.out.utf8)))
  }

  private func change(_ file: String) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    try handle.close()
  }

  @Test func `what a run names is found as it was, with parameters and swaps, and told when it is not`() throws {
    let command = try Command()
    let plugin = try TestPlugin.compile(in: command)
    let run = try command.small(
      "run",
      [
        "pipeline.reweighter={plugin: test.reweighter, eta: 0.25}", "--plugin-path", "plugins",
        "swaps=[{at: step 6, reweighter: {plugin: loreun, eta_forget: 0.5}}]",
      ])
    #expect(run.code == 0, "\(run.err)")
    let folder = try command.runFolder()
    let (code, report) = try verify(folder, in: command)
    #expect(code == 0 && report.sound, "\(report)")
    #expect(report.items.allSatisfy { $0.state == "ok" }, "\(report)")
    #expect(report.items.contains { $0.name == "reweighter test.reweighter 1.0.0" && $0.parameters == "eta 0.25" })
    #expect(report.items.contains { $0.name.hasPrefix("reweighter loreun ") && $0.parameters?.contains("0.5") == true })
    #expect(report.items.contains { $0.name.hasPrefix("objective random-label ") && $0.sha256?.count == 64 })
    #expect(Set(report.items.map(\.kind)) == ["plan", "plugin", "split", "result"])
    let text = try command.run(["verify", folder])
    #expect(text.code == 0 && text.out.contains("ok") && text.err.contains("nothing is changed or missing"))

    try change(command.folder.appendingPathComponent(folder + "/unlearned.safetensors").path)
    try change(command.folder.appendingPathComponent(plugin).path)
    var (bad, found) = try verify(folder, in: command)
    #expect(bad == 1 && !found.sound)
    #expect(found.state("result", "weights") == "changed" && found.state("plugin", "reweighter test.") == "changed")
    #expect(found.items.count { $0.state != "ok" } == 2, "\(found)")

    // The same bytes somewhere else are told, and still the run could not be repeated.
    _ = try TestPlugin.compile(in: command, folder: "elsewhere")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent(plugin))
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent(folder + "/split.json"))
    (bad, found) = try verify(folder, in: command, ["--plugin-path", "elsewhere"])
    #expect(bad == 1 && found.state("plugin", "reweighter test.") == "missing" && found.state("split") == "missing")
    #expect(
      found.items.contains { $0.text?.contains("elsewhere/libbroken.so") == true && $0.state == "missing" }, "\(found)")

    let plan = command.folder.appendingPathComponent(folder + "/plan.yaml")
    let written = try String(contentsOf: plan, encoding: .utf8)
    try #require(written.contains("eta: 0.25"))
    try written.replacing("eta: 0.25", with: "eta: 0.75").write(to: plan, atomically: true, encoding: .utf8)
    (bad, found) = try verify(folder, in: command)
    #expect(bad == 1 && found.state("plan") == "changed")
  }

  @Test func `weights that a run began with, and a plain function's library, are held to their hashes`() throws {
    let command = try Command()
    try command.write("double w(double loss) { return 1 / (1 + loss); }\n", to: "w.c")
    try shell(["cc", "-shared", "-fPIC", "-o", "libw.so", "w.c"], in: command.folder)
    #expect(try command.small().code == 0)
    try FileManager.default.moveItem(
      at: command.folder.appendingPathComponent(command.runFolder() + "/unlearned.safetensors"),
      to: command.folder.appendingPathComponent("base.safetensors"))
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let run = try command.small(
      "run",
      [
        "base={weights: base.safetensors}", "retrained=none",
        "pipeline.reweighter={library: libw.so, symbol: w, signature: 'double(double loss)'}",
      ])
    #expect(run.code == 0, "\(run.err)")
    let folder = try command.runFolder()
    var (code, report) = try verify(folder, in: command)
    #expect(code == 0, "\(report)")
    #expect(report.state("input") == "ok" && report.state("function", "reweighter w") == "ok")
    try change(command.folder.appendingPathComponent("base.safetensors").path)
    try change(command.folder.appendingPathComponent("libw.so").path)
    (code, report) = try verify(folder, in: command)
    #expect(code == 1)
    #expect(report.state("input") == "changed" && report.state("function", "reweighter w") == "changed", "\(report)")
  }

  @Test func `the runs of a comparison are looked at one by one, and a folder that is none is told`() throws {
    let command = try Command()
    let compared = try command.small("compare", ["--sweep", "seed=1,2"])
    #expect(compared.code == 0, "\(compared.err)")
    let folder = try command.runFolder()
    let (code, report) = try verify(folder, in: command)
    #expect(code == 0 && Set(report.items.map(\.run)).count == 2)
    #expect(report.items.allSatisfy { $0.state == "ok" && !$0.run.isEmpty }, "\(report)")
    let none = try command.run(["verify", "plugins"])
    #expect(none.code == 66 && none.err.contains("is not a run folder"), "\(none.err)")
  }
}
