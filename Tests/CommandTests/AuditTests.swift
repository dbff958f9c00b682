import Foundation
import Glibc
import Testing

/// `lethe audit` on the small recipe: seconds, not minutes.
@Suite(.serialized) struct AuditTests {
  /// Enough held-out samples of each class for an audit.
  private static let changes = ["data.train=500", "data.validation=0.25", "forget.random=40"]

  private func audit(
    _ command: Command, _ arguments: [String] = [], recipe: String = smallRecipe, environment: [String: String] = [:],
    prefix: [String] = []
  ) throws -> Answer {
    try command.write(recipe, to: "small.yaml")
    return try command.run(
      ["audit", "small.yaml"] + Self.changes + ["--shadows", "4"] + arguments,
      environment: environment.merging(["LETHE_CACHE": Command.cache.path]) { given, _ in given }, prefix: prefix)
  }

  private func object(_ data: Data) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func files(_ folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: Command.cache.appendingPathComponent(folder).path)) ?? []
  }

  // MARK: Results

  @Test func `an audit tells its budget, makes its models once, and reports all three audits`() throws {
    let command = try Command()
    let answer = try audit(command, ["--jobs", "2"])
    #expect(answer.code == 0, "\(answer.err)")
    let budget = try #require(answer.err.range(of: "budget: 13 models"))
    #expect(answer.err.range(of: "made in").map { budget.upperBound < $0.lowerBound } == true)
    for words in ["LiRA", "U-LiRA", "KLOM", "chance"] { #expect(answer.out.contains(words), "no '\(words)'") }
    let names = try command.runFiles().map { URL(fileURLWithPath: $0).lastPathComponent }
    #expect(names == ["margins.safetensors", "plan.yaml", "report.json", "report.md"])
    let report = try object(command.runFile("report.json"))
    let lira = try #require(report["lira"] as? [String: Any])
    let rows = try #require(lira["rows"] as? [[String: Any]])
    #expect(
      rows.compactMap { $0["model"] as? String }
        == ["original", "original", "retrained", "retrained", "unlearned", "unlearned"])
    for row in rows {
      let area = try #require((row["auc"] as? [String: Double])?["value"])
      #expect(area > 0 && area < 1)
      // A model that never saw the forget samples cannot be told from one that never saw the others.
      if row["model"] as? String == "retrained" {
        let deviation = try #require(row["auc_chance_deviation"] as? Double)
        #expect(abs(area - 0.5) < 3 * deviation, "\(area), chance is 0.5 ± \(deviation)")
      }
      // 40 held-out samples at most have no rate of one in a hundred.
      #expect(row["tpr_at_fpr_0.01"] == nil)
    }
    #expect((report["klom"] as? [[String: Any]])?.compactMap { $0["set"] as? String } == ["forget", "retain", "test"])
    // The same command finds everything made, in the same folder, and says the same.
    let again = try audit(command)
    #expect(again.err.contains("budget: 0 models"))
    #expect(!again.err.contains("made in"))
    #expect(again.out == answer.out)
    // Another method needs no new shadow model: only its unlearning, which keeps margins.
    let ahead = try audit(command, ["--audits", "u-lira", "pipeline.reweighter=loreun", "--budget"])
    #expect(ahead.out.contains("4 × shadow") && ahead.out.contains("; 4 trained already"), "\(ahead.out)")
    let (models, margins) = (files("models").count, files("audits").count)
    let other = try audit(command, ["--audits", "u-lira", "pipeline.reweighter=loreun"])
    #expect(other.code == 0, "\(other.err)")
    #expect(files("models").count == models)
    #expect(files("audits").count == margins + 5)
  }

  @Test func `what is audited is the model that a run makes`() throws {
    let command = try Command()
    let run = try command.small("run", Self.changes)
    #expect(run.code == 0, "\(run.err)")
    try command.runFile("unlearned.safetensors").write(to: command.folder.appendingPathComponent("mine.safetensors"))
    let report = { () -> [String: Any] in
      try object(
        try Data(
          contentsOf: command.folder.appendingPathComponent(
            "audits/"
              + (try #require(
                FileManager.default.contentsOfDirectory(
                  atPath: command.folder.appendingPathComponent("audits").path
                ).first)) + "/report.json")))
    }
    #expect(try audit(command, ["--audits", "lira", "--output", "audits"]).code == 0)
    let ours = try report()
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("audits"))
    // From elsewhere: no pipeline is needed, and no plugin.
    let recipe = smallRecipe.components(separatedBy: "pipeline:")[0] + "threads: 1\n"
    let answer = try audit(
      command, ["--audits", "lira", "weights=mine.safetensors", "--output", "audits"], recipe: recipe)
    #expect(answer.code == 0, "\(answer.err)")
    let theirs = try report()
    #expect(ours["lira"] as? NSDictionary == theirs["lira"] as? NSDictionary)
  }

  @Test func `events are lines of JSON, the report last`() throws {
    let command = try Command()
    let answer = try audit(command, ["--audits", "lira", "--json", "--quiet"])
    #expect(answer.code == 0, "\(answer.err)")
    let lines = try answer.out.split(separator: "\n").map { try object(Data($0.utf8)) }
    #expect(lines.first?["type"] as? String == "audit-started")
    #expect(lines.last?["type"] as? String == "audit-finished")
    #expect((lines.last?["report"] as? [String: Any])?["lira"] != nil)
    let budget = try object(Data(audit(command, ["--budget", "--json"]).out.utf8))
    #expect((budget["rows"] as? [Any])?.count == 4)
  }

  @Test func `a damaged file of the cache is told and made again`() throws {
    let command = try Command()
    let cache = ["LETHE_CACHE": command.folder.appendingPathComponent("cache").path]
    let first = try audit(command, ["--audits", "lira"], environment: cache)
    #expect(first.code == 0, "\(first.err)")
    let folder = command.folder.appendingPathComponent("cache/audits")
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().first)
    let file = folder.appendingPathComponent(name)
    try Data(contentsOf: file).dropLast(7).write(to: file)
    let second = try audit(command, ["--audits", "lira"], environment: cache)
    #expect(second.code == 0, "\(second.err)")
    #expect(second.err.contains("warning: ") && second.err.contains("it is made again"), "\(second.err)")
    #expect(second.out == first.out)
  }

  // MARK: Mistakes

  @Test(
    arguments: [
      (["--shadows", "2"], 64, "even number of at least 4"), (["--shadows", "7"], 64, "even number"),
      (["--jobs", "0"], 64, "--jobs 0"), (["--audits", "lira,mia"], 64, "no audit 'mia'"),
      (["--variance", "own"], 64, "'own'"), (["--variance", "per-sample"], 64, "--shadows 6"),
      (["weights=no.safetensors"], 66, "there is no such file"),
      (["retrained=none", "--audits", "u-lira"], 65, "'u-lira' needs a retrained model"),
      (["base={weights: own.safetensors}", "retrained=none"], 65, "'base.weights' does not say"),
      (["data.validation=0", "evaluate.sets=[forget, retain, test]"], 65, "'data.validation' is 0"),
      (["forget.random=9"], 65, "at least 10 samples to forget"),
      (["data.validation=10"], 65, "raise 'data.validation'"),
      (["forget={class: 3}", "data.validation=0.05"], 65, "raise 'data.validation'"),
      (["pipeline.objective=frob"], 65, "no plugin 'frob'"),
      (["--method", "A"], 64, "no method 'A'"), (["--output", "small.yaml/x"], 73, "choose another folder"),
    ] as [([String], Int32, String)])
  func `a mistake ends with its exit code and one sentence, and nothing is trained`(
    _ arguments: [String], _ code: Int32, _ words: String
  ) throws {
    let command = try Command()
    let answer = try audit(command, arguments)
    #expect(answer.code == code, "\(answer.err)")
    #expect(answer.err.contains("error: ") && answer.err.contains(words), "\(answer.err)")
    #expect(!answer.err.contains("made in"))
    #expect(answer.out.isEmpty)
    #expect(try command.runFiles() == [])
  }

  @Test func `a recipe without a pipeline is told what can be audited`() throws {
    let command = try Command()
    let recipe = smallRecipe.components(separatedBy: "pipeline:")[0]
    let answer = try audit(command, recipe: recipe)
    #expect(answer.code == 65)
    #expect(answer.err.contains("needs a 'pipeline'; without one there is --audits lira weights=FILE"), "\(answer.err)")
  }

  @Test func `a loss that is not finite in a process ends the audit with 75 and names the model`() throws {
    let command = try Command()
    let answer = try audit(
      command, ["pipeline.objective=gradient-ascent", "pipeline.optimizer.learning_rate=1e30", "pipeline.epochs=30"])
    #expect(answer.code == 75, "\(answer.err)")
    #expect(
      answer.err.contains(/error: (target|original|shadow)-\d: .* at step 1, which changed nothing; try/),
      "\(answer.err)")
    #expect(try !command.runFiles().contains { $0.hasSuffix("report.json") })
  }

  @Test func `files that may not grow end the audit with 74 and no report`() throws {
    let command = try Command()
    let answer = try audit(
      command, ["--audits", "lira", "base.seed=77"],
      prefix: ["sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
    #expect(answer.code == 74, "\(answer.err)")
    #expect(answer.err.lowercased().contains("file too large"), "\(answer.err)")
    #expect(try !command.runFiles().contains { $0.hasSuffix("report.json") || $0.hasSuffix(".tmp") })
  }

  // MARK: Processes

  /// The processes that a process started.
  private func children(of parent: Int32) -> [Int32] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { Int32($0) }.filter { child in
      guard let stat = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8),
        let end = stat.lastIndex(of: ")")
      else { return false }
      let fields = stat[stat.index(after: end)...].split(separator: " ")
      return fields.count > 1 && fields[0] != "Z" && Int32(fields[1]) == parent
    }
  }

  /// An audit that would take long, once its processes train.
  private func started(_ command: Command) throws -> (process: Process, children: [Int32]) {
    try command.write(smallRecipe, to: "small.yaml")
    let cache = command.folder.appendingPathComponent("cache")
    let process = try command.start(
      ["audit", "small.yaml", "--audits", "lira", "--jobs", "2", "base.epochs=100000", "threads=1"] + Self.changes,
      environment: ["LETHE_CACHE": cache.path])
    // Each process makes the folder of models just before it trains.
    var waited = 0
    while process.isRunning, waited < 60_000 {
      usleep(20_000)
      waited += 20
      let found = children(of: process.processIdentifier)
      if found.count == 2, FileManager.default.fileExists(atPath: cache.appendingPathComponent("models").path) {
        return (process, found)
      }
    }
    process.terminate()
    throw CocoaError(.coderValueNotFound)
  }

  private func areGone(_ processes: [Int32], within seconds: Int) -> Bool {
    for _ in 0..<seconds * 50 {
      if processes.allSatisfy({ kill($0, 0) != 0 }) { return true }
      usleep(20_000)
    }
    return false
  }

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func `a signal ends an audit and its processes within two seconds`(_ signal: Int32, _ code: Int32) throws {
    let command = try Command()
    let (process, children) = try started(command)
    let began = ContinuousClock.now
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(ContinuousClock.now - began < .seconds(2))
    #expect(process.terminationReason == .exit && process.terminationStatus == code)
    #expect(areGone(children, within: 1))
    #expect(try command.runFiles().map { URL(fileURLWithPath: $0).lastPathComponent } == ["plan.yaml"])
  }

  @Test func `a process that dies ends the audit, which names the model`() throws {
    let command = try Command()
    try command.write(smallRecipe, to: "small.yaml")
    let (process, children) = try started(command)
    kill(children[0], SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 70)
    #expect(areGone(children, within: 1))
  }

  @Test func `processes do not outlive an audit that was killed`() throws {
    let command = try Command()
    let (process, children) = try started(command)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(areGone(children, within: 10))
  }

  @Test func `an interrupted audit goes on and says what an uninterrupted one says`() throws {
    let command = try Command()
    try command.write(smallRecipe, to: "small.yaml")
    let cache = ["LETHE_CACHE": command.folder.appendingPathComponent("cache").path]
    let words = ["audit", "small.yaml", "--audits", "lira", "--shadows", "4", "--jobs", "1"] + Self.changes
    let process = try command.start(words, environment: cache)
    let folder = command.folder.appendingPathComponent("cache/audits").path
    while process.isRunning, ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).count < 2 {
      usleep(5000)
    }
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    let answer = try command.run(words, environment: cache)
    #expect(answer.code == 0, "\(answer.err)")
    let whole = try command.run(
      words, environment: ["LETHE_CACHE": command.folder.appendingPathComponent("other").path])
    #expect(answer.out == whole.out)
  }
}
