import Foundation
import Testing

/// The pages of methods, which `scripts/method-pages` writes.
@Suite struct MethodPageTests {
  private static let folder = checkout.appendingPathComponent("docs/methods")

  static let pages: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".md") && $0 != "README.md" }.sorted()
  }()

  @Test(arguments: pages)
  func `the recipe that a page shows can be carried out`(_ page: String) throws {
    let text = try String(contentsOf: Self.folder.appendingPathComponent(page), encoding: .utf8)
    let block = try #require(text.components(separatedBy: "```yaml\n").dropFirst().first)
    var recipe = "forget: {random: 0.1}\n" + block.components(separatedBy: "```")[0]
    if !recipe.contains("  objective:"), !recipe.contains("  procedure:") {
      // A part that is shown alone plays with an objective that has all that a part may need.
      recipe += "  objective: random-label\n  schedule: paired\n"
    }
    if !text.contains("| tasks | classification") { recipe += "model: {name: unet}\n" }
    let command = try Command()
    try command.write(recipe, to: "page.yaml")
    let answer = try command.run(["plan", "page.yaml"])
    #expect(answer.code == 0, "\(recipe)\n\(answer.err)")
  }
}
