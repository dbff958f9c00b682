import Foundation
import Glibc
import Testing

/// Whole runs through the command: results, and what is left when something outside of it fails.
@Suite struct WholeRunTests {
  private func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  // MARK: Results

  @Test func `evaluating a run's weights gives the run's numbers`() throws {
    let command = try Command()
    let answer = try command.small()
    #expect(answer.code == 0, "\(answer.err)")
    let files = try command.runFiles().map { URL(fileURLWithPath: $0).lastPathComponent }
      .map { $0.hasPrefix("events.out.tfevents.") ? "events.out.tfevents" : $0 }
    #expect(
      files == [
        "events.jsonl", "events.out.tfevents", "metrics.csv", "plan.yaml", "report.html", "report.json", "report.md",
        "split.json",
        "unlearned.safetensors",
      ])
    try command.runFile("unlearned.safetensors").write(to: command.folder.appendingPathComponent("mine.safetensors"))
    let audit = try command.small("evaluate", ["weights=mine.safetensors", "--output", "audits", "--quiet"])
    #expect(audit.code == 0, "\(audit.err)")
    func row(_ text: String) -> [Substring] {
      let row = text.split(separator: "\n").first { $0.contains("unlearned ") } ?? ""
      // All but the last column, RTE: an audit unlearns nothing.
      return row.split(separator: " ", omittingEmptySubsequences: true).dropLast()
    }
    #expect(!row(answer.out).isEmpty)
    #expect(row(answer.out).prefix(12) == row(audit.out).prefix(12))
  }

  @Test func `a comparison has a row for each method, with mean and deviation over seeds, and goes on`() throws {
    let command = try Command()
    try command.write(smallRecipe + "methods: {A: {}, B: {reweighter: loreun}}\n", to: "two.yaml")
    let environment = ["LETHE_CACHE": Command.cache.path]
    let words = ["compare", "two.yaml", "--sweep", "seed=1,2"]
    let answer = try command.run(words, environment: environment)
    #expect(answer.code == 0, "\(answer.err)")
    for name in ["original", "retrained", "A", "B"] {
      #expect(answer.out.split(separator: "\n").contains { $0.hasPrefix("\(name) ") }, "no row '\(name)'")
    }
    #expect(answer.out.contains("±"))
    #expect(try command.runFiles().filter { $0.hasSuffix("report.json") }.count == 4)
    // The same command reads what is there.
    let again = try command.run(words, environment: environment)
    #expect(again.out == answer.out)
    #expect(!again.err.contains("unlearn "))
    let json = try command.run(words + ["--json"], environment: environment)
    #expect(try object(Data(json.out.utf8))["rows"] as? [Any] != nil)
    let latex = try command.run(words + ["--latex"], environment: environment)
    #expect(latex.out.contains("\\begin{tabular}"))
    #expect(try command.runFiles().contains { $0.hasSuffix("comparison.html") })
  }

  // MARK: Numbers

  @Test func `a loss that is not finite ends with 75 and the last good weights`() throws {
    let command = try Command()
    let answer = try command.small(
      "run", ["pipeline.objective=gradient-ascent", "pipeline.optimizer.learning_rate=1e30", "pipeline.epochs=30"])
    #expect(answer.code == 75, "\(answer.err)")
    #expect(answer.err.contains("is not a finite number at step"))
    let files = try command.runFiles().map { URL(fileURLWithPath: $0).lastPathComponent }
    #expect(!files.contains("report.json"))
    try command.runFile("unlearned.safetensors").write(to: command.folder.appendingPathComponent("good.safetensors"))
    // They can be measured, so they are finite.
    let audit = try command.small("evaluate", ["weights=good.safetensors", "--output", "audits"])
    #expect(audit.code == 0 || audit.err.contains("the model's outputs overflowed"), "\(audit.err)")
  }

  // MARK: Disks

  @Test func `a folder that nothing can be made in is refused before the work`() throws {
    let command = try Command()
    try command.write("a file\n", to: "file")
    for place in ["/proc", "file/below"] {
      let answer = try command.small("run", ["--output", place])
      #expect(answer.code == 73, "\(answer.err)")
      #expect(answer.err.contains("error: cannot write '") && answer.err.contains(place), "\(answer.err)")
      #expect(answer.err.contains("choose another folder with --output"))
    }
  }

  @Test func `a cache that cannot be written is an error, not a crash`() throws {
    let command = try Command()
    try command.write("a file\n", to: "file")
    let answer = try command.small(
      "run", [], environment: ["LETHE_CACHE": command.folder.appendingPathComponent("file/below").path])
    #expect(answer.code == 73, "\(answer.err)")
    #expect(try command.unfinishedFiles() == [])
  }

  @Test func `files that may not grow end the run with 74, and what was written before is whole`() throws {
    let command = try Command()
    _ = try command.small()
    let before = try command.runFile("unlearned.safetensors")
    try command.write(smallRecipe, to: "small.yaml")
    // The limit counts in units of 512 bytes or 1 KiB: enough for the plan, too little for weights.
    let answer = try command.run(
      ["run", "small.yaml", "--output", "second"], environment: ["LETHE_CACHE": Command.cache.path],
      prefix: ["sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
    #expect(answer.code == 74, "\(answer.err)")
    #expect(
      answer.err.lowercased().contains("file too large"), "\(answer.err)")
    #expect(try command.runFile("unlearned.safetensors") == before)
    let left = try FileManager.default.subpathsOfDirectory(atPath: command.folder.path + "/second")
    #expect(
      !left.contains { $0.hasSuffix(".tmp") || $0.hasSuffix("unlearned.safetensors") || $0.hasSuffix("report.json") },
      "\(left)")
  }

  /// Mounts a disk of 64 KiB at `small`; for `unshare -rm`.
  private static let mount = "mkdir small && mount -t tmpfs -o size=64k tmpfs small"

  /// Whether this machine lets an ordinary user do so.
  private static let canMount: Bool = {
    guard let command = try? Command() else { return false }
    return (try? shell(["unshare", "-rm", "sh", "-c", mount + " 2>/dev/null"], in: command.folder)) != nil
  }()

  @Test(.enabled(if: canMount, "this machine lets nobody mount a small disk (unshare -rm)"))
  func `a full disk ends the run with 74 and leaves nothing half written`() throws {
    let command = try Command()
    try command.write(smallRecipe, to: "small.yaml")
    _ = try command.small()  // The models are in the cache now.
    let list = "; code=$?; find small -type f > left; exit $code"
    let answer = try command.run(
      ["run", "small.yaml", "model.channels=[4, 8]", "--output", "small"],
      environment: ["LETHE_CACHE": Command.cache.path],
      prefix: [
        "unshare", "-rm", "sh", "-c",
        Self.mount + " && dd if=/dev/zero of=small/ballast bs=1k count=48 2>/dev/null && \"$@\"" + list, "sh",
      ])
    #expect(answer.code == 74, "\(answer.err)")
    let left = try String(contentsOf: command.folder.appendingPathComponent("left"), encoding: .utf8)
    #expect(
      !left.contains(".tmp") && !left.contains("unlearned.safetensors") && !left.contains("report.json"), "\(left)")
  }

  // MARK: The process

  @Test func `a run that was killed goes on from its checkpoint and ends with the same bits`() throws {
    let command = try Command()
    let changes = [
      "pipeline.epochs=20", "pipeline.mask={plugin: salun, keep: 0.5}", "pipeline.reweighter=loreun",
      "checkpoint.every=7 steps",
    ]
    #expect(try command.small("run", changes).code == 0)
    let whole = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let killed = try command.start(
      ["run", "small.yaml"] + changes, environment: ["LETHE_CACHE": Command.cache.path])
    var events = ""
    while killed.isRunning, !events.contains(#""type":"checkpointed""#) {
      usleep(2000)
      events = (try? command.runFile("events.jsonl")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    #expect(killed.terminationReason == .uncaughtSignal)
    #expect(try !command.runFiles().contains { $0.hasSuffix("unlearned.safetensors") })
    let folder = try #require(FileManager.default.contentsOfDirectory(atPath: command.folder.path + "/runs").first)
    let answer = try command.run(
      ["run", "--resume", "runs/" + folder], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(answer.code == 0, "\(answer.err)")
    #expect(try command.runFile("unlearned.safetensors") == whole)
    // It is over now.
    let again = try command.run(["run", "--resume", "runs/" + folder])
    #expect(again.code == 65 && again.err.contains("is finished"))
  }
}
