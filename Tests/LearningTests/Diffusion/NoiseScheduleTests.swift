import Tensors
import Testing

@testable import Learning

@Suite struct NoiseScheduleTests {
  @Test func `tables agree with diffusers' to the rounding of binary32`() throws {
    for expected in try DiffusionReference.read().schedules {
      let schedule = NoiseSchedule(
        shape: try #require(NoiseSchedule.Shape(rawValue: expected.shape)), timesteps: expected.timesteps,
        betaStart: expected.betaStart, betaEnd: expected.betaEnd)
      // Its betas are counted by vectors of eight or so, whose rounding depends on the processor.
      for (place, beta) in zip(expected.places, expected.betas) {
        #expect(abs(schedule.betas[place] - beta) <= 4e-7 * beta)
      }
      for (place, bar) in zip(expected.places, expected.alphaBars) {
        #expect(abs(schedule.alphaBars[place] - bar) <= 2e-6 * bar)
        #expect(abs(schedule.gammas[place] - bar.squareRoot()) <= 1e-6 * bar.squareRoot())
      }
      let table = try NoiseTable(schedule, device: .cpu)
      let count = expected.places.count
      let noisy = try table.addNoise(
        try DiffusionReference.uniform(1, [count, 3]).to(.float32),
        try DiffusionReference.uniform(2, [count, 3]).to(.float32),
        Tensor(expected.places.map(Int64.init), shape: [count]))
      #expect(DiffusionReference.distance(try noisy.doubles(), expected.noisy) < 1e-6)
    }
  }

  @Test(arguments: NoiseSchedule.Shape.allCases)
  func `signal falls, noise grows, and their squares sum to one`(_ shape: NoiseSchedule.Shape) {
    let schedule = NoiseSchedule(shape: shape, timesteps: 100, betaStart: 1e-3, betaEnd: 0.1)
    for t in 1..<100 {
      #expect(schedule.gammas[t] < schedule.gammas[t - 1] && schedule.sigmas[t] > schedule.sigmas[t - 1])
      #expect(abs(schedule.gammas[t] * schedule.gammas[t] + schedule.sigmas[t] * schedule.sigmas[t] - 1) < 1e-15)
    }
  }

  @Test func `noise is added in the type of the image`() throws {
    let table = try NoiseTable(.ddpm, device: .cpu)
    let ones = try Tensor.ones([2, 1, 2, 2], dtype: .float64)
    let noisy = try table.addNoise(ones, ones, Tensor([0, 999] as [Int64], shape: [2]))
    #expect(noisy.dtype == .float64)
    let schedule = NoiseSchedule.ddpm
    let expected = [0, 999].flatMap { [Double](repeating: schedule.gammas[$0] + schedule.sigmas[$0], count: 4) }
    #expect(zip(try noisy.doubles(), expected).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(table.gamma.dtype == .float32 && table.sigma.shape == [1000])
  }

  @Test(arguments: [1, 2, 7, 64])
  func `antithetic timesteps come in mirrored pairs`(_ count: Int) throws {
    let table = try NoiseTable(.ddpm, device: .cpu)
    let drawn = try table.drawTimesteps(count, antithetic: true, generator: Generator(seed: 3)).int64s()
    #expect(drawn.count == count && drawn.allSatisfy { (0..<1000).contains($0) })
    let half = count / 2 + 1
    for index in half..<max(half, count) { #expect(drawn[index] == 999 - drawn[index - half]) }
    let plain = try table.drawTimesteps(count, antithetic: false, generator: Generator(seed: 3)).int64s()
    #expect(plain.prefix(min(half, count)) == drawn.prefix(min(half, count)))
  }
}
