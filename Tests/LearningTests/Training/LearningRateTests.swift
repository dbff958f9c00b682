import Testing

@testable import Learning

/// A schedule over ten epochs of three steps, by the name that PyTorch's numbers have.
struct ScheduleCase: Sendable, CustomTestStringConvertible {
  let name: String
  let shape: LearningRateSchedule.Shape
  let warmupEpochs: Double

  var testDescription: String { name }

  static let all = [
    ScheduleCase(name: "constant", shape: .constant, warmupEpochs: 0),
    ScheduleCase(name: "constant-warmup", shape: .constant, warmupEpochs: 2),
    ScheduleCase(name: "milestones", shape: .milestones([4, 7], gamma: 0.1), warmupEpochs: 0),
    ScheduleCase(name: "cosine", shape: .cosine, warmupEpochs: 0),
    ScheduleCase(name: "one-cycle", shape: .oneCycle, warmupEpochs: 0),
  ]
}

@Suite struct LearningRateTests {
  @Test(arguments: ScheduleCase.all)
  func `rates agree with PyTorch's`(_ schedule: ScheduleCase) throws {
    let expected = try #require(TrainingReference.shared.get().rates[schedule.name])
    let ours = LearningRateSchedule(
      shape: schedule.shape, peak: 0.4, warmupEpochs: schedule.warmupEpochs, stepsPerEpoch: 3, epochs: 10)
    for (step, rate) in expected.enumerated() {
      // PyTorch multiplies rate after rate, we compute each alone: they differ by rounding.
      #expect(abs(ours.rate(at: step) - rate) < 1e-14, "step \(step)")
    }
  }

  @Test func `a warm-up ends at the peak, and the cosine starts there`() {
    let schedule = LearningRateSchedule(shape: .cosine, peak: 1, warmupEpochs: 0.5, stepsPerEpoch: 4, epochs: 3)
    #expect(schedule.warmupSteps == 2)
    #expect(schedule.rate(at: 0) == 0.5)
    #expect(schedule.rate(at: 1) == 1)
    #expect(schedule.rate(at: 2) == 1)
    #expect(schedule.rate(at: 7) == 0.5)
    #expect(schedule.rate(at: 12) == 0)
    #expect(schedule.rate(at: 100) == 0)
  }

  @Test(arguments: [LearningRateSchedule.Shape.constant, .milestones([1], gamma: 0.5), .cosine, .oneCycle])
  func `short runs have rates that are finite and within the peak`(_ shape: LearningRateSchedule.Shape) {
    for epochs in 0...3 {
      let schedule = LearningRateSchedule(shape: shape, peak: 1, warmupEpochs: 9, stepsPerEpoch: 1, epochs: epochs)
      for step in 0..<5 { #expect((0...1).contains(schedule.rate(at: step))) }
    }
  }
}
