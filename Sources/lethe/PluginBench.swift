import Foundation
import Runs

/// What the plugin platform costs: the ABI, plain functions, a listing of many plugins, and a child process around a run.
struct PluginBench {
  let benches: Benches

  private var rounds: Int { benches.rounds }

  /// Runs all four; `tell` gets each answer as soon as it is known.
  func run(tell: (BenchResult) -> Void) throws -> [BenchResult] {
    var results: [BenchResult] = []
    for measure in [abi, function, listing, containment] {
      let result = try measure()
      tell(result)
      results.append(result)
    }
    return results
  }

  /// A step of a tiny model through plugins and without; its share is that of a ResNet-18 step.
  private func abi() throws -> BenchResult {
    let (rows, large) = try benches.abiSteps()
    return Benches.added("the ABI", rows[1], over: rows[0], goal: 0.01, step: large)
  }

  /// Called once a sample, as a scalar weight function is.
  private func function() throws -> BenchResult {
    // The file that this process has its own mathematics from.
    // A file handle reads on where a file of the kernel gives a page at a time.
    let maps = try FileHandle(forReadingAtPath: "/proc/self/maps")?.readToEnd() ?? Data()
    let paths = String(decoding: maps, as: UTF8.self).split(separator: "\n")
      .compactMap { $0.split(separator: " ").last.map(String.init) }
    guard let library = paths.first(where: { $0.contains("/libm.so") || $0.contains("/libm-") }) else {
      throw CommandError.noFile("libm.so.6")
    }
    let row = TimedRow(name: "function", seconds: try benches.workshop.timeFunction(library, 100_000, rounds))
    let nanoseconds = row.median * 1e9
    return BenchResult(
      question: "a plain C function, a call", value: "\(NumberText.fixed(nanoseconds, 0)) ns",
      detail: Benches.spread(row, 1e9, "ns"), goal: Benches.verdict(nanoseconds, 100, "100 ns"), number: nanoseconds)
  }

  // MARK: Listing

  /// `plugin list` with copies of an installed plugin, each of an id of its own.
  private func listing() throws -> BenchResult {
    let count = 100
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(at: folder) }
    let id = try benches.part(.objective) { !$0.file.hasSuffix(".py") && $0.id.utf8.count >= 6 }
    guard let part = try benches.workshop.catalog([]).parts.first(where: { $0.id == id }) else {
      throw CommandError.noPart(role: "objective")
    }
    let original = try Data(contentsOf: URL(fileURLWithPath: part.file))
    for number in 0..<count {
      // The plugin's id has the strategy's in it, or is another text of the note that gets digits too.
      var copy = original
      for name in Set([part.id, part.pluginID]) { copy.renumber(name, number) }
      try copy.write(to: folder.appendingPathComponent("libcopy\(number).so"))
    }
    let copies = try benches.workshop.catalog([folder.path]).parts.filter { $0.file.hasPrefix(folder.path + "/") }
    guard copies.count >= count else { throw CommandError.noPart(role: "copy of '\(id)'") }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let seconds = try (0...rounds).map { _ in
      try Spawn.run(program.path, ["plugin", "list", "--plugin-path", folder.path]).seconds
    }
    let row = TimedRow(name: "listing", seconds: Array(seconds.dropFirst()))
    return BenchResult(
      question: "'plugin list' with \(count) more plugins", value: "\(NumberText.fixed(row.median, 3)) s",
      detail: "\(Benches.spread(row, 1e3, "ms")); \(original.count / 1024) KiB each",
      goal: Benches.verdict(row.median, 0.1, "0.1 s"), number: row.median)
  }

  // MARK: Containment

  /// Whole small runs with and without a child process, taking turns: what it adds to a step, and its share of that step.
  private func containment() throws -> BenchResult {
    let steps = 400
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let objective = try benches.part(.objective) { $0.schedules.first == .retainOnly }
    let reweighter = try benches.part(.reweighter)
    let recipe = """
      device: \(benches.device)
      data: {source: glyphs, train: 2000, test: 100}
      forget: {random: 0.1}
      model: {name: cnn, channels: [32, 64]}
      base: {epochs: 1, batch: 128}
      retrained: none
      pipeline: {objective: \(objective), reweighter: \(reweighter), steps: \(steps), batch: 128}
      evaluate: {metrics: [ra]}
      checkpoint: {every: null}

      """
    let file = folder.appendingPathComponent("bench.yaml").path
    try Data(recipe.utf8).write(to: URL(fileURLWithPath: file))
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    func seconds(contained: Bool) throws -> Double {
      let events = folder.appendingPathComponent("events.jsonl").path
      try Spawn.run(
        program,
        ["run", file, "--quiet", "--json", "--no-tensorboard", "--output", folder.path + "/runs"]
          + (contained ? ["--contain"] : []), environment: ["LETHE_CACHE": folder.path + "/cache"], output: events)
      for line in try String(contentsOfFile: events, encoding: .utf8).split(separator: "\n").reversed() {
        if case .finished(let end) = try RunEvent(jsonLine: String(line), file: events, number: 1).what {
          return end.unlearnSeconds / Double(steps)
        }
      }
      throw CommandError.cannotStart(program)
    }
    _ = try seconds(contained: false)
    var plain: [Double] = []
    var contained: [Double] = []
    // Whichever comes first in one round comes second in the next.
    for round in 0..<max(4, rounds / 2) {
      for isContained in round % 2 == 0 ? [false, true] : [true, false] {
        let found = try seconds(contained: isContained)
        if isContained { contained.append(found) } else { plain.append(found) }
      }
    }
    let rows = (TimedRow(name: "plain", seconds: plain), TimedRow(name: "contained", seconds: contained))
    let share = rows.1.median / rows.0.median - 1
    return BenchResult(
      question: "--contain adds to a step", value: "\(NumberText.fixed(share * 100, 2)) %",
      detail: "\(Benches.spread(rows.1, 1e6, "µs")) after \(Benches.spread(rows.0, 1e6, "µs")) a step",
      goal: Benches.verdict(share, 0.02, "2 %"), number: share)
  }
}

extension Data {
  /// Puts three digits in the place of the last three letters of a text, wherever it stands.
  fileprivate mutating func renumber(_ text: String, _ number: Int) {
    let old = Data(text.utf8)
    let digits = String(number + 1000).dropFirst()
    let new = Data(text.utf8.dropLast(3)) + Data(digits.utf8)
    var from = startIndex
    while let found = range(of: old, in: from..<endIndex) {
      replaceSubrange(found, with: new)
      from = found.upperBound
    }
  }
}
