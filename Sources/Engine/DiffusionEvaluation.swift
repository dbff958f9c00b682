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
    of model: TrainableModel, on set: SampleSet, observe: ((ObservedBatch) throws -> Void)? = nil
  ) throws -> (value: Double, samples: Int, detail: String)? {
    let (store, positions) = data.samples(of: set)
    return try denoisingLoss(of: model, store, positions, observe: observe.map { (set, $0) })
  }

  /// The same over samples of a store.
  func denoisingLoss(
    of model: TrainableModel, _ store: ImageStore, _ positions: [Int32],
    observe: (set: SampleSet, body: (ObservedBatch) throws -> Void)? = nil
  ) throws -> (value: Double, samples: Int, detail: String)? {
    let loss = try DenoisingLoss(betas: task.table.schedule.betas, count: Self.stretches)
    guard let found = try curve(loss, of: model, store, positions, observe) else { return nil }
    return (
      found.losses.reduce(0, +) / Double(found.losses.count), found.samples,
      "middles-of-\(Self.stretches)-stretches"
    )
  }

  /// The same at each of these timesteps.
  func curve(
    of model: TrainableModel, on set: SampleSet, at timesteps: [Int]
  ) throws -> (losses: [Double], samples: Int)? {
    let (store, positions) = data.samples(of: set)
    return try curve(
      DenoisingLoss(betas: task.table.schedule.betas, at: timesteps), of: model, store, positions)
  }

  private func curve(
    _ loss: DenoisingLoss, of model: TrainableModel, _ store: ImageStore, _ positions: [Int32],
    _ observe: (set: SampleSet, body: (ObservedBatch) throws -> Void)? = nil
  ) throws -> (losses: [Double], samples: Int)? {
    guard !positions.isEmpty else { return nil }
    let chosen = positions.prefix(Self.samples).map { Int64($0) }
    let indices = try Tensor(chosen, shape: [chosen.count], device: model.device)
    let images = try store.images(at: indices, channelsLast: plan.channelsLast)
    let labels = try store.labels.indexSelect(0, indices)
    let shown = observe.map { observe in
      { (losses: Tensor, timesteps: Tensor, places: Range<Int>) throws -> Void in
        func part(_ tensor: Tensor) throws -> Tensor {
          try tensor.narrow(0, start: places.lowerBound, length: places.count)
        }
        try observe.body(
          ObservedBatch(
            set: observe.set, images: try part(images), labels: try part(labels), indices: try part(indices),
            losses: try losses.to(.float32), timesteps: timesteps))
      }
    }
    let losses = try loss.curve(
      images, seed: plan.seed, batch: plan.evaluate.batch, cancel: cancel, observe: shown
    ) { noisy, timesteps, places in
      try plan.denoise(
        model, noisy, timesteps: timesteps,
        conditions: labels.narrow(0, start: places.lowerBound, length: places.count), training: false)
    }
    return (losses, chosen.count)
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
      found.append(try targetRate(in: images, of: targets, generation).value)
    }
    return found
  }

  /// How many of some drawn images are near one of the targets, and which.
  ///
  /// - Parameter table: the metrics that tables show; nil for all.
  func targetRate(
    in images: Tensor, of targets: Tensor, _ generation: GenerationPlan, table: [MetricName]? = nil
  ) throws -> (isTarget: [Bool], value: MetricValue) {
    let found = try TargetRate(
      images: images, targets: targets, threshold: generation.targetDistance, cancel: cancel)
    let rate = found.rate
    var value = Evaluator(split: data.split, seed: plan.seed).measurement(
      .targetRate, rate.value * 100, protocolID: Metric.targetRate.protocolID("\(generation.targetDistance)"),
      samples: rate.trials
    ).metricValue(in: table)
    value.interval = [rate.interval.lowerBound * 100, rate.interval.upperBound * 100]
    return (found.isTarget, value)
  }
}
