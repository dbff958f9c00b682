import Foundation
import Runs

/// Whole runs beside the same work in plain PyTorch, process against process: `scripts/bench/classification.yaml` here,
/// `scripts/bench/classification.py` there.
struct ClassificationBench {
  /// What is compared.
  private enum Side: String, CaseIterable {
    case fp32 = "lethe fp32"
    case bf16 = "lethe bf16"
    case graphs32 = "lethe fp32 with CUDA graphs"
    case graphs16 = "lethe bf16 with CUDA graphs"
    case published, tidy

    var isOurs: Bool { self != .published && self != .tidy }
    var hasGraphs: Bool { self == .graphs32 || self == .graphs16 }
    var precision: String { self == .bf16 || self == .graphs16 ? "bf16" : "fp32" }
    /// Keeps the seeds of the sides apart.
    var number: Int { Side.allCases.firstIndex(of: self) ?? 0 }
  }

  /// What one process of a side took.
  private struct Sample {
    let mask, unlearn, evaluate: Double
    /// The choice of weights alone; nil where the process does not tell.
    let selection: Double?
    let peakKiB: Int

    var whole: Double { mask + unlearn }
  }

  /// What the Python side prints.
  private struct Answer: Decodable {
    let mask, selection, unlearn, evaluate: Double
    let peak_kib: Int
  }

  let python: String
  let workshop: Workshop
  let rounds: Int
  let device: String
  /// Whether runs whose steps are CUDA graphs take part.
  let takesGraphs: Bool
  let screen: Screen

  private var sides: [Side] { Side.allCases.filter { takesGraphs || !$0.hasGraphs } }
  private var isOnDevice: Bool { device != "cpu" }

  /// Takes turns, and gives the ratios of the medians of each pair.
  func run(tell: (BenchResult) -> Void) throws -> [BenchResult] {
    // A device takes the steps of the small recipe in less time than its libraries take to load.
    let recipe = try BenchScript.find(isOnDevice ? "classification-device.yaml" : "classification.yaml")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-bench-\(getpid())")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let plan = try Planner(workshop: workshop, pluginFolders: []).plan(
      RunConfig(path: recipe.path, overrides: [], currentFolder: folder.path))
    var samples: [Side: [Sample]] = [:]
    // The first run of ours trains the model that all begin with, and is not counted.
    screen.tell("classification: a first run, which trains the model that all sides begin with …")
    _ = try ours(.fp32, recipe, folder, round: 0)
    for round in 1...rounds {
      for side in sides {
        screen.tell("classification: round \(round) of \(rounds), \(side.rawValue) …")
        let sample = side.isOurs ? try ours(side, recipe, folder, round: round) : try theirs(side, plan, folder, round)
        samples[side, default: []].append(sample)
      }
    }
    let selection = try workshop.timeSelection(11_173_962, max(rounds, 5), device)[0]
    let results = ratios(samples, selection)
    results.forEach(tell)
    return results
  }

  private func ours(_ side: Side, _ recipe: URL, _ folder: URL, round: Int) throws -> Sample {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let output = folder.appendingPathComponent("runs")
    try? FileManager.default.removeItem(at: output)
    // A model that is trained here depends on the precision; after the first run, which trains one, all sides load that.
    let base = round == 0 ? [] : ["base={weights: \(Tree.string(try weights(in: folder).path).flow)}"]
    // Another seed each round: scores of a mask are kept, and a walk that is not taken costs nothing.
    let end = try Spawn.run(
      program,
      [
        "run", recipe.path, "device=\(device)", "seed=\(100 * round + side.number)", "precision=\(side.precision)",
        "--output", output.path, "--quiet",
      ] + base + (side.hasGraphs ? ["cuda_graphs=true"] : []),
      environment: ["LETHE_CACHE": folder.appendingPathComponent("cache").path],
      errors: folder.appendingPathComponent("errors").path)
    let runs = try FileManager.default.contentsOfDirectory(at: output, includingPropertiesForKeys: nil)
    guard let made = runs.first else { throw CommandError.cannotStart(program) }
    let split = folder.appendingPathComponent("split.json")
    try? FileManager.default.removeItem(at: split)
    try FileManager.default.copyItem(at: made.appendingPathComponent("split.json"), to: split)
    let file = made.appendingPathComponent("report.json")
    let report = try RunReport(json: Data(contentsOf: file), file: file.path)
    func seconds(_ phase: Phase) -> Double { report.phases.first { $0.phase == phase }?.seconds ?? .nan }
    return Sample(
      mask: seconds(.mask), unlearn: seconds(.unlearn), evaluate: seconds(.evaluate), selection: nil,
      peakKiB: end.peakKiB)
  }

  /// The one model that the first run trained.
  private func weights(in folder: URL) throws -> URL {
    let models = folder.appendingPathComponent("cache/models")
    let files = try FileManager.default.contentsOfDirectory(at: models, includingPropertiesForKeys: nil)
    guard let file = files.first(where: { $0.pathExtension == "safetensors" }) else {
      throw CommandError.noFile(models.path)
    }
    return file
  }

  private func theirs(_ side: Side, _ plan: RunPlan, _ folder: URL, _ round: Int) throws -> Sample {
    let weights = try weights(in: folder)
    guard let data = plan.data.path, let train = plan.data.train, let test = plan.data.test,
      let pipeline = plan.pipeline
    else { throw CommandError.python("the recipe of the benchmark is not as it was made") }
    let output = folder.appendingPathComponent("answer.json")
    let errors = folder.appendingPathComponent("errors")
    do {
      try Spawn.run(
        "/usr/bin/env",
        [
          python, try BenchScript.find("classification.py").path, side.rawValue, "--data", data, "--weights",
          weights.path, "--split", folder.appendingPathComponent("split.json").path, "--train", String(train),
          "--test", String(test), "--batch", String(pipeline.batch), "--seed", String(round), "--device", device,
        ], output: output.path, errors: errors.path)
    } catch {
      let said = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
      throw CommandError.python(said.split(separator: "\n").last.map(String.init) ?? "it ended early")
    }
    let answer: Answer
    do { answer = try JSONDecoder().decode(Answer.self, from: Data(contentsOf: output)) } catch {
      throw CommandError.python("its answer cannot be read: \(error.localizedDescription)")
    }
    return Sample(
      mask: answer.mask, unlearn: answer.unlearn, evaluate: answer.evaluate, selection: answer.selection,
      peakKiB: answer.peak_kib)
  }

  private func ratios(_ samples: [Side: [Sample]], _ selection: TimedRow) -> [BenchResult] {
    typealias Question = (name: String, of: (Sample) -> Double, fp32: Double, bf16: Double)
    let whole = isOnDevice ? (0.2, 0.2) : (0.8, 0.4)
    var questions: [Question] = [
      ("unlearning, mask included", \.whole, whole.0, whole.1), ("making the mask", \.mask, 0.65, 0.3),
      ("measuring two models", \.evaluate, 0.5, 0.5),
    ]
    // What a process holds beside a device says nothing about what it holds there.
    if !isOnDevice { questions.append(("peak of memory", { Double($0.peakKiB) / 1_048_576 }, 0.8, 0.8)) }
    var results: [BenchResult] = []
    for other in [Side.published, .tidy] {
      for question in questions {
        for side in sides where side.isOurs {
          let goal = side.precision == "bf16" ? question.bf16 : question.fp32
          results.append(
            pair(
              "\(question.name), \(side.rawValue) over \(other.rawValue) PyTorch", samples[side, default: []],
              samples[other, default: []], question.of, unit: question.name == "peak of memory" ? "GiB" : "s",
              goal: other == .published ? goal : nil))
        }
      }
      let theirs = TimedRow(name: "", seconds: samples[other, default: []].compactMap(\.selection))
      let ratio = selection.median / theirs.median
      results.append(
        BenchResult(
          question: "choosing weights by score, lethe over \(other.rawValue) PyTorch",
          value: NumberText.fixed(ratio, 3),
          detail: "\(Benches.spread(selection, 1, "s")) against \(Benches.spread(theirs, 1, "s"))",
          goal: other == .published ? Benches.verdict(ratio, 0.1, "0.1") : "–", number: ratio))
    }
    return results
  }

  private func pair(
    _ question: String, _ ours: [Sample], _ theirs: [Sample], _ value: (Sample) -> Double, unit: String, goal: Double?
  ) -> BenchResult {
    let pairs = TimedRow(name: "", seconds: zip(ours, theirs).map { value($0) / value($1) })
    let (mine, other) = (TimedRow(name: "", seconds: ours.map(value)), TimedRow(name: "", seconds: theirs.map(value)))
    return BenchResult(
      question: question, value: NumberText.fixed(pairs.median, 3),
      detail: "\(Benches.spread(mine, 1, unit)) against \(Benches.spread(other, 1, unit)); "
        + "ratio \(Benches.spread(pairs, 1, ""))",
      goal: goal.map { Benches.verdict(pairs.median, $0, NumberText.fixed($0, 2)) } ?? "–", number: pairs.median)
  }
}

/// Files of the checkout that this program was built in.
enum BenchScript {
  /// A file of `scripts/bench`.
  static func find(_ name: String) throws -> URL {
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      let script = folder.appendingPathComponent("scripts/bench/\(name)")
      if FileManager.default.fileExists(atPath: script.path) { return script }
      folder.deleteLastPathComponent()
    }
    throw CommandError.python("there is no scripts/bench/\(name) above this program")
  }
}
