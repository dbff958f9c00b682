import Foundation
import Runs

/// Steps on a diffusion model beside the same in plain PyTorch and diffusers: `scripts/bench/diffusion.yaml` here,
/// `scripts/bench/diffusion_step.py` there, taking turns in one run.
struct DiffusionBench {
  let python: String
  let workshop: Workshop
  let rounds: Int
  let device: String
  let screen: Screen

  /// The answers, told as soon as they are known.
  func run(tell: (BenchResult) -> Void) throws -> [BenchResult] {
    let partners = try ["naive", "two-gradients", "sampling"].map {
      try PythonStep(python: python, script: "diffusion_step.py", mode: $0, device: device)
    }
    defer { partners.forEach { $0.end() } }
    let plans = try plans()
    func plan(_ name: String) throws -> RunPlan {
      guard let plan = plans[name] else { throw CommandError.python("scripts/bench/diffusion.yaml has no '\(name)'") }
      return plan
    }
    let steps = [
      TimedStep(name: "naive", kind: .pipeline(try plan("naive"))),
      TimedStep(name: "exact", kind: .pipeline(try plan("exact"))),
      TimedStep(name: "reused", kind: .pipeline(try plan("reused"))),
      TimedStep(name: "sampling", kind: .sampling(try plan("naive"))),
      TimedStep(name: "published naive", kind: .outside(partners[0].step)),
      TimedStep(name: "published", kind: .outside(partners[1].step)),
      TimedStep(name: "diffusers' sampling", kind: .outside(partners[2].step)),
    ]
    // One step in ten estimates the ratio anew: whole tens are averaged, not the middle one taken.
    let counted = max(10, rounds / 10 * 10)
    let rows = try workshop.time(steps, counted) { done, total in
      screen.show(
        RunEvent(
          seconds: 0,
          .progress(Runs.Progress(phase: .unlearn, done: done, total: total, rate: 0, unit: "rounds of seven steps"))))
    }
    let results = [
      ratio("a step with both gradients over the published one", rows[1], rows[5], goal: 0.9),
      ratio("a step with the ratio of every tenth over the published one", rows[2], rows[5], goal: 0.6),
      ratio("the same over our deletion step", rows[2], rows[0], goal: 1.15),
      ratio("our deletion step over the published one", rows[0], rows[4], goal: 1),
      ratio("our sampling over diffusers'", rows[3], rows[6], goal: 1),
    ]
    results.forEach(tell)
    return results
  }

  private func plans() throws -> [String: RunPlan] {
    let recipe = try BenchScript.find("diffusion.yaml")
    let config = try RunConfig(path: recipe.path, overrides: ["device=\(device)"], currentFolder: "/")
    let planner = Planner(workshop: workshop, pluginFolders: [])
    var plans: [String: RunPlan] = [:]
    for variant in try config.variants() { plans[variant.name] = try planner.plan(variant.config) }
    return plans
  }

  private func ratio(_ question: String, _ ours: TimedRow, _ theirs: TimedRow, goal: Double) -> BenchResult {
    func mean(_ row: TimedRow) -> Double { row.seconds.reduce(0, +) / Double(max(row.seconds.count, 1)) }
    let ratio = mean(ours) / mean(theirs)
    return BenchResult(
      question: question, value: NumberText.fixed(ratio, 3),
      detail: "mean \(NumberText.fixed(mean(ours), 3)) s against \(NumberText.fixed(mean(theirs), 3)) s; medians "
        + "\(Benches.spread(ours, 1, "s")) against \(Benches.spread(theirs, 1, "s"))",
      goal: Benches.verdict(ratio, goal, "\(goal)"), number: ratio)
  }
}
