import Learning
import Runs
import Tensors

/// Which samples are audited, and which of them each shadow model learns: a pure function of the plan and the split.
///
/// Audited are the forget set, as many samples of the validation set as have its classes' shares (no model of the run
/// ever saw those), and as many retained ones. A shadow model learns half of the audited samples, drawn at random, and
/// all other retained ones, so that it learns about as many samples as the original model (decision 0095).
struct AuditDesign {
  /// Fewer samples tell nothing.
  static let leastSamples = 10

  /// The run's split.
  let split: Split
  /// Audited samples that the run retains, in dataset order.
  let retain: [Int32]
  /// Audited samples that no model of the run saw, in dataset order.
  let heldOut: [Int32]
  /// Whether the audited retained samples have the classes' shares of the others, so that the two can be compared.
  let isRetainComparable: Bool
  private let seed: UInt64

  /// Forget, retained and held-out audited samples: the order of all margins, before those of the test set.
  var audited: [Int32] { split.forget + retain + heldOut }
  /// Where each set is in that order.
  var forgetRange: Range<Int> { 0..<split.forget.count }
  var retainRange: Range<Int> { forgetRange.upperBound..<forgetRange.upperBound + retain.count }
  var heldOutRange: Range<Int> { retainRange.upperBound..<retainRange.upperBound + heldOut.count }
  var testRange: Range<Int> { heldOutRange.upperBound..<heldOutRange.upperBound + split.test.count }

  /// How many samples of each set are audited.
  var counts: [String: Int] {
    ["forget": split.forget.count, "retain": retain.count, "held-out": heldOut.count, "test": split.test.count]
  }

  /// Draws the audited samples.
  ///
  /// Philox, labels `audit.held-out` and `audit.retain`, step = class. As many held-out samples are taken as there are
  /// in the forget set, or 1000 where it is smaller, and never more than half of the retain set; fewer where the
  /// validation set has not enough of a class.
  ///
  /// - Parameters:
  ///   - labels: the class of each training sample.
  ///   - seed: of all draws, those of the shadow models included.
  /// - Throws: `EngineError.mismatch` where a set has too few samples.
  init(split: Split, labels: [Int32], classNames: [String], seed: UInt64) throws(EngineError) {
    self.split = split
    self.seed = seed
    func byClass(_ positions: [Int32]) -> [[Int32]] {
      var members = [[Int32]](repeating: [], count: classNames.count)
      for position in positions { members[Int(labels[Int(position)])].append(position) }
      return members
    }
    let (forget, validation, retained) = (byClass(split.forget), byClass(split.validation), byClass(split.retain))
    guard split.forget.count >= AuditDesign.leastSamples else {
      throw .mismatch(
        "an audit needs at least \(AuditDesign.leastSamples) samples to forget; there are \(split.forget.count)")
    }
    let present = forget.indices.filter { !forget[$0].isEmpty }
    if let lacking = present.first(where: { validation[$0].isEmpty }) {
      throw .mismatch(
        "the validation set has no sample of class '\(classNames[lacking])', of which \(forget[lacking].count) are to "
          + "be forgotten; an audit compares like with like: raise 'data.validation'")
    }
    let wanted = Double(min(max(1000, split.forget.count), split.retain.count / 2)) / Double(split.forget.count)
    let share = present.map { Double(validation[$0].count) / Double(forget[$0].count) }.reduce(wanted, min)
    let counts = forget.map { Int((share * Double($0.count) + 1e-9).rounded(.down)) }
    let total = counts.reduce(0, +)
    guard total >= AuditDesign.leastSamples else {
      throw .mismatch(
        "the validation set has only \(total) samples in the classes' shares of the forget set; an audit needs at "
          + "least \(AuditDesign.leastSamples): raise 'data.validation'")
    }
    func draw(_ members: [[Int32]], _ counts: [Int], _ label: String) -> [Int32] {
      members.indices.flatMap { index in
        var stream = Philox(seed: seed, label: label, step: UInt64(index))
        var drawn = members[index]
        stream.shuffle(&drawn)
        return drawn.prefix(counts[index])
      }.sorted()
    }
    heldOut = draw(validation, counts, "audit.held-out")
    isRetainComparable = counts.indices.allSatisfy { retained[$0].count >= counts[$0] }
    retain =
      isRetainComparable
      ? draw(retained, counts, "audit.retain") : draw([split.retain], [total], "audit.retain")
  }

  /// Whether each audited sample is among those that a shadow model learns.
  ///
  /// Shadow models come in pairs: what the first of a pair learns, the second does not. So each sample is in exactly half
  /// of any even number of them, and more shadow models change nothing about earlier ones. Philox, label
  /// `audit.shadow`, step = pair; the lowest bit of `next64()` puts a sample into the first.
  func isIn(_ shadow: Int) -> [Bool] {
    var stream = Philox(seed: seed, label: "audit.shadow", step: UInt64(shadow / 2))
    return audited.indices.map { _ in (stream.next64() & 1 == 1) == shadow.isMultiple(of: 2) }
  }

  /// What a shadow model learns (forget and retain), and what of it is then forgotten. All else is validation.
  func split(of shadow: Int) -> Split {
    let audited = audited
    let isIn = isIn(shadow)
    let learned = audited.indices.filter { isIn[$0] }
    let forget = learned.filter { forgetRange.contains($0) }.map { audited[$0] }
    let isAudited = Set(audited)
    let retained =
      learned.filter { !forgetRange.contains($0) }.map { audited[$0] }
      + split.retain.filter { !isAudited.contains($0) }
    let isLearned = Set(forget + retained)
    let rest = (split.forget + split.retain + split.validation).filter { !isLearned.contains($0) }
    return Split(forget: forget.sorted(), retain: retained.sorted(), validation: rest.sorted(), test: split.test)
  }
}

extension AuditDesign {
  /// The design of a plan on its data.
  init(_ plan: AuditPlan, _ data: PreparedData) throws {
    try self.init(
      split: data.split, labels: data.train.labels.int64s().map { Int32($0) }, classNames: data.classNames,
      seed: plan.run.data.splitSeed)
  }
}

extension AuditPlan {
  /// The run that makes a job's model. Only what the model depends on is left in it, so that its hash is the same for
  /// every audit that needs the same model. The target is made as `lethe run` makes it, all else with one thread.
  func run(of job: AuditJob) -> RunPlan {
    var run = run
    run.name = "audit"
    run.variant = nil
    run.evaluate.every = nil
    run.evaluate.sets = []
    run.evaluate.metrics = []
    run.evaluate.table = nil
    run.evaluate.relearn = nil
    run.checkpoint.every = nil
    if !unlearns(job) {
      run.pipeline = nil
      run.procedure = nil
      run.swaps = []
    }
    guard job.kind != .target, var training = job.kind == .retrained ? retraining : training else { return run }
    run.threads = 1
    // 53 bits: any reader of JSON keeps them.
    func derived(from seed: UInt64, _ purpose: String) -> UInt64 {
      var stream = Philox(seed: seed, label: "audit.\(purpose).\(job.kind.rawValue)", step: UInt64(job.number))
      return stream.next64() >> 11
    }
    training.seed = derived(from: training.seed, "train")
    run.seed = derived(from: run.seed, "unlearn")
    run.base = job.kind == .retrained ? .none : .train(training)
    run.retrained = job.kind == .retrained ? .train(training) : .none
    return run
  }
}
