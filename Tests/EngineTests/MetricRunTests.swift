import Foundation
import Learning
import Runs
import Testing

@testable import Engine

/// Metrics that compare models, those of classes, and relearning, in whole runs.
@Suite(.serialized)
struct MetricRunTests {
  private func value(_ report: RunReport, _ model: MeasuredModel, _ id: String) -> Double? {
    report[model: model]?.metrics.first { $0.id.hasPrefix(id + "@") }?.value
  }

  // MARK: Comparing

  @Test
  func `the retrained model is like itself, and nothing has moved in the original`() throws {
    let toy = try ToyRun("pipeline.mask={plugin: salun, keep: 0.5}")
    defer { toy.clean() }
    let report = try toy.carryOut()
    for set in ["forget", "retain", "test", "validation"] {
      #expect(value(report, .retrained, "agreement-\(set)") == 100)
      #expect(value(report, .retrained, "js-\(set)") == 0)
      let divergence = try #require(value(report, .unlearned, "js-\(set)"))
      #expect(divergence > 0 && divergence < log(2))
      #expect((0...100).contains(try #require(value(report, .unlearned, "agreement-\(set)"))))
    }
    #expect(value(report, .retrained, "weight-distance") == 0)
    #expect(value(report, .original, "weights-moved") == 0)
    let moved = try #require(value(report, .unlearned, "weights-moved"))
    #expect(moved > 25 && moved <= 50)
    let distance = try #require(value(report, .unlearned, "weight-distance"))
    let relative = try #require(value(report, .unlearned, "weight-distance-relative"))
    #expect(distance > relative && relative > 0)
    // They are in the files and not on the terminal.
    #expect(report[model: .unlearned]?.metrics.first { $0.id.hasPrefix("js-forget@") }?.isDetail == true)
    #expect(!report.table.heading.contains { $0.contains("agreement") || $0.contains("weight") })
  }

  @Test
  func `classes add up to their set`() throws {
    let toy = try ToyRun()
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.classes.count == 12)
    for (set, id) in [(SampleSet.retain, "ra"), (.test, "ta"), (.forget, "fa")] {
      let numbers = try #require(report.classes.first { $0.model == .unlearned && $0.set == set })
      let samples = numbers.classes.reduce(0) { $0 + $1.samples }
      #expect(samples == report.split?.samples[set.rawValue])
      let right = numbers.classes.reduce(0.0) { $0 + Double($1.samples) * ($1.accuracy ?? 0) }
      #expect(abs(right / Double(samples) - (try #require(value(report, .unlearned, id)))) < 1e-9)
      let loss = numbers.classes.reduce(0.0) { $0 + Double($1.samples) * ($1.loss ?? 0) }
      #expect(abs(loss / Double(samples) - (try #require(value(report, .unlearned, "loss-\(set.rawValue)")))) < 1e-9)
    }
    // Forty samples of ten classes, three of them test classes with few: a class may be missing, then it has no number.
    #expect(report.classes.flatMap(\.classes).allSatisfy { ($0.samples == 0) == ($0.accuracy == nil) })
  }

  @Test
  func `each set is passed through each model once, whatever is measured`() throws {
    let toy = try ToyRun(
      "evaluate.metrics=[ua, ra, ta, loss, mia-svc, mia-svc-correctness, mia-svc-entropy, mia-svc-modified-entropy, "
        + "mia-svc-modified-entropy-published, mia-svc-probabilities, mia-threshold, tow, average-gap, per-class, "
        + "agreement, js-divergence, weight-distance, weights-moved, rte]")
    defer { toy.clean() }
    let workbench = Workbench()
    var passes = 0
    func carryOut(_ name: String) throws -> RunReport {
      passes = 0
      let engine = Engine(plan: try toy.plan(), folder: toy.run(name), workbench: workbench, cancel: CancelFlag()) {
        if case .progress(let progress) = $0.what, progress.phase == .evaluate, progress.done == progress.total {
          passes += 1
        }
      }
      return try engine.carryOut()
    }
    let first = try carryOut("first")
    #expect(passes == 3)
    // The other models are known by now, and compare as before.
    let second = try carryOut("second")
    #expect(passes == 1)
    for model in [MeasuredModel.original, .retrained] { #expect(first[model: model] == second[model: model]) }
    #expect(first.classes == second.classes)
    #expect(
      first[model: .unlearned]?.metrics.dropLast().map(\.value)
        == second[model: .unlearned]?.metrics.dropLast().map(\.value))
    let names = try #require(first[model: .unlearned]).metrics.map(\.id).filter { $0.hasPrefix("mia-svc") }
    #expect(names.count == 6 && Set(names).count == 6)
  }

  @Test
  func `weights of another shape have no distance, and the run says so`() throws {
    let toy = try ToyRun("pipeline.objective={plugin: boundary-expand, mode: reference}")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(value(report, .unlearned, "weight-distance") == nil)
    #expect(value(report, .unlearned, "weights-moved") == nil)
    #expect(value(report, .original, "weight-distance") != nil)
    #expect(value(report, .unlearned, "agreement-test") != nil)
    #expect(value(report, .unlearned, "js-test").map { $0 > 0 } == true)
    for metric in ["weight-distance", "weights-moved"] {
      #expect(
        report.warnings.contains {
          $0.hasPrefix("'\(metric)' is left out: 'fc.") && $0.contains("in 'the unlearned model' has shape [11")
        }, "\(report.warnings)")
    }
  }

  // MARK: Relearning

  private static let relearn = ["base.epochs=6", "evaluate.metrics=[ua, relearn, rte]"]

  private func relearning(_ more: String...) throws -> ToyRun {
    var toy = try ToyRun()
    toy.overrides = Self.relearn + more
    return toy
  }

  @Test
  func `what is not forgotten needs no step, and relearning changes nothing but its number`() throws {
    let toy = try relearning()
    defer { toy.clean() }
    let report = try toy.carryOut()
    let found = try #require(report[model: .original]?.metrics.first { $0.id.hasPrefix("relearn@") })
    #expect(found.value == 0 && found.unit == "steps" && found.isCapped == nil)
    #expect(found.id == RelearnPlan().protocolID)
    let retrained = try #require(value(report, .retrained, "relearn"))
    #expect(retrained > 0)
    let again = try toy.carryOut("again")
    #expect(value(again, .unlearned, "relearn") == value(report, .unlearned, "relearn"))
    #expect(value(again, .retrained, "relearn") == retrained)
    let without = try ToyRun("base.epochs=6", "evaluate.metrics=[ua]")
    defer { without.clean() }
    try without.carryOut()
    #expect(try toy.weights() == without.weights())
  }

  @Test
  func `a cap that is reached is said to be one`() throws {
    let toy = try relearning("evaluate.relearn={cap: 3, learning_rate: 1e-9, margin: 0}", "retrained.epochs=1")
    defer { toy.clean() }
    let report = try toy.carryOut()
    let found = try #require(report[model: .retrained]?.metrics.first { $0.id.hasPrefix("relearn@") })
    #expect(found.value == 3 && found.isCapped == true)
    #expect(found.id.contains("cap=3"))
    #expect(report.table.plain.contains("≥ 3"))
  }

  @Test
  func `relearning that diverges is left out and said`() throws {
    let toy = try relearning("evaluate.relearn={learning_rate: 1e30, margin: 0}", "retrained.epochs=1")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.outcome == .finished)
    #expect(value(report, .retrained, "relearn") == nil)
    #expect(
      report.warnings.contains { $0.hasPrefix("'relearn' is left out: the loss of the retrained model") },
      "\(report.warnings)")
  }

  @Test
  func `a model with an output more can relearn`() throws {
    let toy = try relearning(
      "pipeline.objective={plugin: boundary-expand, mode: reference}", "pipeline.optimizer.learning_rate=0.1",
      "evaluate.relearn={margin: 0}")
    defer { toy.clean() }
    #expect(try value(toy.carryOut(), .unlearned, "relearn") != nil)
  }

  @Test
  func `relearning answers an interrupt, and the run goes on from there`() throws {
    let toy = try relearning("evaluate.relearn={cap: 100000, learning_rate: 1e-9, margin: 0}", "retrained.epochs=1")
    defer { toy.clean() }
    let cancel = CancelFlag()
    var raised: ContinuousClock.Instant?
    let engine = Engine(plan: try toy.plan(), folder: toy.run(), cancel: cancel) { event in
      guard case .progress(let progress) = event.what, progress.phase == .evaluate, progress.unit == "steps" else {
        return
      }
      cancel.cancel(signal: 2)
      raised = raised ?? .now
    }
    #expect {
      try engine.carryOut()
    } throws: { ($0 as? EngineError)?.exitCode == 130 }
    #expect(ContinuousClock.now - (try #require(raised)) < .seconds(2))
    #expect(FileManager.default.fileExists(atPath: toy.run().appendingPathComponent("unlearned.safetensors").path))
  }

  // MARK: What the data do not allow

  @Test(arguments: ["mia-svc", "mia-svc-modified-entropy"])
  func `an attack without enough retain samples is refused before anything is trained`(_ metric: String) throws {
    let toy = try ToyRun("data.train=120", "evaluate.metrics=[\(metric)]")
    defer { toy.clean() }
    #expect {
      try toy.carryOut()
    } throws: {
      guard let error = $0 as? LearningError else { return false }
      return error.exitCode == 65 && "\(error)".hasPrefix("\(metric) needs as many retain samples as test samples")
    }
    // The threshold takes what there is.
    let threshold = try ToyRun("data.train=120", "evaluate.metrics=[mia-threshold]")
    defer { threshold.clean() }
    #expect(value(try threshold.carryOut(), .unlearned, "mia-threshold") != nil)
  }
}
