import Foundation
import Learning
import Runs
import Tensors

/// The last phase of a run on diffusion models: draws images of the original, the retrained and the unlearned model from the
/// same noise, and measures the models and their images.
struct DiffusionMeasuring {
  let plan: RunPlan
  let shared: Workbench.Shared
  let task: DiffusionTask
  let folder: RunFolder
  let cancel: CancelFlag
  let reporter: Reporter

  /// What was measured of a model, and the images that it drew; none where no metric needs any.
  struct Measured {
    let metrics: [MetricValue]
    let images: Tensor?
  }

  private var generation: GenerationPlan {
    guard let generation = plan.evaluate.generation else { preconditionFailure("the resolver gives diffusion a plan") }
    return generation
  }

  /// Measures and says it in events; the original and the retrained model only where no earlier run of the workbench did.
  ///
  /// - Parameters:
  ///   - model: the unlearned one; nil where nothing was unlearned.
  ///   - seconds: what the unlearning took; nil where there was none.
  /// - Returns: the files it wrote, by what they are.
  func carryOut(_ model: TrainableModel?, seconds: Double?) throws -> [String: String] {
    let evaluation = try ModelEvaluation(self)
    for (name, model) in [(MeasuredModel.original, shared.original), (.retrained, shared.retrained)] {
      guard let model, shared.generated[name] == nil else { continue }
      shared.generated[name] = try evaluation.measure(model, named: name)
    }
    var found = shared.generated
    if let model { found[.unlearned] = try evaluation.measure(model, named: .unlearned) }
    var files: [String: String] = [:]
    for name in [MeasuredModel.original, .retrained, .unlearned] {
      guard let measured = found[name] else { continue }
      let more = name == .unlearned ? try evaluation.moved(model, seconds) : []
      try reporter.say(.evaluated(name, measured.metrics + more))
      if let images = measured.images, generation.grid > 0 {
        let shown = try images.narrow(0, start: 0, length: min(generation.grid, images.shape[0]))
        let file = "images-\(name.text).png"
        let columns = Int(Double(shown.shape[0]).squareRoot().rounded(.up))
        try ImageGrid(shown, columns: columns).write(to: folder.url.appendingPathComponent(file).path)
        files["images of \(name.text)"] = file
      }
    }
    return files
  }
}

/// Everything that is measured of one model, with what all models are compared by.
private struct ModelEvaluation {
  private let measuring: DiffusionMeasuring
  private let plan: RunPlan
  private let task: DiffusionTask
  private let data: PreparedData
  private let generation: GenerationPlan
  private let evaluator: Evaluator
  private let sets: DiffusionEvaluation
  private let judge: ImageJudge?
  /// Different images of the forget and of the retain set, in [-1, 1].
  private let targets, kept: Tensor?
  private let real: FeatureSet?
  /// The class that all of the forget set is of, where it is one of the network's.
  private let forgotten: Int?
  /// What earlier stages of a sequence forgot.
  private let earlier: [EarlierRequest]

  init(_ measuring: DiffusionMeasuring) throws {
    self.measuring = measuring
    plan = measuring.plan
    task = measuring.task
    data = measuring.shared.data
    guard let generation = plan.evaluate.generation else { preconditionFailure("diffusion has a plan of generation") }
    self.generation = generation
    evaluator = Evaluator(split: data.split, seed: plan.seed)
    sets = DiffusionEvaluation(
      plan: plan, data: data, task: task, cancel: measuring.cancel, reporter: measuring.reporter)
    let metrics = plan.evaluate.metrics
    let device = measuring.shared.device
    targets = try data.distinctImages(of: .forget, atMost: metrics.contains(.targetRate) ? 4096 : generation.nllImages)
    kept = try data.distinctImages(of: .retain, atMost: generation.nllImages)
    let needsJudge = metrics.contains { $0.needsImages && $0 != .targetRate } || metrics.contains(.similarity)
    judge =
      needsJudge
      ? try ImageJudge(
        generation.extractor, plan: plan, data: data, device: device, cancel: measuring.cancel,
        reporter: measuring.reporter) : nil
    let isTold = (measuring.shared.original as? Denoiser)?.conditions ?? 0 > 0
    forgotten = isTold ? try data.forgottenClass : nil
    earlier = try EarlierRequest.all(in: data, isTold: isTold, needsTargets: metrics.contains(.targetRate))
    if let judge, metrics.contains(where: { [.fid, .kid, .precisionRecall].contains($0) }) {
      let positions = data.split.retain.prefix(ModelEvaluation.realImages)
      let images = try data.images(at: Array(positions))
      real = try FeatureSet(judge.features(images), name: "real", metric: "fid")
    } else {
      real = nil
    }
  }

  /// At most so many images of the retain set are compared with.
  private static let realImages = 10_000

  func measure(_ model: TrainableModel, named name: MeasuredModel) throws -> DiffusionMeasuring.Measured {
    guard let denoiser = model as? Denoiser else { preconditionFailure("diffusion has denoisers") }
    let plugins = try PluginMetrics(
      plan, measuring.shared, model, named: name, cancel: measuring.cancel, reporter: measuring.reporter)
    try plugins?.begin(plan.evaluate.sets.filter { !data.samples(of: $0).positions.isEmpty })
    if plugins?.seesSets == true, !plan.evaluate.metrics.contains(.denoising) { _ = try denoising(denoiser, plugins) }
    var found: [Learning.Measurement] = []
    var again: [MetricValue] = []
    for metric in plan.evaluate.metrics {
      switch metric {
      case .denoising:
        found += try denoising(denoiser, plugins)
        again += try earlier.compactMap { try denoising(denoiser, of: $0) }
      case .nll: found += try likelihood(denoiser)
      case .similarity: found += try similarity(denoiser)
      default: break
      }
    }
    var metrics = found.map { $0.metricValue(in: plan.evaluate.table) } + again
    let seesSamples = plugins?.seesSamples == true
    guard plan.evaluate.metrics.contains(where: \.needsImages) || seesSamples || generation.grid > 0 else {
      return DiffusionMeasuring.Measured(metrics: metrics + (try plugins?.finish() ?? []), images: nil)
    }
    let drawn = try draw(denoiser, all: seesSamples)
    metrics += try judged(drawn)
    if seesSamples { try plugins?.show(samples: drawn.images, classes: drawn.classes, batch: generation.batch) }
    metrics += try plugins?.finish() ?? []
    return DiffusionMeasuring.Measured(metrics: metrics, images: drawn.images)
  }

  /// What was moved and how long it took.
  func moved(_ model: TrainableModel?, _ seconds: Double?) throws -> [MetricValue] {
    guard let model else { return [] }
    var found: [Learning.Measurement] = []
    let metrics = plan.evaluate.metrics
    if metrics.contains(.weightDistance), let retrained = measuring.shared.retrained {
      let distance = try WeightComparison(model, named: "the unlearned model", to: retrained).distance()
      found += [
        evaluator.measurement(.weightDistance, distance.absolute),
        evaluator.measurement(.relativeWeightDistance, distance.relative),
      ]
    }
    if metrics.contains(.weightsMoved) {
      let moved = try WeightComparison(model, named: "the unlearned model", to: measuring.shared.original).moved()
      found.append(evaluator.measurement(.weightsMoved, moved))
    }
    if metrics.contains(.rte), let seconds { found.append(evaluator.runTime(seconds: seconds)) }
    return found.map { $0.metricValue(in: plan.evaluate.table) }
  }

  // MARK: The model itself

  private func denoising(_ model: Denoiser, _ plugins: PluginMetrics?) throws -> [Learning.Measurement] {
    try plan.evaluate.sets.compactMap { set in
      let shown = plugins.map { plugins in { (batch: ObservedBatch) throws -> Void in try plugins.show(batch) } }
      guard let loss = try sets.denoisingLoss(of: model, on: set, observe: shown) else { return nil }
      return evaluator.measurement(
        .denoisingLoss(on: set.part), loss.value,
        protocolID: Metric.denoisingLoss(on: set.part).protocolID(loss.detail),
        samples: loss.samples)
    }
  }

  private func denoising(_ model: Denoiser, of request: EarlierRequest) throws -> MetricValue? {
    guard let loss = try sets.denoisingLoss(of: model, data.train, request.positions) else { return nil }
    let metric = Metric.denoisingLoss(on: .forget)
    return request.renamed(
      evaluator.measurement(metric, loss.value, protocolID: metric.protocolID(loss.detail), samples: loss.samples)
        .metricValue(in: plan.evaluate.table))
  }

  private func likelihood(_ model: Denoiser) throws -> [Learning.Measurement] {
    var bits = BitsPerDimension()
    bits.schedule = try BitsPerDimension.Schedule(betas: task.table.schedule.betas)
    bits.relativeTolerance = generation.nllTolerance
    bits.absoluteTolerance = generation.nllTolerance
    // Ten times what a model that was not wrecked takes.
    bits.evaluationLimit = 30_000
    return try [(Metric.forgetNLL, targets), (.retainNLL, kept)].compactMap { metric, images in
      guard let images else { return nil }
      let chosen = try images.narrow(0, start: 0, length: min(generation.nllImages, images.shape[0]))
      let labels = try Tensor.full([1], Double(forgotten ?? 0), dtype: .int64, device: model.device)
      let values: [BitsPerDimension.Value]
      do {
        values = try bits.measure(
          chosen, seed: plan.seed, cancel: measuring.cancel,
          progress: { measuring.reporter.progress(.evaluate, done: Int($0 * 100), total: 100, unit: "% of NLL") },
          noise: { images, timesteps in
            try plan.denoise(
              model, images, timesteps: timesteps, conditions: labels.expand([images.shape[0]]), training: false)
          })
      } catch let error as LearningError where error.isOfTheEquation {
        // A wrecked model's equation need not have a solution that can be followed; its other numbers can be had.
        try leaveOut(.nll, "\(error)")
        return nil
      }
      return evaluator.measurement(
        metric, values.reduce(0) { $0 + $1.bits } / Double(values.count),
        protocolID: metric.protocolID("tolerance=\(generation.nllTolerance)"), samples: values.count)
    }
  }

  /// Images of the forget set with noise to a quarter of the timesteps, and back.
  private func similarity(_ model: Denoiser) throws -> [Learning.Measurement] {
    guard let targets, let judge else { return [] }
    let images = try targets.narrow(0, start: 0, length: min(generation.samples, targets.shape[0]))
    let count = images.shape[0]
    let timestep = task.timesteps / 4
    var stream = Philox(seed: generation.seed, label: "similarity.noise")
    let noise = try Tensor.randomNormal(images.shape, generator: Generator(seed: stream.next64())).to(model.device)
    let noisy = try withoutGradients {
      try task.table.addNoise(
        images, noise, Tensor.full([count], Double(timestep), dtype: .int64, device: model.device))
    }
    let back = try sampler.sample(
      model, seed: generation.seed, images: 0..<count,
      conditions: model.conditions > 0 ? [Int](repeating: forgotten ?? -1, count: count) : nil,
      batch: generation.batch, from: Sampler.Start(noisy: noisy, timestep: timestep), cancel: measuring.cancel,
      forward: forward(model))
    let cosines = try Reconstruction.cosines(
      originals: judge.features(images), reconstructions: judge.features(back))
    let distances = try Reconstruction.distances(originals: images, reconstructions: back)
    let details = ["t=\(timestep)", sampling]
    return [
      evaluator.measurement(
        .similarity, cosines.reduce(0, +) / Double(count),
        protocolID: Metric.similarity.protocolID(judge.name, details[0], details[1]), samples: count),
      evaluator.measurement(
        .reconstructionDistance, distances.reduce(0, +) / Double(count),
        protocolID: Metric.reconstructionDistance.protocolID(details[0], details[1]), samples: count),
    ]
  }

  // MARK: Its images

  private var sampler: Sampler {
    get throws {
      try Sampler(task.table.schedule, generation.sampler.settings)
    }
  }

  /// How images are drawn, as protocols say it.
  private var sampling: String {
    let plan = generation.sampler
    let eta = plan.name == .ddim ? ",eta=\(plan.eta)" : ""
    let variance = plan.name == .ddpm && task.table.schedule.variance == .large ? ",fixed-large" : ""
    return
      "\(plan.name.rawValue)-\(plan.steps)\(eta)\(variance)\(plan.guidance > 0 ? ",guidance=\(plan.guidance)" : "")"
  }

  private func forward(_ model: Denoiser) -> (Tensor, Tensor, Tensor?) throws -> Tensor {
    { try plan.denoise(model, $0, timesteps: $1, conditions: $2, training: false) }
  }

  /// Images with the class each was drawn under; nil for a network that is told no class.
  private struct Drawn {
    let images: Tensor
    let classes: [Int]?
  }

  private func draw(_ model: Denoiser, all: Bool = false) throws -> Drawn {
    let isJudged = all || plan.evaluate.metrics.contains(where: \.needsImages)
    let count = isJudged ? generation.samples : min(generation.samples, generation.grid)
    let classes = model.conditions > 0 ? (0..<count).map { $0 % model.conditions } : nil
    let images = try sampler.sample(
      model, seed: generation.seed, images: 0..<count, conditions: classes, batch: generation.batch,
      cancel: measuring.cancel,
      progress: { measuring.reporter.progress(.evaluate, done: $0, total: $1, unit: "steps of sampling") },
      forward: forward(model))
    return Drawn(images: images, classes: classes)
  }

  private func judged(_ drawn: Drawn) throws -> [MetricValue] {
    let asked = plan.evaluate.metrics
    let count = drawn.images.shape[0]
    var found: [MetricValue] = []
    var isTarget = [Bool](repeating: false, count: count)
    if let targets, asked.contains(.targetRate) {
      let rate = try sets.targetRate(in: drawn.images, of: targets, generation, table: plan.evaluate.table)
      isTarget = rate.isTarget
      found.append(rate.value)
    }
    for request in earlier {
      guard let targets = request.targets else { continue }
      let rate = try sets.targetRate(in: drawn.images, of: targets, generation, table: plan.evaluate.table)
      isTarget = zip(isTarget, rate.isTarget).map { $0 || $1 }
      found.append(request.renamed(rate.value))
    }
    guard let judge else { return found }
    // Quality is that of what should be drawn: neither images nor classes that are forgotten now or were before.
    let gone = Set(([forgotten] + earlier.map(\.forgotten)).compactMap(\.self))
    let others = (0..<count).filter { index in
      !isTarget[index] && !(drawn.classes.map { gone.contains($0[index]) } ?? false)
    }
    let good = try drawn.images.at(others)
    if asked.contains(.inceptionScore), others.count < Self.splits {
      try leaveOut(.inceptionScore, "\(others.count) of \(count) images are left to judge, and it takes \(Self.splits)")
    } else if asked.contains(.inceptionScore), let logits = try good.flatMap({ try judge.logits($0) }) {
      let score = try ClassProbabilities(logits: logits, metric: "inception-score").inceptionScore(
        splits: Self.splits, seed: plan.seed)
      found.append(
        value(.inceptionScore, score.value, judge.name, sampling, "splits=\(Self.splits)", samples: others.count))
    } else if asked.contains(.inceptionScore) {
      try leaveOut(.inceptionScore, "'\(judge.name)' knows other classes than the data")
    }
    if let real, let good {
      let generated = try FeatureSet(judge.features(good), name: "generated", metric: "fid")
      let details = [judge.name, "real=\(real.count)", sampling]
      if asked.contains(.fid) {
        let distance = try FrechetDistance(generated: generated, real: real)
        found.append(value(.fid, distance.value, details[0], details[1], details[2], samples: generated.count))
      }
      if asked.contains(.kid) {
        let size = min(1000, generated.count, real.count)
        let distance = try KernelDistance(
          generated: generated, real: real, subsets: KernelDistance.Subsets(size: size), seed: plan.seed,
          cancel: measuring.cancel)
        found.append(
          value(.kid, distance.value, details[0], "subsets=100x\(size)", details[2], samples: generated.count))
      }
      if asked.contains(.precisionRecall) {
        let coverage = try NeighbourhoodCoverage(generated: generated, real: real, cancel: measuring.cancel)
        found.append(proportion(.precision, coverage.precision, details.joined(separator: ",")))
        found.append(proportion(.recall, coverage.recall, details.joined(separator: ",")))
      }
    }
    if asked.contains(.classProbability), let classes = drawn.classes {
      if let forgotten { found += try certainty(of: forgotten, drawn.images, classes) }
      for request in earlier {
        guard let forgotten = request.forgotten else { continue }
        found += try certainty(of: forgotten, drawn.images, classes).map(request.renamed)
      }
    }
    return found
  }

  /// What the judge makes of the images that were drawn as ones of a class.
  private func certainty(of forgotten: Int, _ images: Tensor, _ classes: [Int]) throws -> [MetricValue] {
    guard let judge, let own = try images.at(classes.indices.filter { classes[$0] == forgotten }),
      let logits = try judge.logits(own)
    else { return [] }
    let said = try ClassProbabilities(logits: logits, metric: "class-probability")
    return [
      value(.classProbability, try said.meanProbability(of: forgotten), judge.name, sampling, samples: said.count),
      value(.classEntropy, try said.meanEntropy(), judge.name, sampling, samples: said.count),
    ]
  }

  /// Parts that the Inception Score is averaged over.
  private static let splits = 10

  /// A number that was asked for and cannot be given is said so.
  private func leaveOut(_ metric: MetricName, _ reason: String) throws {
    try measuring.reporter.say(.warning("'\(metric.rawValue)' is left out: \(reason)"))
  }

  private func value(_ metric: Metric, _ value: Double, _ details: String..., samples: Int) -> MetricValue {
    let id = ([metric.protocolID] + details).joined(separator: ",")
    return evaluator.measurement(metric, value, protocolID: id, samples: samples).metricValue(in: plan.evaluate.table)
  }

  private func proportion(_ metric: Metric, _ share: Proportion, _ detail: String) -> MetricValue {
    var found = value(metric, share.value, detail, samples: share.trials)
    found.interval = [share.interval.lowerBound, share.interval.upperBound]
    return found
  }
}

extension Tensor {
  /// The rows at these places; nil for none.
  fileprivate func at(_ places: [Int]) throws -> Tensor? {
    guard !places.isEmpty else { return nil }
    return try indexSelect(0, Tensor(places.map { Int64($0) }, shape: [places.count], device: device))
  }
}

extension LearningError {
  /// Whether the likelihood's equation could not be followed to its end.
  fileprivate var isOfTheEquation: Bool {
    switch self {
    case .generation(.tooManyEvaluations), .generation(.stepTooSmall), .notFinite: true
    default: false
    }
  }
}
