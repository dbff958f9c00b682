import Foundation
import Testing

@Suite struct MaskCommandTests {
  private static let masked = ["pipeline.mask=salun"]

  private struct Masks: Decodable {
    struct Entry: Decodable {
      let keep: Double
      let file: String
      let parameters: [Parameter]
    }

    struct Parameter: Decodable {
      let name: String
      let kept, total: Int
    }

    let masks: [Entry]
  }

  @Test func `masks of all densities come from one walk, and are files that say what they are`() throws {
    let command = try Command()
    let answer = try command.small("mask", MaskCommandTests.masked + ["--keep", "0.5,0.1,1,0.5"])
    #expect(answer.code == 0)
    #expect(answer.out.contains("keep 0.1  keep 0.5  keep 1.0"))
    let read = try JSONDecoder().decode(Masks.self, from: command.runFile("masks.json"))
    #expect(read.masks.map(\.keep) == [0.1, 0.5, 1])
    let total = read.masks[0].parameters.reduce(0) { $0 + $1.total }
    for mask in read.masks {
      let kept = mask.parameters.reduce(0) { $0 + $1.kept }
      #expect(kept == Int((mask.keep * Double(total)).rounded(.down)))
      let file = try command.runFile(mask.file)
      let length = Int(file.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * $1.offset) })
      let header = try #require(
        try JSONSerialization.jsonObject(with: file.dropFirst(8).prefix(length)) as? [String: [String: Any]])
      #expect(header["__metadata__"]?["kept"] as? String == String(kept))
      for parameter in mask.parameters { #expect(header[parameter.name]?["dtype"] as? String == "BOOL") }
      #expect(file.dropFirst(8 + length).count { $0 == 1 } == kept)
    }
    // Every smaller mask lies in the next larger one.
    let bits = try read.masks.map { try command.runFile($0.file).suffix(total) }
    for (small, large) in zip(bits, bits.dropFirst()) { #expect(zip(small, large).allSatisfy { $0 <= $1 }) }
    let page = try String(decoding: command.runFile("masks.html"), as: UTF8.self)
    #expect(page.contains("data-plot=\"masks\"") && page.contains("keep 0.5"))
    #expect(try !command.runFiles().contains { $0.hasSuffix("unlearned.safetensors") })
    // No run can be gone on with, replayed or verified in the folder.
    let folder = command.folder.appendingPathComponent(try command.runFolder()).path
    for words in [["run", "--resume"], ["replay"], ["verify"]] {
      let answer = try command.run(words + [folder])
      #expect(answer.code != 0 && answer.err.contains("events.jsonl"), "\(words): \(answer.err)")
    }
  }

  @Test(
    .enabled(if: ComparisonPageTests.hasBrowser, "there is no Chromium (Debian: apt-get install chromium)"),
    .timeLimit(.minutes(3)))
  func `the page shows the numbers of the file`() throws {
    let command = try Command()
    #expect(try command.small("mask", MaskCommandTests.masked).code == 0)
    let page = command.folder.appendingPathComponent(try command.runFolder()).appendingPathComponent("masks").path
    let answer = try ComparisonPageTests.check([page])
    #expect(answer.code == 0, "\(answer.said)")
    // A page that does not show what the file says is found out.
    let file = URL(fileURLWithPath: "\(page).json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let kept = try #require(text.firstMatch(of: /"kept": (\d+)/))
    try text.replacing(kept.0, with: "\"kept\": \(try #require(Int(kept.1)) + 1)").write(
      to: file, atomically: true, encoding: .utf8)
    #expect(try ComparisonPageTests.check([page]).code == 1)
  }

  @Test func `what only a measurement needs is not asked of the data`() throws {
    let answer = try Command().small(
      "mask", MaskCommandTests.masked + ["forget={random: 0.9, seed: 3}", "evaluate.metrics=[mia-svc]", "--quiet"])
    #expect(answer.code == 0, "\(answer.err)")
  }

  @Test func `the mask of a density is the one that a run takes`() throws {
    let command = try Command()
    #expect(try command.small("mask", MaskCommandTests.masked + ["--keep", "0.3", "--quiet"]).code == 0)
    let ours = try JSONDecoder().decode(Masks.self, from: command.runFile("masks.json")).masks[0].parameters
    #expect(try command.small("run", MaskCommandTests.masked + ["pipeline.mask.keep=0.3"]).code == 0)
    struct Report: Decodable {
      struct Mask: Decodable { let parameters: [Masks.Parameter] }
      let masks: [Mask]
    }
    let run = try JSONDecoder().decode(Report.self, from: command.runFile("report.json")).masks
    #expect(run.first?.parameters.map(\.kept) == ours.map(\.kept))
  }

  @Test(
    arguments: [
      (["--keep", "0"], 64, "'0' is no share"), (["--keep", "1.5"], 64, "'1.5' is no share"),
      (["--keep", "0.1,,0.3"], 64, "'' is no share"), (["--keep", "half"], 64, "'half' is no share"),
      (["--keep", Array(repeating: "0.5", count: 101).joined(separator: ",")], 64, "more than 100"),
      (["--keep", "nan"], 64, "'nan' is no share"), (["--keep", "-0.1"], 64, "Missing value"),
      (["pipeline.mask=null"], 64, "has no mask"), (["pipeline.mask=salum"], 65, "did you mean 'salun'"),
      (["forget=[{random: 0.1}, {random: 0.1}]"], 64, "each request has a mask of its own"),
      (["--method", "A"], 64, "A"), (["output=small.yaml/x"], 73, "cannot write"),
    ] as [([String], Int32, String)])
  func `a mistake ends with its exit code and a sentence`(
    _ arguments: [String], _ code: Int32, _ message: String
  ) throws {
    let command = try Command()
    let changes = arguments.contains { $0.hasPrefix("pipeline.mask") } ? [] : MaskCommandTests.masked
    let answer = try command.small("mask", changes + arguments)
    #expect(answer.code == code, "\(answer.err)")
    #expect(answer.err.contains("error: ") && answer.err.contains(message), "\(answer.err)")
    #expect(answer.out.isEmpty)
    #expect(try command.runFiles().isEmpty)
  }
}
