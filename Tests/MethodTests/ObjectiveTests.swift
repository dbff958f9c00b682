import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct ObjectiveTests {
  @Test
  func `fine-tune is the mean loss of the retain set`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 0, retain: 12)
    let terms = try bench.objective("fine-tune").terms(progress: progress(), batches: [batch], sets: .both)
    #expect(terms.map(\.set) == [.retain] && terms.map(\.coefficient) == [1])
    #expect(try #require(terms[0].losses).doubles() == bench.losses(batch))
    #expect(try #require(terms[0].losses).requiresGrad)
    #expect(terms[0].cleanLosses == nil)
  }

  @Test
  func `fine-tune refuses to see the forget set`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 1, retain: 3)
    let objective = try bench.objective("fine-tune")
    #expect(throws: PluginError.self) { try objective.terms(progress: progress(), batches: [batch], sets: .both) }
  }

  @Test
  func `gradient-ascent is the negative loss of the forget set`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 12, retain: 0)
    let terms = try bench.objective("gradient-ascent").terms(progress: progress(), batches: [batch], sets: .both)
    #expect(terms.map(\.set) == [.forget] && terms.map(\.coefficient) == [-1])
    #expect(try #require(terms[0].losses).doubles() == bench.losses(batch))
  }

  /// The labels that losses were taken with: the class whose loss it is.
  private func labels(of losses: Tensor, _ batch: Batch, _ bench: Bench) throws -> [Int64] {
    let outputs = try bench.world.forward(ModelHandle(0), inputs: batch.inputs, evaluation: false)
    let all = try -outputs.logSoftmax(along: 1).narrow(0, start: 0, length: batch.forgetCount)
    return try (all - losses.reshape([-1, 1])).absolute().argMin(along: 1).int64s()
  }

  /// How often each label came, as its distance from the true one, over many steps of random-label.
  private func distances(_ mode: String, steps: Int, classes: Int = 5) throws -> [Int] {
    let bench = try Bench(classes: classes)
    let batch = try bench.batch(forget: 40, retain: 0)
    let truth = try batch.labels.int64s()
    let objective = try bench.objective("random-label", [("mode", .string(mode))])
    var counts = [Int](repeating: 0, count: classes)
    for step in 0..<steps {
      let terms = try objective.terms(progress: progress(step), batches: [batch], sets: .both)
      for (drawn, label) in zip(try labels(of: try #require(terms[0].losses), batch, bench), truth) {
        counts[(Int(drawn - label) + classes) % classes] += 1
      }
    }
    return counts
  }

  @Test
  func `random labels never equal the true label in paper mode, and the others come equally often`() throws {
    let counts = try distances("paper", steps: 100)
    #expect(counts[0] == 0)
    // 4000 draws, 1000 expected for each: five standard deviations are 137.
    #expect(counts.dropFirst().allSatisfy { abs($0 - 1000) < 137 }, "\(counts)")
  }

  @Test
  func `random labels are uniform over all classes in reference mode`() throws {
    let counts = try distances("reference", steps: 100)
    // 4000 draws, 800 expected for each: five standard deviations are 127.
    #expect(counts.allSatisfy { abs($0 - 800) < 127 }, "\(counts)")
  }

  @Test
  func `with two classes the random label is the other one`() throws {
    #expect(try distances("paper", steps: 5, classes: 2) == [0, 200])
  }

  @Test
  func `random-label keeps the true labels of the retain set and the clean losses of the forget set`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 5, retain: 7)
    let expected = try bench.losses(batch)
    let objective = try bench.objective("random-label", [("alpha", .float(0.7))])
    let terms = try objective.terms(progress: progress(), batches: [batch], sets: .both)
    #expect(terms.map(\.set) == [.forget, .retain] && terms.map(\.coefficient) == [1, 0.7])
    #expect(try #require(terms[1].losses).doubles() == Array(expected[5...]))
    #expect(try #require(terms[1].indices).int64s() == Array(5..<12))
    let clean = try #require(terms[0].cleanLosses)
    #expect(try clean.doubles() == Array(expected[..<5]))
    #expect(!clean.requiresGrad)
  }

  @Test
  func `random-label gives one batch of both sets the losses of two batches`() throws {
    let bench = try Bench()
    let joint = try bench.batch(forget: 5, retain: 7)
    let objective = try bench.objective("random-label")
    let together = try objective.terms(progress: progress(), batches: [joint], sets: .both)
    var apart: [Term] = []
    for (forget, start, count) in [(5, 0, 5), (0, 5, 7)] {
      let batch = Batch(
        forgetCount: forget, retainCount: count - forget,
        inputs: try joint.inputs.narrow(0, start: start, length: count),
        labels: try joint.labels.narrow(0, start: start, length: count),
        indices: try joint.indices.narrow(0, start: start, length: count))
      // A new instance: the second call of one in the same step is another micro-batch, with labels of its own.
      apart += try bench.objective("random-label").terms(progress: progress(), batches: [batch], sets: .both)
    }
    for (a, b) in zip(together, apart) {
      #expect(try isClose(#require(a.losses).doubles(), #require(b.losses).doubles()))
    }
  }

  @Test
  func `random labels are a function of seed, step and micro-batch`() throws {
    func draw(seed: UInt64 = 1, step: Int = 3, micro: Int = 0) throws -> [Int64] {
      let bench = try Bench(seed: seed)
      let batch = try bench.batch(forget: 40, retain: 0)
      let objective = try bench.objective("random-label")
      let terms = try objective.terms(progress: progress(step), batches: [batch], sets: .both, microBatch: micro)
      return try labels(of: try #require(terms[0].losses), batch, bench)
    }
    #expect(try draw() == draw())
    #expect(try draw() != draw(seed: 2))
    #expect(try draw() != draw(step: 4))
    #expect(try draw() != draw(micro: 1))
    #expect(try draw(micro: 1) == draw(micro: 1))
  }

  @Test
  func `random-label leaves out the terms of sets that are not wanted`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 5, retain: 7)
    let objective = try bench.objective("random-label")
    for (set, name) in [(SampleSet.forget, "forget"), (.retain, "retain")] {
      #expect(try objective.terms(progress: progress(), batches: [batch], sets: set).map(\.name) == [name])
    }
  }

  @Test
  func `random-label has no alpha in reference mode`() throws {
    let bench = try Bench()
    #expect(throws: PluginError.self) {
      try bench.objective("random-label", [("alpha", .float(0.5)), ("mode", .string("reference"))])
    }
    let objective = try bench.objective("random-label")
    try objective.retune([.float(0.25), .string("paper")])
    let terms = try objective.terms(
      progress: progress(), batches: [try bench.batch(forget: 1, retain: 1)], sets: .retain)
    #expect(terms.map(\.coefficient) == [0.25])
  }
}
