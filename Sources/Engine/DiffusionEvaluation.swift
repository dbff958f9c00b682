import Learning
import Runs
import Tensors

/// Measures diffusion models on the sets of a run: how well they predict noise, at fixed timesteps with fixed noise.
struct DiffusionEvaluation {
  let plan: RunPlan
  let data: PreparedData
  let task: DiffusionTask
  let cancel: CancelFlag
  let reporter: Reporter

  /// At most so many samples of a set are looked at, those in front.
  static let samples = 256
  /// The middles of so many equal stretches of the timesteps.
  static let stretches = 10

  /// Mean squared error of the predicted noise, an element of a sample, over the samples in front of a set and the middles
  /// of ten stretches of timesteps; nil for an empty set.
  ///
  /// Every model sees the same noise.
  func denoisingLoss(
    of model: TrainableModel, on set: SampleSet
  ) throws -> (value: Double, samples: Int, detail: String)? {
    let (store, positions) = data.samples(of: set)
    guard !positions.isEmpty else { return nil }
    let chosen = Array(positions.prefix(Self.samples))
    let timesteps = (0..<Self.stretches).map { (2 * $0 + 1) * task.timesteps / (2 * Self.stretches) }
    let losses = try curve(of: model, store, chosen, at: timesteps, label: "denoising.\(set.rawValue)")
    return (losses.reduce(0, +) / Double(losses.count), chosen.count, "middles-of-\(Self.stretches)-stretches")
  }

  /// The mean over samples at each timestep.
  func curve(
    of model: TrainableModel, _ store: ImageStore, _ positions: [Int32], at timesteps: [Int], label: String
  ) throws -> [Double] {
    try withoutGradients {
      var stream = Philox(seed: plan.seed, label: label)
      let generator = try Generator(seed: stream.next64(), device: model.device)
      var sums = [Tensor](repeating: try Tensor.zeros([], device: model.device), count: timesteps.count)
      let size = plan.evaluate.batch
      for start in stride(from: 0, to: positions.count, by: size) {
        let chosen = positions[start..<min(start + size, positions.count)]
        let indices = try Tensor(chosen.map { Int64($0) }, shape: [chosen.count], device: model.device)
        let images = try store.images(at: indices, channelsLast: plan.channelsLast)
        let labels = try store.labels.indexSelect(0, indices)
        for (place, timestep) in timesteps.enumerated() {
          try cancel.check()
          let noise = try Tensor.randomNormal(images.shape, device: model.device, generator: generator)
          let steps = try Tensor.full([chosen.count], Double(timestep), dtype: .int64, device: model.device)
          let errors = try task.meanErrors(model, images, labels, timesteps: steps, noise: noise)
          sums[place] = try sums[place] + errors.sum()
        }
      }
      return try Tensor.stack(sums).doubles().map { $0 / Double(positions.count) }
    }
  }

  /// During a run: the denoising loss of the validation set, where there is one, of forget and retain set; and how often
  /// the model draws what it should forget, where the recipe has images drawn on the way.
  func validate(_ model: TrainableModel) throws -> [MetricValue] {
    let evaluator = Evaluator(split: data.split, seed: plan.seed)
    var found: [MetricValue] = []
    for set in [SampleSet.validation, .retain, .forget] {
      guard let loss = try denoisingLoss(of: model, on: set) else { continue }
      let metric = Metric.denoisingLoss(on: set.part)
      found.append(
        evaluator.measurement(
          metric, loss.value, protocolID: metric.protocolID(loss.detail), samples: loss.samples
        ).metricValue())
    }
    if let generation = plan.evaluate.generation, generation.during > 0, let model = model as? Denoiser,
      let targets = try data.distinctImages(of: .forget, atMost: 4096)
    {
      let images = try Sampler(task.table.schedule, generation.sampler.settings).sample(
        model, seed: generation.seed, images: 0..<generation.during,
        conditions: model.conditions > 0 ? (0..<generation.during).map { $0 % model.conditions } : nil,
        batch: generation.batch, cancel: cancel,
        forward: { try plan.denoise(model, $0, timesteps: $1, conditions: $2, training: false) })
      let rate = try TargetRate(images: images, targets: targets, threshold: generation.targetDistance, cancel: cancel)
        .rate
      var value = evaluator.measurement(
        .targetRate, rate.value * 100, protocolID: Metric.targetRate.protocolID("\(generation.targetDistance)"),
        samples: rate.trials
      ).metricValue()
      value.interval = [rate.interval.lowerBound * 100, rate.interval.upperBound * 100]
      found.append(value)
    }
    return found
  }
}
