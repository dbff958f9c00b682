/// How forget and retain samples meet in the steps of an epoch.
package enum BatchSchedule: String, Sendable, CaseIterable, Codable {
  /// Every forget batch, then every retain batch.
  case sequential
  /// A forget and a retain batch in every step; the shorter set starts anew as often as needed.
  case paired
  /// The same, but what stands in the retain set's place is drawn from both sets: pairs of an image of all and one to
  /// forget (SISS).
  case pairs
  /// Batches drawn from both sets at once.
  case joint
  /// Forget batches only.
  case forgetOnly = "forget-only"
  /// Retain batches only.
  case retainOnly = "retain-only"
}

/// One step: which stretches of the epoch's two orders it takes. Either may be empty, never both.
package struct StepSlice: Sendable, Equatable {
  /// A stretch of ``EpochPlan/forgetOrder``.
  package let forget: Range<Int>
  /// A stretch of ``EpochPlan/retainOrder``.
  package let retain: Range<Int>

  /// How many samples the step has.
  package var count: Int { forget.count + retain.count }
}

/// The order of all samples of one epoch: a pure function of the seed, the epoch, the sets and the schedule.
///
/// The engine puts ``forgetOrder`` and ``retainOrder`` on the device once an epoch; a step is then one gather of two
/// stretches, the forget samples first.
package struct EpochPlan: Sendable, Equatable {
  /// Positions of forget samples in dataset order, in the order of this epoch.
  package let forgetOrder: [Int32]
  /// Positions of retain samples in dataset order, in the order of this epoch; under ``BatchSchedule/pairs`` of samples of
  /// both sets.
  package let retainOrder: [Int32]
  /// The steps. Their stretches follow one another without a gap.
  package let steps: [StepSlice]

  /// Plans an epoch. The last batch of a set is short where the batch size does not divide it.
  ///
  /// The streams are `order.forget`, `order.retain` and, for ``BatchSchedule/joint``, `order.joint`, each with the
  /// epoch as step; so the order of the retain set is the same under ``BatchSchedule/sequential`` and
  /// ``BatchSchedule/retainOnly``. Under ``BatchSchedule/paired`` each round through the shorter set has a fresh order
  /// from the same stream and batches of its own, so no batch has a sample twice.
  ///
  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - epoch: from 0.
  ///   - forget: the forget set, in dataset order; empty where the schedule has no use for it.
  ///   - retain: the retain set, likewise; all training samples for the original model.
  ///   - batch: samples a step; under `paired`, of each set.
  package init(
    seed: UInt64, epoch: Int, forget: [Int32], retain: [Int32], batch: Int, schedule: BatchSchedule
  ) {
    precondition(batch > 0 && epoch >= 0, "a batch has at least one sample, epochs count from 0")
    if schedule == .joint {
      let stream = Philox(seed: seed, label: "order.joint", step: UInt64(epoch))
      (forgetOrder, retainOrder, steps) = Self.joint(forget, retain, batch, stream)
      return
    }
    let retain = schedule == .pairs ? (forget + retain).sorted() : retain
    var forgetBatches = schedule == .retainOnly ? 0 : (forget.count + batch - 1) / batch
    var retainBatches = schedule == .forgetOnly ? 0 : (retain.count + batch - 1) / batch
    let isPaired = schedule == .paired || schedule == .pairs
    if isPaired {
      // Neither set can be paired with nothing.
      let needed = min(forgetBatches, retainBatches) == 0 ? 0 : max(forgetBatches, retainBatches)
      (forgetBatches, retainBatches) = (needed, needed)
    }
    let stepNumber = UInt64(epoch)
    let forgotten = Self.rounds(
      forget, batch, forgetBatches, Philox(seed: seed, label: "order.forget", step: stepNumber))
    let retained = Self.rounds(
      retain, batch, retainBatches, Philox(seed: seed, label: "order.retain", step: stepNumber))
    forgetOrder = forgotten.order
    retainOrder = retained.order
    if isPaired {
      steps = zip(forgotten.slices, retained.slices).map { StepSlice(forget: $0, retain: $1) }
    } else {
      let last = forgotten.order.count
      steps =
        forgotten.slices.map { StepSlice(forget: $0, retain: 0..<0) }
        + retained.slices.map { StepSlice(forget: last..<last, retain: $0) }
    }
  }

  /// As many batches as needed, going through the set in fresh orders again and again.
  private static func rounds(
    _ set: [Int32], _ batch: Int, _ needed: Int, _ stream: Philox
  ) -> (order: [Int32], slices: [Range<Int>]) {
    var stream = stream
    var order: [Int32] = []
    var slices: [Range<Int>] = []
    while slices.count < needed {
      var round = set
      stream.shuffle(&round)
      var start = 0
      while start < round.count, slices.count < needed {
        let end = min(start + batch, round.count)
        slices.append(order.count..<order.count + end - start)
        order += round[start..<end]
        start = end
      }
    }
    return (order, slices)
  }

  /// Batches drawn from both sets at once.
  private static func joint(
    _ forget: [Int32], _ retain: [Int32], _ batch: Int, _ stream: Philox
  ) -> (forgetOrder: [Int32], retainOrder: [Int32], steps: [StepSlice]) {
    var stream = stream
    let drawn = stream.permutation(forget.count + retain.count)
    var forgetOrder: [Int32] = []
    var retainOrder: [Int32] = []
    var steps: [StepSlice] = []
    for start in stride(from: 0, to: drawn.count, by: batch) {
      let (firstForget, firstRetain) = (forgetOrder.count, retainOrder.count)
      for place in drawn[start..<min(start + batch, drawn.count)] {
        let place = Int(place)
        if place < forget.count {
          forgetOrder.append(forget[place])
        } else {
          retainOrder.append(retain[place - forget.count])
        }
      }
      steps.append(
        StepSlice(forget: firstForget..<forgetOrder.count, retain: firstRetain..<retainOrder.count))
    }
    return (forgetOrder, retainOrder, steps)
  }
}
