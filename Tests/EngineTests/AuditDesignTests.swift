import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// Which samples are audited, and what each shadow model learns.
@Suite struct AuditDesignTests {
  /// 600 training samples of three classes in turn; the first 60 are forgotten, the last 90 held out.
  private func design(
    forget: [Int32] = Array(0..<60), validation: [Int32] = Array(510..<600), seed: UInt64 = 1
  ) throws -> AuditDesign {
    let labels = (0..<600).map { Int32($0 % 3) }
    let rest = (0..<Int32(600)).filter { !forget.contains($0) && !validation.contains($0) }
    return try AuditDesign(
      split: Split(forget: forget, retain: rest, validation: validation, test: Array(0..<50)), labels: labels,
      classNames: ["a", "b", "c"], seed: seed)
  }

  @Test func `held-out and retained samples have the classes' shares of the forget set`() throws {
    // All of class a, a few of class b, none of class c.
    let design = try design(forget: (0..<Int32(30)).map { $0 * 3 } + [1, 4, 7, 10, 13, 16])
    func counts(_ positions: [Int32]) -> [Int] {
      positions.reduce(into: [0, 0, 0]) { $0[Int($1 % 3)] += 1 }
    }
    // The 30 of class a that are held out are what limits: as many as are forgotten.
    #expect(counts(design.heldOut) == [30, 6, 0])
    #expect(counts(design.retain) == [30, 6, 0])
    #expect(Set(design.heldOut).isSubset(of: Set(510..<600)))
    #expect(Set(design.retain).isDisjoint(with: Set(design.split.forget + design.split.validation)))
    #expect(design.isRetainComparable)
  }

  @Test func `a class that is forgotten as a whole leaves no retained samples to compare`() throws {
    let design = try design(forget: (0..<Int32(170)).map { $0 * 3 })
    #expect(!design.isRetainComparable)
    #expect(design.heldOut.allSatisfy { $0 % 3 == 0 })
    #expect(design.heldOut.count == 30)
  }

  @Test func `each audited sample is in exactly one shadow model of a pair, and more models change nothing`() throws {
    let design = try design()
    for pair in 0..<4 {
      #expect(zip(design.isIn(2 * pair), design.isIn(2 * pair + 1)).allSatisfy { $0 != $1 })
    }
    #expect(design.isIn(0) != design.isIn(2))
    let share = Double(design.isIn(0).count { $0 }) / Double(design.audited.count)
    // Four deviations of a fair coin.
    #expect(abs(share - 0.5) < 2 / Double(design.audited.count).squareRoot())
    #expect(try self.design(seed: 2).isIn(0) != design.isIn(0))
  }

  @Test func `a shadow model forgets of the forget set what it learned, and has seen nothing else of it`() throws {
    let design = try design()
    let forget = Set(design.split.forget)
    for number in 0..<4 {
      let split = design.split(of: number)
      let isIn = Set(zip(design.audited, design.isIn(number)).filter(\.1).map(\.0))
      #expect(Set(split.forget) == forget.intersection(isIn))
      #expect(Set(split.retain).isDisjoint(with: forget))
      #expect(Set(split.forget + split.retain).intersection(design.audited) == isIn)
      // All that is not audited and retained by the run is always learned.
      #expect(Set(design.split.retain).subtracting(design.audited).isSubset(of: Set(split.retain)))
      #expect(split.forget.count + split.retain.count + split.validation.count == 600)
    }
  }

  @Test func `shadow models learn about as many samples as the original`() throws {
    let design = try design()
    let sizes = (0..<8).map { design.split(of: $0) }.map { $0.forget.count + $0.retain.count }
    let mean = Double(sizes.reduce(0, +)) / 8
    // Of 510: 90 of 450 retained ones are audited, and half of 60 + 90 + 90 audited ones are learned.
    #expect(mean == 480)
  }

  @Test func `too few samples of a set, or of a class, are refused`() {
    #expect(throws: EngineError.self) { try design(forget: [0, 1, 2]) }
    #expect(throws: EngineError.self) { try design(validation: [510, 511, 512]) }
    let error = #expect(throws: EngineError.self) { try design(validation: (170..<Int32(200)).map { $0 * 3 }) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("no sample of class 'b'"))
  }

  // MARK: Margins

  @Test func `margins are log p over one minus p, also where p rounds to one`() throws {
    struct Fixture: Decodable {
      struct Margins: Decodable {
        let logits: [[Float]]
        let labels: [Int64]
        let values: [Double]
      }
      let margins: Margins
    }
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("LearningTests/Fixtures/audits.json")
    let example = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: file)).margins
    let margins = try AuditMargins.margins(
      try Tensor(example.logits.flatMap(\.self), shape: [6, 5]), try Tensor(example.labels, shape: [6])
    ).floats()
    for (ours, theirs) in zip(margins, example.values) {
      #expect(abs(Double(ours) - theirs) < 1e-5 * max(1, abs(theirs)))
    }
    #expect(margins[0] > 794 && margins[0].isFinite)
  }

  // MARK: Plans

  private func plan(_ changes: String..., shadows: Int = 4, audits: [AuditName]? = nil) throws -> AuditPlan {
    var toy = try ToyRun()
    toy.overrides = changes
    defer { toy.clean() }
    return try AuditPlan(
      run: try toy.plan(), audits: audits, shadows: shadows, variance: nil, weights: nil, file: "toy.yaml")
  }

  @Test func `no two models of an audit have a seed in common`() throws {
    let plan = try plan()
    let seeds = plan.jobs.filter { $0.kind != .target }.flatMap { job -> [UInt64] in
      let run = plan.run(of: job)
      let sources = [run.base, run.retrained].compactMap { source -> UInt64? in
        if case .train(let training) = source { training.seed } else { nil }
      }
      return sources + (plan.unlearns(job) ? [run.seed] : [])
    }
    // Originals and shadow models have two, retrained models one.
    #expect(seeds.count == 4 * 2 + 4 * 2 + 4)
    #expect(Set(seeds).count == seeds.count)
  }

  @Test func `what a shadow model without unlearning depends on does not include the method`() throws {
    let (one, other) = (try plan(audits: [.lira]), try plan("pipeline.epochs=7", "seed=9", audits: [.lira]))
    let job = AuditJob(.shadow, 1)
    #expect(one.run(of: job).pipeline == nil)
    #expect(one.run(of: job).base == other.run(of: job).base)
    #expect(one.run(of: AuditJob(.target, 0)) != other.run(of: AuditJob(.target, 0)))
  }

  @Test func `a plan that is written and read is the same plan`() throws {
    let plan = try plan(audits: [.klom, .lira])
    #expect(plan.audits == [.lira, .klom])
    #expect(try AuditPlan(yaml: plan.yaml(), file: "plan.yaml") == plan)
    #expect(throws: RunError.self) {
      try AuditPlan(yaml: plan.yaml().replacingOccurrences(of: "format: 1", with: "format: 2"), file: "plan.yaml")
    }
  }

  @Test func `few shadow models share a variance, many have their own`() throws {
    #expect(try plan(shadows: 16).variance == .pooled)
    #expect(try plan(shadows: 64).variance == .perSample)
  }
}
