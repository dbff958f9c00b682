import Foundation
import Testing

@testable import Runs

@Suite struct RecipePageTests {
  static let page = checkout.appendingPathComponent("docs/recipe.md")

  static func table(_ section: RecipeSection) -> String {
    TextTable(
      heading: ["key", "value", "default", "what it does"],
      rows: section.keys.map { ["`\($0.name)`", $0.type, $0.defaultText, $0.doc] }
    ).markdown.replacing("| --- | ---: | ---: | ---: |", with: "| --- | --- | --- | --- |")
  }

  @Test func `docs/recipe.md has every key of the resolver and no other`() throws {
    let text = try String(contentsOf: RecipePageTests.page, encoding: .utf8)
    var expected = text
    for section in RecipeSection.all {
      let open = section.path.isEmpty ? "<!-- keys: -->\n" : "<!-- keys: \(section.path) -->\n"
      let begin = try #require(expected.range(of: open), "no place for the keys of '\(section.path)'")
      let end = try #require(expected.range(of: "<!-- /keys -->", range: begin.upperBound..<expected.endIndex))
      expected.replaceSubrange(begin.upperBound..<end.lowerBound, with: RecipePageTests.table(section))
    }
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1", expected != text {
      try expected.write(to: RecipePageTests.page, atomically: true, encoding: .utf8)
      Issue.record("wrote the tables of docs/recipe.md; look at them before they are committed")
      return
    }
    #expect(text == expected)
    #expect(text.components(separatedBy: "<!-- keys:").count - 1 == RecipeSection.all.count)
  }

  @Test(
    arguments: RecipeSection.all.filter {
      !["a part", "a function", "a test", "a function in evaluate.plugins", "pipeline.mask", "swaps"].contains($0.path)
    })
  func `every key that is listed is accepted`(_ section: RecipeSection) {
    for key in section.keys {
      let path = section.path.hasPrefix("optimizer") ? "base.\(section.path)" : section.path
      let override = path.isEmpty ? "\(key.name)=null" : "\(path).\(key.name)=null"
      do {
        _ = try resolve(Fixture.minimal(), [override])
      } catch RunError.unknownKey {
        Issue.record("'\(override)' is an unknown key")
      } catch {
        // Null may leave out what must be there.
      }
    }
  }

  @Test(arguments: ["minimal", "methods"])
  func `the recipes on the page are recipes`(_ which: String) throws {
    let text = try String(contentsOf: RecipePageTests.page, encoding: .utf8)
    let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
    if which == "minimal" {
      #expect(try resolve(try #require(blocks.first)).pipeline?.objective.id == "fine-tune")
    } else {
      let block = try #require(blocks.first { $0.contains("methods:") })
      let recipe = "forget: {random: 0.1}\n" + block
      #expect(try resolve(recipe, variant: "Denser mask").pipeline?.mask?.selection == .keep(0.8))
      #expect(try resolve(recipe, variant: "No mask").pipeline?.mask == nil)
      let swaps = try #require(blocks.first { $0.contains("swaps:") })
      #expect(try resolve(recipe + swaps).swaps.count == 4)
      let measured = try #require(blocks.first { $0.contains("relearn:") })
      #expect(try resolve(recipe + measured, variant: "No mask").evaluate.relearn?.cap == 200)
      let function = try #require(blocks.first { $0.contains("libmine") })
      let indented = function.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
      let plan = try resolve("forget: {random: 0.1}\npipeline:\n  objective: fine-tune\n\(indented)\n")
      #expect(plan.pipeline?.reweighter != nil)
    }
  }
}
