import Tensors
import Testing

@testable import Learning

@Suite struct SamplerTests {
  private static func tiny(conditions: Int = 0, dtype: DType = .float64) throws -> Denoiser {
    let config = try UNetConfig(
      inChannels: 1, sampleSize: 4, widths: [4, 4], layers: 1, attention: [false, false], midAttention: false,
      groups: 2, conditions: conditions)
    return try Denoiser.unet(config, seed: 1, dtype: dtype)
  }

  private static let schedule = NoiseSchedule(shape: .linear, timesteps: 50, betaStart: 1e-3, betaEnd: 0.2)

  @Test(arguments: [DType.float64, .float32])
  func `every step agrees with diffusers'`(_ dtype: DType) throws {
    for expected in try DiffusionReference.read().samplers {
      let schedule = NoiseSchedule(
        shape: .linear, timesteps: 1000, betaStart: 1e-4, betaEnd: 0.02,
        variance: expected.variance.flatMap(NoiseSchedule.Variance.init) ?? .small)
      let sampler = try Sampler(
        schedule,
        SamplerSettings(
          kind: expected.kind == "ddpm" ? .ddpm : .ddim(eta: expected.eta ?? 0), steps: expected.steps,
          clip: expected.clip))
      #expect(Array(sampler.timesteps.prefix(12)) == expected.timesteps)
      var noisy = try (DiffusionReference.uniform(10, [2, 1, 2, 2]) * 2.0).to(dtype)
      for (index, timestep) in sampler.timesteps.enumerated() {
        let predicted = try noisy.tanh() / 2.0 + Double(timestep) / 2000
        noisy = try sampler.step(
          noisy, predicted: predicted, at: timestep,
          to: index + 1 < sampler.timesteps.count ? sampler.timesteps[index + 1] : nil,
          noise: { try DiffusionReference.uniform(11 + index, [2, 1, 2, 2]).to(dtype) })
        guard let place = expected.kept.firstIndex(of: index) else { continue }
        let distance = DiffusionReference.distance(try noisy.doubles(), expected.walk[place])
        #expect(distance < (dtype == .float64 ? 1e-10 : 1e-5), "\(expected.kind) \(expected.steps) step \(index)")
      }
    }
  }

  @Test func `a walk with all noise is the ancestral one`() throws {
    let ddim = try Sampler(Self.schedule, SamplerSettings(kind: .ddim(eta: 1), steps: 50, clip: false))
    let ddpm = try Sampler(Self.schedule, SamplerSettings(kind: .ddpm, steps: 50, clip: false))
    for (t, next) in [(49, 48), (20, 19), (1, 0)] {
      // Both are a x + b ε + d z once the predicted image is written out.
      func flat(_ sampler: Sampler) -> [Double] {
        let parts = sampler.coefficients(t, to: next)
        let gamma = Self.schedule.gammas[t]
        return [
          parts.image / gamma + parts.noisy, parts.predicted - parts.image * Self.schedule.sigmas[t] / gamma,
          parts.drawn,
        ]
      }
      #expect(zip(flat(ddim), flat(ddpm)).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  @Test(arguments: [SamplerSettings.Kind.ddpm, .ddim(eta: 0), .ddim(eta: 0.5)])
  func `an image is the same in every batch`(_ kind: SamplerSettings.Kind) throws {
    let model = try Self.tiny()
    let sampler = try Sampler(Self.schedule, SamplerSettings(kind: kind, steps: 6))
    let all = try sampler.sample(model, seed: 4, images: 0..<5, batch: 5).doubles()
    let parts = try sampler.sample(model, seed: 4, images: 0..<5, batch: 2).doubles()
    let last = try sampler.sample(model, seed: 4, images: 3..<5, batch: 1).doubles()
    #expect(all.count == 5 * 16 && all.allSatisfy { abs($0) <= 1 } && Set(all).count > 40)
    #expect(zip(all, parts).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(zip(all.suffix(32), last).allSatisfy { abs($0 - $1) < 1e-12 })
    let other = try sampler.sample(model, seed: 5, images: 0..<5, batch: 5).doubles()
    #expect(zip(all, other).contains { abs($0 - $1) > 0.01 })
  }

  @Test(arguments: [0, 0.5, 2.0])
  func `guidance s predicts 1 + s times the condition's noise less s times the null condition's`(_ s: Double) throws {
    let model = try Self.tiny(conditions: 2)
    let sampler = try Sampler(
      Self.schedule, SamplerSettings(kind: .ddim(eta: 0), steps: 1, guidance: s, clip: false))
    let still = Sampler.Start(noisy: try Tensor.zeros([2, 1, 4, 4], dtype: .float64), timestep: 0)
    var seen: [Int64] = []
    // The noise predicted is 0.4 and 0.2 for the classes and 0.1 for the null condition.
    let images = try sampler.sample(
      model, seed: 1, images: 0..<2, conditions: [1, 0], batch: 2, from: still,
      forward: { noisy, timesteps, classes in
        let classes = try #require(classes)
        #expect(timesteps.shape == classes.shape)
        seen = try classes.int64s()
        let table = try Tensor([0.1, 0.2, 0.4] as [Double], shape: [3])
        return try table.indexSelect(0, classes + 1).view([-1, 1, 1, 1]) + noisy
      })
    #expect(seen == (s == 0 ? [1, 0] : [1, 0, -1, -1]))
    let ratio = -Self.schedule.sigmas[0] / Self.schedule.gammas[0]
    for (index, noise) in [0.4, 0.2].enumerated() {
      let expected = ((1 + s) * noise - s * 0.1) * ratio
      #expect(try images.select(0, index).doubles().allSatisfy { abs($0 - expected) < 1e-14 })
    }
  }

  @Test func `a walk from noised images goes on from their timestep`() throws {
    let model = try Self.tiny()
    let sampler = try Sampler(Self.schedule, SamplerSettings(kind: .ddim(eta: 0), steps: 5))
    #expect(sampler.timesteps == [40, 30, 20, 10, 0])
    #expect(sampler.timesteps(from: 20) == [20, 10, 0] && sampler.timesteps(from: 25) == [25, 20, 10, 0])
    var asked: [Int64] = []
    let noisy = try Tensor.randomNormal([3, 1, 4, 4], dtype: .float64, generator: Generator(seed: 2))
    let images = try sampler.sample(
      model, seed: 1, images: 0..<3, batch: 2, from: Sampler.Start(noisy: noisy, timestep: 25),
      forward: { noisy, timesteps, conditions in
        asked.append(contentsOf: try timesteps.int64s())
        return try model.forward(noisy, timesteps: timesteps, conditions: conditions, training: false)
      })
    #expect(asked == [25, 25, 20, 20, 10, 10, 0, 0, 25, 20, 10, 0] && images.shape == [3, 1, 4, 4])
    let error = #expect(throws: LearningError.self) {
      try sampler.sample(model, seed: 1, images: 0..<3, batch: 2, from: Sampler.Start(noisy: noisy, timestep: 50))
    }
    #expect(error?.description == "the sampler's 'start' is 50; expected a timestep from 0 to 49")
  }

  @Test func `progress counts steps of all batches, and a raised flag ends the walk`() throws {
    let model = try Self.tiny()
    let sampler = try Sampler(Self.schedule, SamplerSettings(kind: .ddpm, steps: 3))
    var told: [[Int]] = []
    _ = try sampler.sample(model, seed: 1, images: 0..<3, batch: 2, progress: { told.append([$0, $1]) })
    #expect(told == (1...6).map { [$0, 6] })
    let flag = CancelFlag()
    var steps = 0
    let error = #expect(throws: LearningError.self) {
      try sampler.sample(
        model, seed: 1, images: 0..<3, batch: 2, cancel: flag,
        forward: { noisy, _, _ in
          steps += 1
          if steps == 4 { flag.cancel(signal: 2) }
          return noisy
        })
    }
    #expect(error == .interrupted(signal: 2) && steps == 4)
  }

  @Test func `settings outside their ranges are refused`() {
    func refusal(_ settings: SamplerSettings) -> String {
      #expect(throws: LearningError.self) { try Sampler(Self.schedule, settings) }?.description ?? ""
    }
    #expect(refusal(SamplerSettings(kind: .ddpm, steps: 0)) == "the sampler's 'steps' is 0; expected 1 to 50")
    #expect(refusal(SamplerSettings(kind: .ddpm, steps: 51)) == "the sampler's 'steps' is 51; expected 1 to 50")
    #expect(
      refusal(SamplerSettings(kind: .ddim(eta: 1.5), steps: 5)) == "the sampler's 'eta' is 1.5; expected 0 to 1")
    #expect(
      refusal(SamplerSettings(kind: .ddpm, steps: 5, guidance: -1))
        == "the sampler's 'guidance' is -1.0; expected a number from 0")
  }

  @Test func `guidance needs conditions`() throws {
    let sampler = try Sampler(Self.schedule, SamplerSettings(kind: .ddpm, steps: 5, guidance: 2))
    let error = #expect(throws: LearningError.self) {
      try sampler.sample(Self.tiny(), seed: 1, images: 0..<1, batch: 1)
    }
    #expect(error?.description.hasSuffix("expected 0 for a model without conditions") == true)
  }
}
