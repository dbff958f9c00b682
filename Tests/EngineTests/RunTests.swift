import Foundation
import Learning
import Runs
import Testing

@testable import Engine

/// What a whole run promises. One at a time: LibTorch counts handles and seeds for the whole process.
@Suite(.serialized)
struct RunTests {
  @Test
  func `the same plan gives the same bits twice`() throws {
    let toy = try ToyRun()
    defer { toy.clean() }
    let first = try toy.carryOut("first")
    let second = try toy.carryOut("second")
    #expect(try toy.weights("first") == toy.weights("second"))
    #expect(
      first[model: .unlearned]?.metrics.map(\.value).dropLast()
        == second[model: .unlearned]?.metrics.map(\.value).dropLast())
    #expect(first.outcome == .finished)
    #expect(first[model: .original] != nil && first[model: .retrained] != nil)
  }

  @Test(arguments: ["random-label", "gradient-ascent", "fine-tune", "l1-sparse", "boundary-shrink", "boundary-expand"])
  func `an interrupted run goes on bit for bit`(objective: String) throws {
    let toy = try ToyRun(
      "pipeline.objective=\(objective)", "pipeline.mask={plugin: salun, keep: 0.5}", "checkpoint.every=4 steps")
    defer { toy.clean() }
    try toy.carryOut("whole")
    #expect {
      try toy.carryOut("parts", stopAfter: 4)
    } throws: { error in
      guard let error = error as? EngineError, case .interrupted(signal: 2, _) = error else { return false }
      return true
    }
    let report = try toy.resume("parts")
    #expect(report.outcome == .finished)
    #expect(try toy.weights("whole") == toy.weights("parts"))
  }

  @Test
  func `every epoch tells a loss of both sets, and how the weights of all samples lie`() throws {
    let toy = try ToyRun("pipeline.reweighter=loreun", "pipeline.schedule=sequential")
    defer { toy.clean() }
    let report = try toy.carryOut()
    let epochs = Dictionary(grouping: report.losses, by: \.epoch)
    #expect(epochs.count == 3)
    for (epoch, records) in epochs {
      let terms = records.flatMap(\.terms)
      #expect(Set(terms.map(\.name)) == ["forget", "retain"], "epoch \(epoch)")
      for term in terms {
        let bins = try #require(term.weightBins)
        #expect(bins.counts.reduce(0, +) == term.samples)
        // Their mean is 1.
        #expect(bins.edges[0] <= 1 && bins.edges[bins.edges.count - 1] >= 1)
      }
    }
  }

  @Test
  func `models that nothing is made to forget are trained on after an interruption`() throws {
    let toy = try ToyRun("pipeline=none")
    defer { toy.clean() }
    #expect {
      try toy.carryOut(stopAfter: 0)
    } throws: { error in
      guard let error = error as? EngineError, case .interrupted(signal: 2, _) = error else { return false }
      return true
    }
    let report = try toy.resume()
    #expect(report.outcome == .finished)
    #expect(report[model: .original] != nil && report[model: .retrained] != nil && report[model: .unlearned] == nil)
  }

  @Test
  func `a measurement of weights does not go on`() throws {
    let toy = try ToyRun("retrained=none")
    defer { toy.clean() }
    try toy.carryOut("whole")
    let cancel = CancelFlag()
    let engine = Engine(plan: try toy.plan(), folder: toy.run(), cancel: cancel) { event in
      if case .splitReady = event.what { cancel.cancel(signal: 2) }
    }
    let weights = toy.run("whole").appendingPathComponent("unlearned.safetensors").path
    #expect(throws: EngineError.startsAnew(what: "a measurement", signal: 2)) { try engine.evaluate(weights: weights) }
    #expect(throws: EngineError.onlyMeasures(path: toy.run().path)) { try toy.resume() }
  }

  @Test
  func `a finished run does not go on`() throws {
    let toy = try ToyRun()
    defer { toy.clean() }
    try toy.carryOut()
    #expect(throws: EngineError.alreadyFinished(path: toy.run().path)) { try toy.resume() }
  }

  @Test
  func `an added class is gone at the end, or stays, as the mode says`() throws {
    for (mode, rows) in [("paper", 10), ("reference", 11)] {
      let toy = try ToyRun("pipeline.objective={plugin: boundary-expand, mode: \(mode)}", "evaluate.every=1 epoch")
      defer { toy.clean() }
      let report = try toy.carryOut()
      #expect(report.outcome == .finished)
      #expect(try toy.weights()["fc.bias"]?.count == 4 * rows)
    }
    let away = try ToyRun(
      "pipeline.objective={plugin: boundary-expand, mode: reference}",
      "swaps=[{at: epoch 1, objective: gradient-ascent}]")
    defer { away.clean() }
    #expect {
      try away.carryOut()
    } throws: {
      "\($0)".contains("changed the model's shape, so no other one can take its place")
    }
    let swapped = try ToyRun(
      "pipeline.objective=gradient-ascent", "swaps=[{at: epoch 1, objective: boundary-expand}]")
    defer { swapped.clean() }
    #expect {
      try swapped.carryOut()
    } throws: {
      "\($0)".contains("the model's shape changes only at the beginning and at the end of a run, not at a swap")
    }
  }

  @Test(arguments: ["paper", "reference"])
  func `a procedure changes the weights once, the same twice, and leaves masked ones alone`(mode: String) throws {
    let toy = try ToyRun(
      "pipeline={procedure: {plugin: influence, samples: 64, iterations: 5, mode: \(mode)}, mask: {plugin: salun, keep: 0.5}}"
    )
    defer { toy.clean() }
    let report = try toy.carryOut("first")
    #expect(report.outcome == .finished && report.steps == 0)
    #expect(report[model: .unlearned] != nil)
    try toy.carryOut("second")
    #expect(try toy.weights("first") == toy.weights("second"))
    let (moved, total) = try movedWeights(toy, "first")
    #expect(moved <= total / 2 && moved > total / 4)
  }

  @Test
  func `masked weights keep their bits under momentum and weight decay`() throws {
    let toy = try ToyRun("pipeline.mask={plugin: salun, keep: 0.5}", "pipeline.epochs=5")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.steps >= 50)
    let (moved, total) = try movedWeights(toy)
    #expect(moved <= total / 2)
    #expect(moved > total / 4)
  }

  @Test
  func `a loss that is not finite stops with the last good state`() throws {
    let toy = try ToyRun(
      "pipeline.objective=gradient-ascent", "pipeline.optimizer.learning_rate=1e30", "pipeline.epochs=30")
    defer { toy.clean() }
    #expect {
      try toy.carryOut()
    } throws: { error in
      guard let error = error as? EngineError, case .notFinite = error else { return false }
      return error.exitCode == 75
    }
    for (name, bytes) in try toy.weights() where name != "bn1.num_batches_tracked" && !name.hasSuffix("tracked") {
      let values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      #expect(values.allSatisfy { $0.isFinite }, "\(name) is not finite")
    }
  }

  @Test
  func `validation during the run is reported and the best state is kept`() throws {
    let toy = try ToyRun("evaluate.every=1 epoch")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.history.count == 3)
    #expect(FileManager.default.fileExists(atPath: toy.run().appendingPathComponent("best.safetensors").path))
  }

  @Test
  func `accumulated gradients take fewer steps over the same samples`() throws {
    let toy = try ToyRun("pipeline.optimizer.accumulate=2")
    defer { toy.clean() }
    let plain = try ToyRun()
    defer { plain.clean() }
    #expect(try toy.carryOut().steps < plain.carryOut().steps)
  }

  /// How many weights differ from the original's, of how many. A mask that keeps nothing gives the original's.
  private func movedWeights(_ toy: ToyRun, _ name: String = "run") throws -> (moved: Int, total: Int) {
    let after = try toy.weights(name)
    let still = try ToyRun("pipeline.mask={plugin: salun, keep: 1.0e-9}", "pipeline.epochs=1")
    defer { still.clean() }
    try still.carryOut()
    var moved = 0
    var total = 0
    for (name, bytes) in try still.weights() where !name.contains("running_") && !name.hasSuffix("tracked") {
      let old = bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
      let new = try #require(after[name]).withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
      moved += zip(old, new).count { $0 != $1 }
      total += old.count
    }
    return (moved, total)
  }
}
