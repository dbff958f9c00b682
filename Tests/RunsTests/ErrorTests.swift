import Foundation
import Testing

@testable import Runs

@Suite struct ErrorTests {
  @Test func `every mistake in a recipe is named with its place and what would be right`() throws {
    var text = ""
    for recipe in Mistake.all {
      text += "# \(recipe.what)\nerror: \(message(recipe.text, recipe.overrides))\n\n"
    }
    try expectGolden(text, "errors.txt")
  }

  @Test func `an unknown plugin tells what there is and what was refused`() {
    let catalog = PartCatalog(
      parts: [], folders: ["/a", "/b"], refusals: [PartRefusal(file: "/a/libloreun.so", reason: "not a library")])
    #expect {
      try resolve(Fixture.minimal(), catalog: catalog)
    } throws: {
      "\($0)"
        == "recipe.yaml:2: 'pipeline.objective': no plugin 'fine-tune'; there are none; searched: /a, /b; "
        + "refused /a/libloreun.so: not a library"
    }
  }

  @Test func `a plugin that several files have is refused`() {
    var twin = Fixture.part("fine-tune", .objective)
    twin.file = "/more/libfine.so"
    let catalog = PartCatalog(parts: Fixture.catalog.parts + [twin])
    #expect {
      try resolve(Fixture.minimal(), catalog: catalog)
    } throws: {
      "\($0)"
        == "recipe.yaml:2: 'pipeline.objective': several files have the plugin 'fine-tune': "
        + "/plugins/libfine-tune.so, /more/libfine.so; keep one of them"
    }
  }

  @Test func `errors that are no recipe's`() throws {
    let errors: [RunError] = [
      .unreadable(file: "no.yaml", reason: "there is no such file"),
      .unreadablePlan(file: "plan.yaml", reason: "'seed': a value is missing"),
      .unreadableEvent(file: "events.jsonl", line: 3, reason: "no event 'x'"), .noBeginning(file: "events.jsonl"),
      .badOverride("seed", reason: "there is no '='"), .badSweep("seed", reason: "there is no '='"),
      .unknownMethod("A", nearest: nil, known: ["B", "C"]),
    ]
    try expectGolden(errors.map { "\($0.exitCode) error: \($0)\n" }.joined(), "other-errors.txt")
  }

  @Test func `a recipe that cannot be read says why`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func reason(_ path: String) -> String {
      do {
        _ = try RunConfig(path: path, currentFolder: folder.path)
        return "no error"
      } catch {
        return "\(error.exitCode) \(error)"
      }
    }
    #expect(reason("no.yaml") == "66 no.yaml: there is no such file")
    #expect(reason(".") == "66 .: it is a folder")
    try Data([0xFF, 0xFE, 0x00]).write(to: folder.appendingPathComponent("bytes.yaml"))
    #expect(reason("bytes.yaml") == "65 bytes.yaml: not YAML: the file is not UTF-8 text")
    try Data("seed: 3\n".utf8).write(to: folder.appendingPathComponent("good.yaml"))
    let config = try RunConfig(path: "good.yaml", currentFolder: folder.path)
    #expect(config.folder == folder.path)
    #expect(config.text == "seed: 3\n")
  }
}
