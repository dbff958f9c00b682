import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// Runs whose sets come from files, as splits of others do.
@Suite(.serialized)
struct SplitRunTests {
  /// The split that the toy recipe makes by itself.
  private static func split() throws -> Split {
    let toy = try ToyRun()
    defer { toy.clean() }
    let data = try PreparedData(plan: try toy.plan(), device: .cpu, cancel: CancelFlag())
    return data.split
  }

  private func write(_ positions: [Int32], to name: String, of toy: ToyRun) throws {
    try positions.map { "\($0)\n" }.joined()
      .write(to: toy.folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
  }

  private func warnings(_ toy: ToyRun) throws -> [String] {
    let text = try String(contentsOf: toy.run().appendingPathComponent("events.jsonl"), encoding: .utf8)
    return try RunEvent.read(text, file: "events.jsonl").compactMap { event in
      if case .warning(let text) = event.what { return text }
      return nil
    }
  }

  private func values(_ report: RunReport, _ model: MeasuredModel) -> [String: Double] {
    let metrics = report[model: model]?.metrics.filter { ["UA", "RA", "TA", "loss(forget)"].contains($0.name) } ?? []
    return Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) })
  }

  @Test
  func `an original model that never saw the forget samples is the retrained model`() throws {
    let split = try Self.split()
    let toy = try ToyRun("base.samples=kept.txt")
    defer { toy.clean() }
    try write(split.retain, to: "kept.txt", of: toy)
    let report = try toy.carryOut()
    let original = values(report, .original)
    #expect(original.count == 4 && original == values(report, .retrained))
    #expect(
      try warnings(toy) == [
        "the original model is trained on 'base.samples': 36 of 36 forget samples were never shown to it"
      ])
    // The same run without the file has an original model that did see them.
    let plain = try ToyRun()
    defer { plain.clean() }
    let whole = try plain.carryOut()
    #expect(values(whole, .original) != original)
    #expect(values(whole, .retrained) == original)
    #expect(try warnings(plain) == [])
  }

  @Test
  func `a split of others is followed to the sample, and its leak is told`() throws {
    let split = try Self.split()
    let toy = try ToyRun(
      "base.samples=base.txt", "forget={indices: forget.txt}", "data.validation={samples: validation.txt}")
    defer { toy.clean() }
    try write(split.forget, to: "forget.txt", of: toy)
    try write(split.validation, to: "validation.txt", of: toy)
    // Two forget and three retain samples are held out, five validation samples are not.
    let base = split.forget.dropFirst(2) + split.retain.dropFirst(3) + split.validation.prefix(5)
    try write(base.reversed(), to: "base.txt", of: toy)
    let data = try PreparedData(plan: try toy.plan(), device: .cpu, cancel: CancelFlag())
    #expect(data.split == split)
    #expect(data.baseSamples == base.sorted())
    try toy.carryOut()
    #expect(
      try warnings(toy) == [
        "the original model is trained on 'base.samples': 2 of 36 forget samples were never shown to it, "
          + "3 of 323 retain samples were never shown to it, 5 of 41 validation samples were"
      ])
  }

  @Test
  func `the original model is trained once for all forget sets of the same data`() throws {
    let toy = try ToyRun("base.seed=77", "retrained=none")
    defer { toy.clean() }
    try toy.carryOut()
    let other = try ToyRun("base.seed=77", "retrained=none", "forget={class: 3}")
    defer { other.clean() }
    try other.carryOut()
    let text = try String(contentsOf: other.run().appendingPathComponent("events.jsonl"), encoding: .utf8)
    let cached = try RunEvent.read(text, file: "events.jsonl").compactMap { event in
      if case .phaseFinished(.base, _, let cached) = event.what { return cached }
      return nil
    }
    #expect(cached == [true])
  }

  @Test(arguments: ["vgg16_bn", "vgg16_bn_lth"])
  func `both forms of VGG-16 are trained, unlearned and measured`(_ name: String) throws {
    let toy = try ToyRun(
      "model={name: \(name), width: 2}", "base.epochs=1", "pipeline.epochs=1",
      "pipeline.mask={plugin: salun, keep: 0.5}")
    defer { toy.clean() }
    let report = try toy.carryOut()
    #expect(report.outcome == .finished && report[model: .unlearned] != nil)
    #expect(try toy.weights()[name == "vgg16_bn" ? "classifier.4.bias" : "classifier.bias"]?.count == 40)
  }
}
