import Foundation
import Testing

/// `--contain`: whatever a plugin does to its process, the command says which plugin and which call it was, and the run goes on
/// from its last checkpoint.
@Suite struct ContainTests {
  /// The folder with the plugin of `doom.c`, for all tests of this process.
  private static let built: URL? = try? {
    let command = try Command()
    _ = try TestPlugin.compile(in: command, fixture: "doom")
    let folder = command.folder.deletingLastPathComponent().appendingPathComponent("lethe-doom-\(UUID().uuidString)")
    try FileManager.default.moveItem(at: command.folder.appendingPathComponent("plugins"), to: folder)
    atexit { if let built = ContainTests.built { try? FileManager.default.removeItem(at: built) } }
    return folder
  }()

  private static func plugins() throws -> String { "plugins=[\(try #require(built).path)]" }

  /// Runs the small recipe in a child process.
  ///
  /// - Parameter doom: "ROLE.CALL DEED N", or nothing.
  private func run(
    _ changes: [String], doom: String = "", seconds: Int = 100, recipe: String = smallRecipe, in command: Command
  ) throws -> Answer {
    try command.write(recipe, to: "small.yaml")
    return try command.run(
      ["run", "small.yaml"] + changes + [
        try Self.plugins(), "--contain", "--contain-seconds", "\(seconds)", "--contain-memory", "2.5",
      ], environment: ["LETHE_CACHE": Command.cache.path, "DOOM": doom])
  }

  private static let often = "checkpoint.every=1 steps"
  private static let objective = ["pipeline.objective=doom.objective", often]
  private static let reweighter = ["pipeline.reweighter=doom.reweighter", often]
  private static let mask = ["pipeline.mask={plugin: doom.mask, keep: 0.5}", often]
  private static let updater = ["pipeline.updater=doom.updater", often]
  private static let metric = ["evaluate.plugins=[doom.metric]", "evaluate.metrics=[ua]", often]
  /// The small recipe with a procedure in the place of its steps.
  private static let procedure =
    (smallRecipe.components(separatedBy: "pipeline:").first ?? "") + "pipeline: {procedure: doom.procedure}\n"

  /// One callback in a run: what makes the run call it, and how the message names it.
  struct Place: CustomTestStringConvertible, Sendable {
    var call: String
    var changes: [String]
    var said: String
    var testDescription: String { call }

    init(_ call: String, _ changes: [String], said: String? = nil) {
      (self.call, self.changes, self.said) = (call, changes, said ?? call)
    }

    var recipe: String { call.hasPrefix("procedure") ? ContainTests.procedure : smallRecipe }
  }

  /// Every callback of every role that a run calls. (No run saves the state of a mask, a metric or a procedure, or tunes them.)
  static let places: [Place] = {
    var places = [
      Place("plugin.constructor", objective, said: "load"), Place("plugin.entry", objective, said: "load"),
      Place("objective.terms", objective), Place("reweighter.weigh", reweighter), Place("mask.begin", mask),
      Place("mask.accumulate", mask), Place("mask.finish", mask), Place("updater.scale_terms", updater),
      Place("updater.combine", updater), Place("updater.after_step", updater), Place("metric.begin", metric),
      Place("metric.update", metric), Place("metric.finish", metric), Place("procedure.run", []),
    ]
    let roles = [
      "objective": objective, "reweighter": reweighter, "mask": mask, "updater": updater, "metric": metric,
      "procedure": [],
    ]
    for (role, changes) in roles.sorted(by: { $0.key < $1.key }) {
      for call in ["create", "prepare", "end", "destroy"] {
        places.append(Place("\(role).\(call)", changes, said: "\(role).\(call == "end" ? "finish" : call)"))
      }
      guard ["objective", "reweighter", "updater"].contains(role) else { continue }
      places.append(Place("\(role).save_state", changes))
      places.append(Place("\(role).load_state", changes))
      places.append(
        Place("\(role).retune", changes + ["swaps=[{at: \"step 3\", tune: {\(role): {eta: 2}}}]"]))
    }
    return places
  }()

  static let deeds = [
    ("SEGV", "by SIGSEGV"), ("ABRT", "by SIGABRT"), ("HANG", "took longer than"), ("DEVOUR", "of memory"),
    ("EXIT", "exit code 0"),
  ]

  /// All deeds in all places, or where time is short another deed in each place.
  static let dooms: [(Int, Int)] = places.indices.flatMap { place in
    ProcessInfo.processInfo.environment["LETHE_SLOW"] == "1"
      ? deeds.indices.map { (place, $0) } : [(place, place % deeds.count)]
  }

  @Test(arguments: dooms)
  func `whatever a callback does to its process, it is named and the run goes on`(_ doom: (Int, Int)) throws {
    let (place, (deed, words)) = (Self.places[doom.0], Self.deeds[doom.1])
    let command = try Command()
    func last(_ answer: Answer) -> String { answer.err.split(separator: "\n").last.map(String.init) ?? "" }
    // The scores of a mask are kept from run to run: another seed has other ones.
    let changes = place.changes + ["seed=\(100 + doom.0 * Self.deeds.count + doom.1)"]
    // Whatever is loaded was saved by a run that ended before.
    if place.call.hasSuffix("load_state") {
      let steps = ["objective": "terms", "reweighter": "weigh", "updater": "combine"]
      let role = String(place.call.prefix { $0 != "." })
      let crashed = try run(changes, doom: "\(role).\(steps[role] ?? "") SEGV 5", in: command)
      try #require(crashed.code == 70, "\(crashed.err)")
    }
    // In steps not at the first one, so that there is something to lose.
    let isStep = ["terms", "weigh", "scale_terms", "combine", "after_step"].contains { place.call.hasSuffix("." + $0) }
    let told = "\(place.call) \(deed)\(isStep ? " 5" : "")"
    let seconds = deed == "HANG" ? 3 : 100
    let answer =
      place.call.hasSuffix("load_state")
      ? try command.run(
        ["run", "--resume", try command.runFolder(), "--contain", "--contain-seconds", "\(seconds)"]
          + ["--contain-memory", "2.5"], environment: ["LETHE_CACHE": Command.cache.path, "DOOM": told])
      : try run(changes, doom: told, seconds: seconds, recipe: place.recipe, in: command)
    #expect(answer.code == 70, "\(told): \(answer.code) \(answer.err)")
    let line = last(answer)
    #expect(line.hasPrefix("error: plugin 'test.doom' (libdoom.so) in \(place.said)"), "\(told): \(line)")
    #expect(line.contains(words), "\(told): \(line)")
    #expect(!isStep || line.contains("at step 4 "), "\(told): \(line)")
    // What there was is kept: the run goes on to its end as soon as nothing ends it. Parts go when the run is over.
    guard let folder = try? command.runFolder() else {
      #expect(place.call.hasPrefix("plugin"), "\(told): \(line)")
      return
    }
    let isOver = try command.runFiles().contains { $0.hasSuffix("/report.json") }
    #expect(line.contains(isOver ? "the run had finished" : "go on from the last checkpoint"), "\(told): \(line)")
    #expect(!isOver || place.call.hasSuffix("destroy"), "\(told)")
    guard !isOver else { return }
    let resumed = try command.run(["run", "--resume", folder], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(resumed.code == 0, "\(told): \(resumed.err)")
    if isStep || place.call.hasSuffix("load_state") {
      #expect(resumed.err.contains("going on after step 4"), "\(told): \(resumed.err)")
    }
  }

  @Test
  func `a run whose reweighter crashed goes on without it from the last checkpoint`() throws {
    let command = try Command()
    let crashed = try run(
      ["pipeline.reweighter=doom.reweighter", "checkpoint.every=3 steps"], doom: "reweighter.weigh SEGV 9", in: command)
    let last = crashed.err.split(separator: "\n").last.map(String.init) ?? ""
    #expect(crashed.code == 70 && last.contains("--contain, or without it: --without reweighter"), "\(crashed.err)")
    let words = last.split(separator: " ").map(String.init)
    let folder = try #require(words.firstIndex(of: "--resume").map { words[$0 + 1] })
    let step = try #require(words.firstIndex(of: "step").flatMap { Int(words[$0 + 1]) })
    #expect(step == 8)
    // What is left out is not even loaded: it may do its worst, or be gone.
    let resumed = try command.run(
      ["run", "--resume", folder, "--contain", "--without", "reweighter"],
      environment: ["LETHE_CACHE": Command.cache.path, "DOOM": "plugin.constructor SEGV"])
    #expect(resumed.code == 0, "\(resumed.err)")
    #expect(resumed.err.contains("going on after step 6"), "\(resumed.err)")
    let events = try String(
      contentsOf: command.folder.appendingPathComponent("\(folder)/events.jsonl"), encoding: .utf8)
    #expect(events.contains("\"--without reweighter\""))
    let replayed = try command.run(["replay", folder], environment: ["LETHE_CACHE": Command.cache.path])
    #expect(replayed.code == 0 && replayed.out.contains("the same bit for bit"), "\(replayed.err)")
  }

  @Test
  func `a run that nothing happens to is the same inside and outside`() throws {
    let command = try Command()
    let inside = try run(Self.reweighter, in: command)
    #expect(inside.code == 0, "\(inside.err)")
    let weights = try command.runFile("unlearned.safetensors")
    try FileManager.default.removeItem(at: command.folder.appendingPathComponent("runs"))
    let outside = try command.small("run", Self.reweighter + [try Self.plugins()])
    #expect(outside.code == 0, "\(outside.err)")
    #expect(try weights == command.runFile("unlearned.safetensors"))
    #expect(inside.out.split(separator: "\n").count == outside.out.split(separator: "\n").count)
  }

  @Test
  func `an error of the run itself keeps its words and its exit code`() throws {
    let command = try Command()
    let answer = try command.small("run", ["pipeline.optimizer.learning_rate=1e30", "--contain"])
    #expect(answer.code == 75, "\(answer.err)")
    #expect(try command.small("run", ["pipeline.objective=nothing", "--contain"]).code == 65)
    #expect(try command.small("run", ["--contain-seconds", "3"]).code == 64)
    #expect(try command.run(["run", "x.yaml", "--without", "updater"]).code == 64)
  }
}
