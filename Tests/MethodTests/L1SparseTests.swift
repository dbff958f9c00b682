import PluginHost
import Tensors
import Testing

@Suite(.serialized)
struct L1SparseTests {
  /// The first step of an epoch of three steps.
  private func start(of epoch: Int, epochs: Int) -> Progress {
    Progress(step: 3 * epoch, steps: 3 * epochs, epoch: epoch, epochs: epochs, stepInEpoch: 0, stepsInEpoch: 3)
  }

  @Test(arguments: [(0, 4), (1, 4), (3, 4), (4, 4), (9, 4)])
  func `the coefficient falls in equal steps and is gone in the last epochs`(_ without: Int, _ epochs: Int) throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 0, retain: 4)
    let objective = try bench.objective("l1-sparse", [("alpha", .float(0.25)), ("no_l1_epochs", .int(Int64(without)))])
    for epoch in 0..<epochs {
      let terms = try objective.terms(progress: start(of: epoch, epochs: epochs), batches: [batch], sets: .both)
      let isPenalised = epoch < epochs - without
      let expected = 0.25 * (1 - Double(epoch) / Double(epochs - without))
      #expect(terms.map(\.name) == (isPenalised ? ["retain", "l1"] : ["retain"]), "epoch \(epoch)")
      #expect(terms.map(\.coefficient) == (isPenalised ? [1, expected] : [1]), "epoch \(epoch)")
    }
  }

  @Test
  func `the terms are the mean loss of the retain set and the l1 norm of all weights`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 0, retain: 12)
    let terms = try bench.objective("l1-sparse").terms(
      progress: start(of: 0, epochs: 2), batches: [batch], sets: .both)
    try #require(terms.count == 2)
    #expect(terms.map(\.set) == [.retain, []] && terms.map(\.coefficient) == [1, 1e-5])
    #expect(try #require(terms[0].losses).doubles() == bench.losses(batch))
    #expect(try #require(terms[0].indices).int64s() == Array(0..<12))
    let norm = try bench.world.models[0].flatMap { try $0.doubles() }.reduce(0) { $0 + abs($1) }
    #expect(try isClose(#require(terms[1].penalty).doubles(), [norm]))
    #expect(terms[1].losses == nil && terms[0].penalty == nil)
  }

  @Test
  func `the gradient is that of the loss plus the sign of each weight, 0 at 0`() throws {
    let bench = try Bench()
    let weights = bench.world.models[0]
    // Two rows of zeros, a whole tensor of zeros, and a negative zero.
    try withoutGradients {
      try weights[0].narrow(0, start: 1, length: 2).zero()
      try weights[1].zero()
      try weights[3].narrow(0, start: 0, length: 1).fill(-0.0)
    }
    let batch = try bench.batch(forget: 0, retain: 12)
    let objective = try bench.objective("l1-sparse", [("alpha", .float(0.5))])
    let terms = try objective.terms(progress: start(of: 1, epochs: 4), batches: [batch], sets: .both)
    try #require(terms.count == 2)
    let (losses, penalty) = (try #require(terms[0].losses), try #require(terms[1].penalty))
    let plain = try gradient(of: [try losses.mean()], withRespectTo: weights, retainGraph: true)
    let whole = try gradient(
      of: [try losses.mean() + penalty * terms[1].coefficient], withRespectTo: weights, retainGraph: true)
    for index in weights.indices {
      let signs = try weights[index].doubles().map { $0 > 0 ? 1.0 : $0 < 0 ? -1 : 0 }
      let expected = zip(try #require(plain[index]).doubles(), signs).map { $0 + 0.375 * $1 }
      #expect(try isClose(#require(whole[index]).doubles(), expected), "parameter \(index)")
    }
  }

  @Test
  func `alpha may change between steps, the epochs without a penalty may not`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 0, retain: 4)
    let objective = try bench.objective("l1-sparse")
    try objective.retune([.float(0.125), .int(0)])
    let terms = try objective.terms(progress: start(of: 0, epochs: 2), batches: [batch], sets: .both)
    #expect(terms.map(\.coefficient) == [1, 0.125])
    try objective.retune([.float(0), .int(0)])
    #expect(
      try objective.terms(progress: start(of: 0, epochs: 2), batches: [batch], sets: .both).map(\.name) == ["retain"])
    #expect(throws: PluginError.self) { try objective.retune([.float(0), .int(1)]) }
  }

  @Test
  func `l1-sparse refuses to see the forget set`() throws {
    let bench = try Bench()
    let batch = try bench.batch(forget: 1, retain: 3)
    let objective = try bench.objective("l1-sparse")
    #expect(throws: PluginError.self) { try objective.terms(progress: progress(), batches: [batch], sets: .both) }
  }
}
