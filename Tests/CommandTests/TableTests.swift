import Foundation
import Testing

/// The recipes of the papers' tables, each carried out for about twenty steps on glyphs.
@Suite struct TableTests {
  /// A row's recipe with what cuts it down.
  struct Row: CustomTestStringConvertible, Sendable {
    let path: String
    var testDescription: String { path }

    /// Epochs that come to 17 to 20 steps of 32 samples: of 576 samples 58, a class or a half are forgotten.
    private var epochs: Int {
      let isHalf = path.contains("random50")
      switch URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent {
      case "gradient-ascent", "boundary-expand", "boundary-shrink": return isHalf ? 2 : 10
      case "fine-tune", "l1-sparse": return isHalf ? 2 : 1
      default: return 1
      }
    }

    var changes: [String] {
      var changes = smallScale
      if path.contains("classwise") { changes.append("forget.class=0") }
      if isRetrain { return changes }
      changes += ["pipeline.batch=32", "pipeline.epochs=\(epochs)"]
      if isProcedure { changes += ["pipeline.procedure.samples=100", "pipeline.procedure.iterations=20"] }
      return changes
    }

    var isRetrain: Bool { path.hasSuffix("/retrain.yaml") }
    var isProcedure: Bool { path.hasSuffix("/influence.yaml") }
  }

  /// Data, model and training that take seconds.
  static let smallScale = [
    "data={source: glyphs, train: 640, test: 100, validation: 0.1}", "model={name: cnn, channels: [4, 8]}",
    "base={epochs: 2, batch: 32, optimizer: {name: sgd, learning_rate: 0.05}}", "threads=1",
  ]

  static let rows: [Row] = [
    "salun-table1/random10", "salun-table1/random50", "loreun-table1/random", "loreun-table1/classwise",
  ]
  .flatMap { folder -> [Row] in
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: checkout.appendingPathComponent("examples/\(folder)").path)
    return (names ?? []).sorted().map { Row(path: "examples/\(folder)/\($0)") }
  }

  @Test func `each table has its rows`() {
    #expect(TableTests.rows.count == 2 * 10 + 2 * 9)
  }

  @Test(arguments: rows)
  func `a row runs, and its numbers are finite and not the original's`(_ row: Row) throws {
    let command = try Command()
    let answer = try command.run(
      ["run", checkout.appendingPathComponent(row.path).path] + row.changes + ["--quiet"],
      environment: ["LETHE_CACHE": Command.cache.path, "LETHE_DATA": "/nowhere"])
    try #require(answer.code == 0, "\(answer.err)")
    let report = try checkedReport(of: row, command)
    let steps = try #require(report["steps"] as? Int)
    #expect(row.isRetrain || row.isProcedure ? steps == 0 : (17...20).contains(steps), "\(steps) steps")
  }

  /// The report of a run, of which every number is finite and the losses are not the original's.
  private func checkedReport(of row: Row, _ command: Command) throws -> [String: Any] {
    let report = try #require(
      try JSONSerialization.jsonObject(with: command.runFile("report.json")) as? [String: Any])
    let models = try #require(report["models"] as? [[String: Any]])
    func numbers(_ model: String) throws -> [String: Double] {
      let record = try #require(models.first { $0["model"] as? String == model }, "no '\(model)'")
      let metrics = try #require(record["metrics"] as? [[String: Any]])
      return try Dictionary(
        uniqueKeysWithValues: metrics.map { metric in
          // What is not finite is text in this JSON.
          let id = try #require(metric["id"] as? String)
          return (id, try #require(metric["value"] as? Double, "\(model): \(id) is \(metric["value"] ?? "absent")"))
        })
    }
    let original = try numbers("original")
    let result = try numbers(row.isRetrain ? "retrained" : "unlearned")
    #expect(result.count >= 12 && result.values.allSatisfy(\.isFinite))
    for loss in ["loss-forget", "loss-retain"] {
      let id = try #require(original.keys.first { $0.hasPrefix("\(loss)@") }, "\(original.keys)")
      #expect(result[id] != original[id], "\(id)")
    }
    return report
  }

  /// Whether the tests that take minutes are wanted, and the real data is there.
  private static let isSlow =
    ProcessInfo.processInfo.environment["LETHE_SLOW"] == "1"
    && FileManager.default.fileExists(atPath: realData + "/cifar10-jpeg/cifar10-jpeg.tar.xz")

  private static let realData =
    ProcessInfo.processInfo.environment["LETHE_DATA"]
    ?? checkout.deletingLastPathComponent().appendingPathComponent("shared/data").path

  @Test(
    .enabled(if: isSlow, "slow, and needs cifar10-jpeg/ in LETHE_DATA or ../shared/data: LETHE_SLOW=1 runs it"),
    arguments: rows.filter { $0.path.contains("random10") })
  func `a row of SalUn's table runs on real images`(_ row: Row) throws {
    let command = try Command()
    var changes = [
      "data.train=900", "data.test=200", "model.width=4", "base.epochs=2", "base.batch=64",
      "base.optimizer.schedule={name: constant}", "threads=1",
    ]
    if !row.isRetrain { changes += ["pipeline.epochs=1", "pipeline.batch=64"] }
    if row.isProcedure { changes.append("pipeline.procedure.samples=50") }
    let answer = try command.run(
      ["run", checkout.appendingPathComponent(row.path).path] + changes + ["--quiet"],
      environment: ["LETHE_CACHE": Command.cache.path, "LETHE_DATA": TableTests.realData])
    try #require(answer.code == 0, "\(answer.err)")
    _ = try checkedReport(of: row, command)
  }

  @Test func `one command makes a table with our numbers, the paper's and the difference`() throws {
    let command = try Command()
    let folder = checkout.appendingPathComponent("examples/salun-table1").path
    let words =
      [
        "compare", "\(folder)/random10.yaml", "--paper", "\(folder)/paper-random10.yaml", "--methods",
        "Fine-tune,SalUn",
      ]
      + TableTests.smallScale + ["pipeline.epochs=1", "pipeline.batch=32"]
    let environment = ["LETHE_CACHE": Command.cache.path, "LETHE_DATA": "/nowhere"]
    let answer = try command.run(words, environment: environment)
    try #require(answer.code == 0, "\(answer.err)")
    let latex = try command.run(words + ["--latex"], environment: environment).out
    let page = String(decoding: try command.runFile("comparison.html"), as: UTF8.self)
    let text = String(decoding: try command.runFile("comparison.md"), as: UTF8.self)
    for form in [answer.out, latex, page, text] {
      for words in [
        "SalUn, published", "SalUn, difference", "retrained, published", "13.28 (0.40)",
        "CIFAR-10 (JPEG) is a recompressed copy and not the paper",
      ] {
        #expect(form.contains(words), "'\(words)' is missing")
      }
    }
    #expect(answer.out.contains("Published, and not run here: Random label, "))
    #expect(answer.out.contains("Ours: 'glyphs' (640 samples), cnn, 2 epochs, fp32."))
  }

  @Test func `a table of published numbers that is none is refused before anything is trained`() throws {
    let command = try Command()
    try command.write("source: a\nsetting: b\nrows: {SalUn: {ua: high}}\n", to: "paper.yaml")
    let answer = try command.small("compare", ["--paper", "paper.yaml"])
    #expect(answer.code == 65)
    #expect(answer.err.contains("error: paper.yaml:3: 'rows.SalUn.ua' must be a number, not 'high'"), "\(answer.err)")
    #expect(try command.names() == ["paper.yaml", "small.yaml"])
    let absent = try command.small("compare", ["--paper", "absent.yaml"])
    #expect(absent.code == 66)
    #expect(absent.err.contains("error: absent.yaml: there is no such file"), "\(absent.err)")
  }
}
