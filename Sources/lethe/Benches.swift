import Foundation
import Runs

/// The benchmarks of `lethe bench`.
struct Benches {
  /// Their names, in the order they are run.
  static let names = [
    "overhead", "selection", "startup", "precision", "python", "plugins", "classification", "diffusion",
  ]

  /// The Python to compare with.
  static var python: String? {
    ProcessInfo.processInfo.environment["LETHE_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
  }

  let workshop: Workshop
  let rounds: Int
  /// Where tensors live: what a recipe's `device` says.
  let device: String
  /// Whether whole runs whose steps are CUDA graphs are timed too.
  let takesGraphs: Bool
  let screen: Screen

  /// Runs one of them; `tell` gets each answer as soon as it is known.
  func run(_ name: String, tell: (BenchResult) -> Void) throws -> [BenchResult] {
    func told(_ results: [BenchResult]) -> [BenchResult] {
      results.forEach(tell)
      return results
    }
    return switch name {
    case "overhead": told(try overhead())
    case "selection": told(try selection())
    case "startup": told(try startup())
    case "precision": told(try precision())
    case "python": try python("fp32", tell: tell) + python("bf16", tell: tell)
    case "plugins": try PluginBench(benches: self).run(tell: tell)
    case "diffusion": try diffusion(tell: tell)
    default: try classification(tell: tell)
    }
  }

  /// A step of a tiny model with and without each part, and of a ResNet-18 in bf16 for the share and for what grows
  /// with the weights.
  private func overhead() throws -> [BenchResult] {
    let tiny = "model: {name: cnn, channels: [4, 4]}\n"
    let objective = try part(.objective) { $0.schedules.first == .retainOnly }
    let reweighter = try part(.reweighter)
    let mask = try part(.mask)
    let rows = try time(
      [
        TimedStep(name: "plain", kind: .plain(plan(tiny, "pipeline: {objective: \(objective), batch: 32}"))),
        TimedStep(name: "ABI", kind: .pipeline(plan(tiny, "pipeline: {objective: \(objective), batch: 32}"))),
        TimedStep(
          name: "reweighter",
          kind: .pipeline(plan(tiny, "pipeline: {objective: \(objective), reweighter: \(reweighter), batch: 32}"))),
        TimedStep(
          name: "mask", kind: .pipeline(plan(tiny, "pipeline: {objective: \(objective), mask: \(mask), batch: 32}"))),
      ], rounds: rounds * 10)
    let large = try time(
      [
        TimedStep(name: "ResNet-18 bf16", kind: .plain(resnet(precision: "bf16", channelsLast: true))),
        TimedStep(name: "pipeline", kind: .pipeline(resnet(precision: "bf16", channelsLast: true))),
        TimedStep(
          name: "reweighter",
          kind: .pipeline(resnet(precision: "bf16", channelsLast: true, with: "reweighter: \(reweighter), "))),
        TimedStep(
          name: "mask", kind: .pipeline(resnet(precision: "bf16", channelsLast: true, with: "mask: \(mask), "))),
      ], rounds: min(rounds, 10))
    let updates = try time(
      [false, true].map { isMasked in
        TimedStep(
          name: isMasked ? "masked update" : "update",
          kind: .update(try resnet(precision: "bf16", channelsLast: true), isMasked: isMasked))
      }, rounds: rounds * 3)
    let step = large[0]
    func whole(_ name: String, _ row: TimedRow) -> BenchResult {
      let pairs = TimedRow(name: "", seconds: zip(row.seconds, large[1].seconds).map { $0 / $1 })
      return BenchResult(
        question: "ResNet-18 step with \(name) over without", value: NumberText.fixed(pairs.median, 3),
        detail: "\(Benches.spread(row, 1, "s")) against \(Benches.spread(large[1], 1, "s")); "
          + "ratio \(Benches.spread(pairs, 1, ""))",
        goal: Benches.verdict(pairs.median, 1.02, "1.02"), number: pairs.median)
    }
    return [
      Benches.added("the ABI", rows[1], over: rows[0], goal: 0.01, step: step),
      Benches.added("reweighter '\(reweighter)'", rows[2], over: rows[1], goal: 0.02, step: step),
      Benches.added("mask '\(mask)'", rows[3], over: rows[1], goal: 0.02, step: step),
      Benches.added("a mask over 11 M weights", updates[1], over: updates[0], goal: 0.02, step: step),
      whole("reweighter '\(reweighter)'", large[2]), whole("mask '\(mask)'", large[3]),
    ]
  }

  /// What something adds to a tiny step, and its share of a step of full size.
  static func added(
    _ name: String, _ row: TimedRow, over base: TimedRow, goal: Double, step: TimedRow
  ) -> BenchResult {
    let seconds = row.median - base.median
    let share = seconds / step.median
    return BenchResult(
      question: "\(name) adds to a step",
      value: "\(NumberText.fixed(seconds * 1e6, 1)) µs = \(NumberText.fixed(share * 100, 3)) %",
      detail:
        "\(spread(row, 1e6, "µs")) after \(spread(base, 1e6, "µs")); ResNet-18 \(spread(step, 1, "s"))",
      goal: verdict(share, goal, "\(NumberText.fixed(goal * 100, 0)) %"), number: share)
  }

  /// A tiny step without plugins and through one, and a step of a ResNet-18 in bf16 without.
  func abiSteps() throws -> (tiny: [TimedRow], large: TimedRow) {
    let tiny = "model: {name: cnn, channels: [4, 4]}\n"
    let objective = try part(.objective) { $0.schedules.first == .retainOnly }
    let pipeline = "pipeline: {objective: \(objective), batch: 32}"
    let rows = try time(
      [
        TimedStep(name: "plain", kind: .plain(plan(tiny, pipeline))),
        TimedStep(name: "ABI", kind: .pipeline(plan(tiny, pipeline))),
      ], rounds: rounds * 10)
    let large = try time(
      [TimedStep(name: "ResNet-18 bf16", kind: .plain(resnet(precision: "bf16", channelsLast: true)))],
      rounds: min(rounds, 10))
    return (rows, large[0])
  }

  private func selection() throws -> [BenchResult] {
    let rows = try workshop.timeSelection(11_173_962, rounds, device)
    func over(_ row: TimedRow, _ base: TimedRow, _ question: String, goal: Double?) -> BenchResult {
      let ratio = row.median / base.median
      return BenchResult(
        question: question, value: NumberText.fixed(ratio, 3),
        detail: "\(Benches.spread(row, 1e3, "ms")) against \(Benches.spread(base, 1e3, "ms"))",
        goal: goal.map { Benches.verdict(ratio, $0, "\($0)") } ?? "–", number: ratio)
    }
    return [
      // The goal is the processor's: a device sorts in no time.
      over(rows[0], rows[2], "choosing among 11 M scores over sorting them", goal: device == "cpu" ? 0.3 : nil),
      over(rows[1], rows[0], "nine densities at once over one", goal: nil),
    ]
  }

  /// The command starts itself.
  private func startup() throws -> [BenchResult] {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let seconds = try (0...rounds).map { _ in try Spawn.run(program.path, ["plugin", "list"]).seconds }
    let row = TimedRow(name: "startup", seconds: Array(seconds.dropFirst()))
    return [
      BenchResult(
        question: "start-up of 'plugin list'", value: "\(NumberText.fixed(row.median, 3)) s",
        detail: Benches.spread(row, 1e3, "ms"), goal: Benches.verdict(row.median, 0.1, "0.1 s"), number: row.median)
    ]
  }

  private func precision() throws -> [BenchResult] {
    let modes = [("fp32", false), ("fp32", true), ("bf16", false), ("bf16", true)]
    let rows = try time(
      modes.map { precision, isLast in
        TimedStep(
          name: "\(precision)\(isLast ? " channels-last" : "")",
          kind: .plain(try resnet(precision: precision, channelsLast: isLast)))
      }, rounds: min(rounds, 10))
    return rows.dropFirst().map { row in
      let ratio = row.median / rows[0].median
      return BenchResult(
        question: "ResNet-18 step, \(row.name) over fp32", value: NumberText.fixed(ratio, 3),
        detail: "\(Benches.spread(row, 1, "s")) against \(Benches.spread(rows[0], 1, "s"))", goal: "–", number: ratio)
    }
  }

  private func python(_ precision: String, tell: (BenchResult) -> Void) throws -> [BenchResult] {
    guard let python = Benches.python else { throw CommandError.python("LETHE_PYTHON is not set") }
    let partner = try PythonStep(python: python, mode: "\(precision)-channels-last", device: device)
    defer { partner.end() }
    let rows = try time(
      [
        TimedStep(name: "lethe \(precision)", kind: .plain(resnet(precision: precision, channelsLast: true))),
        TimedStep(name: "PyTorch \(precision)", kind: .outside(partner.step)),
      ], rounds: max(rounds, 20))
    let pairs = TimedRow(name: "ratio", seconds: zip(rows[0].seconds, rows[1].seconds).map { $0 / $1 })
    let result = BenchResult(
      question: "ResNet-18 step, \(precision), over plain PyTorch", value: NumberText.fixed(pairs.median, 3),
      detail:
        "\(Benches.spread(rows[0], 1, "s")) against \(Benches.spread(rows[1], 1, "s")); ratio \(Benches.spread(pairs, 1, ""))",
      goal: Benches.verdict(pairs.median, 1, "1.0"), number: pairs.median)
    tell(result)
    return [result]
  }

  /// Whole runs, process against process; a fifth of the rounds, since each takes minutes.
  private func classification(tell: (BenchResult) -> Void) throws -> [BenchResult] {
    guard let python = Benches.python else { throw CommandError.python("LETHE_PYTHON is not set") }
    return try ClassificationBench(
      python: python, workshop: workshop, rounds: max(2, rounds / 5), device: device, takesGraphs: takesGraphs,
      screen: screen
    ).run(tell: tell)
  }

  private func diffusion(tell: (BenchResult) -> Void) throws -> [BenchResult] {
    guard let python = Benches.python else { throw CommandError.python("LETHE_PYTHON is not set") }
    return try DiffusionBench(python: python, workshop: workshop, rounds: rounds, device: device, screen: screen).run(
      tell: tell)
  }

  /// A plan of full size; `parts` are further keys of its pipeline.
  private func resnet(precision: String, channelsLast: Bool, with parts: String = "") throws -> RunPlan {
    let objective = try part(.objective) { $0.schedules.first == .retainOnly }
    return try plan(
      "model: {name: resnet18}\nprecision: \(precision)\nchannels_last: \(channelsLast)\n",
      "pipeline: {objective: \(objective), \(parts)batch: 128}")
  }

  /// The first strategy of a role that is installed: the host knows none by name.
  func part(_ role: PartRole, _ fits: (PartDescriptor) -> Bool = { _ in true }) throws -> String {
    let parts = try workshop.catalog([]).parts
    guard let found = parts.first(where: { $0.role == role && fits($0) }) else {
      throw CommandError.noPart(role: role.rawValue)
    }
    return found.id
  }

  private func plan(_ model: String, _ pipeline: String) throws -> RunPlan {
    let text = "name: bench\ndevice: \(device)\nforget: {random: 0.5}\nretrained: none\n\(model)\(pipeline)\n"
    let config = RunConfig(file: "bench", folder: "/", text: text)
    return try Planner(workshop: workshop, pluginFolders: []).plan(config)
  }

  private func time(_ steps: [TimedStep], rounds: Int) throws -> [TimedRow] {
    let names = steps.map(\.name).joined(separator: ", ")
    return try workshop.time(steps, rounds) { done, total in
      screen.show(
        RunEvent(
          seconds: 0,
          .progress(Runs.Progress(phase: .unlearn, done: done, total: total, rate: 0, unit: "rounds of \(names)"))))
    }
  }

  static func spread(_ row: TimedRow, _ scale: Double, _ unit: String) -> String {
    // Steps on a device take milliseconds.
    if unit == "s", scale == 1, row.median < 0.1 { return spread(row, 1e3, "ms") }
    let digits = scale == 1 ? 3 : unit == "ms" && row.median < 0.1 ? 2 : 1
    func text(_ value: Double) -> String { NumberText.fixed(value * scale, digits) }
    let name = unit.isEmpty ? "" : " \(unit)"
    return "\(text(row.median))\(name) (\(text(row.quantile(0.25)))–\(text(row.quantile(0.75))))"
  }

  static func verdict(_ value: Double, _ goal: Double, _ text: String) -> String {
    "≤ \(text): \(value <= goal ? "met" : "not met")"
  }
}
