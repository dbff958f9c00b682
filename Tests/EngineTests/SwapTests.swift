import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// A swap in the middle of a run is the same as two runs glued by a checkpoint, whatever is swapped.
@Suite(.serialized)
struct SwapTests {
  /// Two forget batches and ten retain batches an epoch; twelve joint ones.
  private static let sets = ["data.train=384", "data.validation=0", "forget={random: 64, seed: 3}"]
  private static let epoch = 12

  private func toy(_ overrides: String...) throws -> ToyRun {
    var toy = try ToyRun()
    toy.overrides = Self.sets + overrides
    return toy
  }

  /// Stops the run after its first epoch, lets `change` edit the checkpoint, and goes on under the plan of `next`.
  private func glue(
    _ first: ToyRun, _ next: ToyRun, change: (inout SafeTensors) throws -> Void = { _ in }
  ) throws -> [String: [UInt8]] {
    #expect(throws: EngineError.self) { try first.carryOut("glued", stopAfter: Self.epoch) }
    let plan = try next.plan()
    let folder = RunFolder(url: first.run("glued"))
    try Data(plan.yaml().utf8).write(to: folder.plan)
    var stored = try SafeTensors.read(folder.checkpoint.path)
    stored.metadata["plan"] = digest(plan.canonicalJSON())
    try change(&stored)
    try SafeTensors.write(stored.tensors, metadata: stored.metadata, to: folder.checkpoint.path)
    try first.resume("glued")
    return try first.weights("glued")
  }

  @Test(arguments: [
    ("reweighter: loreun", "pipeline.reweighter=loreun"),
    (
      "objective: {plugin: random-label, mode: reference}", "pipeline.objective={plugin: random-label, mode: reference}"
    ),
    ("schedule: joint", "pipeline.schedule=joint"),
    ("updater: proximal", "pipeline.updater=proximal"),
  ])
  func `a scheduled swap equals two runs glued by a checkpoint`(_ swap: String, _ key: String) throws {
    let (swapped, plain, with) = (try toy("swaps=[{at: epoch 1, \(swap)}]"), try toy(), try toy(key))
    defer { for run in [swapped, plain, with] { run.clean() } }
    let report = try swapped.carryOut("swapped")
    #expect(report.swaps.count == 1)
    #expect(report.steps == 3 * Self.epoch)
    let weights = try swapped.weights("swapped")
    #expect(try weights == glue(plain, with))
    try plain.carryOut("plain")
    #expect(try weights != plain.weights("plain"), "the swap changes nothing, so the test says nothing")
  }

  @Test
  func `a swapped mask is the mask of the weights at that moment, and holds from there on`() throws {
    let mask = "{plugin: salun, keep: 0.5}"
    let swapped = try toy("swaps=[{at: epoch 1, mask: \(mask)}]", "checkpoint.every=\(Self.epoch + 1) steps")
    let (plain, with) = (try toy(), try toy("pipeline.mask=\(mask)"))
    defer { for run in [swapped, plain, with] { run.clean() } }
    #expect(throws: EngineError.self) { try swapped.carryOut("stopped", stopAfter: Self.epoch + 1) }
    let stopped = try SafeTensors.read(RunFolder(url: swapped.run("stopped")).checkpoint.path)
    let masks = stopped.tensors.filter { $0.name.hasPrefix("mask.") }
    #expect(!masks.isEmpty)
    try swapped.carryOut("swapped")
    let glued = try glue(plain, with) { stored in
      // The mask that a run makes which begins with these weights.
      let base = plain.run("glued").appendingPathComponent("base.safetensors")
      try SafeTensors.write(
        stored.tensors.filter { $0.name.hasPrefix("model.") }.map { (String($0.name.dropFirst(6)), $0.tensor) },
        to: base.path)
      let fresh = try toy(
        "pipeline.mask=\(mask)", "base=null", "base.weights=\(base.path)", "retrained=none", "checkpoint.every=1 steps")
      defer { fresh.clean() }
      #expect(throws: EngineError.self) { try fresh.carryOut("fresh", stopAfter: 1) }
      let made = try SafeTensors.read(RunFolder(url: fresh.run("fresh")).checkpoint.path)
        .tensors.filter { $0.name.hasPrefix("mask.") }
      #expect(made.map(\.name) == masks.map(\.name))
      for (made, mask) in zip(made, masks) { #expect(try made.tensor.bytes() == mask.tensor.bytes()) }
      stored.tensors += made
    }
    #expect(try swapped.weights("swapped") == glued)
  }

  @Test
  func `a swap without effect leaves the run as it was`() throws {
    let plain = try toy()
    let swapped = try toy("swaps=[{at: epoch 1, reweighter: {plugin: loreun, eta_forget: 0, eta_retain: 0}}]")
    defer { for run in [plain, swapped] { run.clean() } }
    try plain.carryOut("plain")
    let report = try swapped.carryOut("swapped")
    #expect(report.swaps.count == 1)
    #expect(try plain.weights("plain") == swapped.weights("swapped"))
  }

  @Test
  func `a run that was interrupted after swaps goes on bit for bit`() throws {
    let run = try toy(
      "swaps=[{at: epoch 1, reweighter: loreun, objective: {plugin: random-label, mode: reference}}, "
        + "{at: epoch 2, mask: {plugin: salun, keep: 0.5}, schedule: joint, updater: proximal}]",
      "checkpoint.every=5 steps")
    defer { run.clean() }
    try run.carryOut("whole")
    for stop in [15, 30] {
      #expect(throws: EngineError.self) { try run.carryOut("parts", stopAfter: stop) }
      try run.resume("parts")
      #expect(try run.weights("whole") == run.weights("parts"))
    }
  }
}
