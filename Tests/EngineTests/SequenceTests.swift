import Foundation
import Learning
import Runs
import Testing

@testable import Engine

/// Several requests, forgotten one after another.
@Suite(.serialized)
struct SequenceTests {
  private static let requests = "forget=[{class: 3}, {random: 0.1, seed: 4}, {random: 20, seed: 5}]"

  private func split(_ toy: ToyRun, _ stage: Int, of run: String = "run") throws -> Split {
    try Split.read(toy.run(run).appendingPathComponent("stage-\(stage)/split.json").path)
  }

  private func weights(_ toy: ToyRun, _ stage: Int, of run: String = "run") throws -> [String: [UInt8]] {
    try ToyRun.tensors(toy.run(run).appendingPathComponent("stage-\(stage)/unlearned.safetensors"))
  }

  private func names(_ report: RunReport, _ model: MeasuredModel) -> [String] {
    report[model: model]?.metrics.map(\.name).filter { $0.contains("forget ") } ?? []
  }

  private func report(_ toy: ToyRun, _ stage: Int) throws -> RunReport {
    let file = toy.run().appendingPathComponent("stage-\(stage)/report.json")
    return try RunReport(json: Data(contentsOf: file), file: file.path)
  }

  @Test
  func `stages take from what is left, and the last one is compared with a model that saw none of it`() throws {
    let toy = try ToyRun(Self.requests, "pipeline.epochs=1")
    defer { toy.clean() }
    let whole = try toy.carryOut()
    let splits = try (1...3).map { try split(toy, $0) }
    var left = Set(splits[0].forget + splits[0].retain)
    for split in splits {
      #expect(Set(split.forget).isSubset(of: left) && split.validation == splits[0].validation)
      left.subtract(split.forget)
      #expect(Set(split.retain) == left)
      // Class 3 is gone from the first stage on.
      #expect(split.test == splits[0].test)
    }
    #expect(splits[1].forget.count == Int((0.1 * Double(splits[0].retain.count)).rounded()))
    #expect(splits[2].forget.count == 20)
    let reports = try (1...3).map { try report(toy, $0) }
    #expect(reports.map { $0[model: .retrained] != nil } == [false, false, true])
    #expect(names(reports[0], .unlearned) == [])
    #expect(names(reports[1], .unlearned) == ["acc(forget 1)", "loss(forget 1)"])
    for model in [MeasuredModel.original, .retrained, .unlearned] {
      #expect(
        names(reports[2], model) == ["acc(forget 1)", "loss(forget 1)", "acc(forget 2)", "loss(forget 2)"])
    }
    // A stage begins where the one before it ended: its original model is that one's result.
    for (before, after) in [(0, 1), (1, 2)] {
      let left = reports[before][model: .unlearned]?.metrics.first { $0.name == "loss(validation)" }
      let found = reports[after][model: .original]?.metrics.first { $0.name == "loss(validation)" }
      #expect(left != nil && left?.value == found?.value)
    }
    // What was the forget set of the first stage is measured as the same number later.
    let first = reports[0][model: .unlearned]?.metrics.first { $0.name == "acc(forget)" }
    let later = reports[1][model: .original]?.metrics.first { $0.name == "acc(forget 1)" }
    #expect(first != nil && first?.value == later?.value)
    #expect(whole.models == reports[2].models && whole.outcome == .finished)
    let table = try String(contentsOf: toy.run().appendingPathComponent("comparison.md"), encoding: .utf8)
    for row in ["original", "retrained", "stage 1", "stage 2", "stage 3"] {
      #expect(table.contains("| \(row) |"), "\(table)")
    }
  }

  @Test
  func `an interrupted sequence goes on bit for bit with the stage that was open`() throws {
    let toy = try ToyRun(Self.requests, "checkpoint.every=7 steps", "retrained=none")
    defer { toy.clean() }
    try toy.carryOut("whole")
    let plan = try toy.plan()
    let cancel = CancelFlag()
    var checkpoints = 0
    let engine = Engine(plan: plan, folder: toy.run("parts"), cancel: cancel) { event in
      guard case .checkpointed = event.what else { return }
      checkpoints += 1
      // Somewhere in the second stage.
      if FileManager.default.fileExists(atPath: toy.run("parts/stage-2/events.jsonl").path) { cancel.cancel(signal: 2) }
    }
    let folder = toy.run("parts").path
    #expect(throws: EngineError.interrupted(signal: 2, folder: folder)) { try engine.carryOut() }
    #expect(checkpoints > 0)
    let files = FileManager.default
    #expect(files.fileExists(atPath: folder + "/stage-1/report.json"))
    #expect(files.fileExists(atPath: folder + "/stage-2/checkpoint.safetensors"))
    #expect(!files.fileExists(atPath: folder + "/stage-3") && !files.fileExists(atPath: folder + "/report.json"))
    let first = try Data(contentsOf: toy.run("parts/stage-1/events.jsonl"))
    try toy.resume("parts")
    #expect(try Data(contentsOf: toy.run("parts/stage-1/events.jsonl")) == first)
    for stage in 1...3 {
      #expect(try weights(toy, stage, of: "whole") == weights(toy, stage, of: "parts"))
      #expect(try split(toy, stage, of: "whole") == split(toy, stage, of: "parts"))
    }
    #expect(throws: EngineError.alreadyFinished(path: folder)) { try toy.resume("parts") }
  }

  @Test
  func `a sample is not forgotten twice`() throws {
    let toy = try ToyRun("forget=[{indices: a.txt}, {indices: b.txt}]")
    defer { toy.clean() }
    try "7\n8\n".write(to: toy.folder.appendingPathComponent("a.txt"), atomically: true, encoding: .utf8)
    try "9\n8\n".write(to: toy.folder.appendingPathComponent("b.txt"), atomically: true, encoding: .utf8)
    #expect(throws: LearningError.forgottenBefore(index: 8)) { try toy.carryOut() }
    // Nothing was trained for it.
    let left = try FileManager.default.subpathsOfDirectory(atPath: toy.run().path)
    #expect(!left.contains { $0.hasSuffix(".safetensors") || $0.hasSuffix("report.json") })
  }

  @Test(arguments: ["forget=[]", "forget=[{random: 0.1}, {}]", "forget=[{random: 0.1}, {clas: 3}]", "forget=[3]"])
  func `a list that names no requests is refused`(_ override: String) throws {
    let toy = try ToyRun(override)
    defer { toy.clean() }
    #expect(throws: RunError.self) { try toy.plan() }
  }
}
