import Testing

@testable import Learning

struct EpochPlanTests {
  private static let forget = (0..<10).map { Int32($0 * 3) }
  private static let retain = (100..<137).map { Int32($0) }

  private static func plan(
    _ schedule: BatchSchedule, epoch: Int = 0, seed: UInt64 = 1, batch: Int = 8, forget: [Int32] = forget,
    retain: [Int32] = retain
  ) -> EpochPlan {
    EpochPlan(seed: seed, epoch: epoch, forget: forget, retain: retain, batch: batch, schedule: schedule)
  }

  @Test(arguments: BatchSchedule.allCases) func `stretches follow one another without a gap`(_ schedule: BatchSchedule)
  {
    let plan = Self.plan(schedule)
    #expect(plan.steps.flatMap { Array($0.forget) } == Array(plan.forgetOrder.indices))
    #expect(plan.steps.flatMap { Array($0.retain) } == Array(plan.retainOrder.indices))
    #expect(plan.steps.allSatisfy { $0.count > 0 })
  }

  @Test(arguments: [BatchSchedule.sequential, .joint]) func `an epoch has every sample once`(_ schedule: BatchSchedule)
  {
    let plan = Self.plan(schedule)
    #expect(plan.forgetOrder.sorted() == Self.forget && plan.retainOrder.sorted() == Self.retain)
  }

  @Test func `sequential goes through the forget set and then the retain set`() {
    #expect(
      Self.plan(.sequential).steps.map { [$0.forget.count, $0.retain.count] } == [
        [8, 0], [2, 0], [0, 8], [0, 8], [0, 8], [0, 8], [0, 5],
      ])
  }

  @Test func `one set alone has only its own steps`() {
    #expect(Self.plan(.forgetOnly).steps.map { [$0.forget.count, $0.retain.count] } == [[8, 0], [2, 0]])
    #expect(Self.plan(.forgetOnly).retainOrder.isEmpty)
    #expect(Self.plan(.retainOnly).steps.count == 5 && Self.plan(.retainOnly).forgetOrder.isEmpty)
    #expect(Self.plan(.retainOnly).retainOrder == Self.plan(.sequential).retainOrder)
  }

  @Test func `paired cycles the shorter set in its own batches`() {
    let plan = Self.plan(.paired)
    #expect(plan.steps.map { [$0.forget.count, $0.retain.count] } == [[8, 8], [2, 8], [8, 8], [2, 8], [8, 5]])
    #expect(plan.retainOrder.sorted() == Self.retain)
    #expect(plan.forgetOrder[..<10].sorted() == Self.forget && plan.forgetOrder[10..<20].sorted() == Self.forget)
    #expect(plan.forgetOrder[..<10] != plan.forgetOrder[10..<20])
    for step in plan.steps { #expect(Set(plan.forgetOrder[step.forget]).count == step.forget.count) }
  }

  @Test func `paired with nothing has no step`() {
    #expect(Self.plan(.paired, forget: []).steps.isEmpty)
  }

  @Test func `joint mixes both sets in full batches`() {
    let plan = Self.plan(.joint)
    #expect(plan.steps.map(\.count) == [8, 8, 8, 8, 8, 7])
    #expect(Set(plan.steps.map(\.forget.count)).count > 1)
  }

  @Test(arguments: BatchSchedule.allCases) func `seed and epoch decide the order and nothing else`(
    _ schedule: BatchSchedule
  ) {
    #expect(Self.plan(schedule) == Self.plan(schedule))
    #expect(Self.plan(schedule) != Self.plan(schedule, epoch: 1))
    #expect(Self.plan(schedule) != Self.plan(schedule, seed: 2))
  }
}
