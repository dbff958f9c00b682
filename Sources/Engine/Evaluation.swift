import Learning
import Runs
import Tensors

/// What was measured of a model.
struct Measured {
  /// What the recipe asked for, of this model alone.
  let measurements: [Measurement]
  /// How it compares with the other models.
  let compared: [Measurement]
  /// What each sample of each set gave; what the model says of every class only where something needs it still.
  let outputs: [Split.Part: SetOutputs]
  /// The scores of the classes in each set, where the recipe asks for them.
  let classes: [Split.Part: [ClassScore]]
  /// Accuracy and loss on what earlier stages of a sequence forgot.
  let earlier: [MetricValue]
  /// What plugins measured.
  var plugins: [MetricValue] = []
}

/// A model whose sets have been passed through, and whose attacks may still be under way.
struct PendingMeasured {
  let measurements: PendingMeasurements
  let outputs: [Split.Part: SetOutputs]
  /// What plugins measured.
  let plugins: [MetricValue]
}

/// A batch of a set on its way through a model.
struct ObservedBatch {
  let set: Runs.SampleSet
  let images, labels, indices: Tensor
  /// `[n, classes]`; nil for a diffusion model.
  var logits: Tensor?
  /// `[n]`.
  let losses: Tensor
  /// `int64 [n]`; nil for a classifier.
  var timesteps: Tensor?
}

/// Measures models: one forward pass a set serves every metric.
struct Evaluation {
  let plan: RunPlan
  let data: PreparedData
  let cancel: CancelFlag
  let reporter: Reporter

  /// What makes measurements of outputs.
  var evaluator: Evaluator { Evaluator(split: data.split, seed: plan.seed) }

  /// Whether anything is asked for that needs more of a sample than loss, confidence and whether it is right.
  private var needsPredictions: Bool {
    plan.evaluate.metrics.contains { metric in
      switch metric {
      case .perClass, .agreement, .divergence: true
      default: metric.isSupportVectorAttack && metric != .miaSVC
      }
    }
  }

  /// Per-sample outputs of a model on sets, in dataset order, with running statistics and without augmentation.
  ///
  /// - Parameter predictions: whether to keep what the model says of every class, `[n, classes]` floats a set.
  func outputs(
    of model: TrainableModel, on sets: [SampleSet], predictions: Bool = false,
    observe: ((ObservedBatch) throws -> Void)? = nil
  ) throws -> [Split.Part: SetOutputs] {
    let total = sets.reduce(0) { $0 + data.samples(of: $1).positions.count }
    var done = 0
    var outputs: [Split.Part: SetOutputs] = [:]
    for set in sets {
      let (store, positions) = data.samples(of: set)
      guard !positions.isEmpty else { continue }
      outputs[set.part] = try pass(
        model, store, positions, predictions: predictions, observe: observe.map { (set, $0) }
      ) { count in
        done += count
        reporter.progress(.evaluate, done: done, total: total, unit: "images")
      }
    }
    return outputs
  }

  /// Accuracy on a set in percent; says nothing of its progress.
  func accuracy(of model: TrainableModel, on set: SampleSet) throws -> Double {
    let (store, positions) = data.samples(of: set)
    return try pass(model, store, positions, predictions: false) { _ in }.accuracy
  }

  /// Per-sample outputs of a model at positions of a store.
  func pass(
    _ model: TrainableModel, _ store: ImageStore, _ positions: [Int32], predictions: Bool,
    observe: (set: SampleSet, body: (ObservedBatch) throws -> Void)? = nil, _ note: (Int) -> Void
  ) throws -> SetOutputs {
    try withoutGradients {
      let order = try Tensor(positions.map { Int64($0) }, shape: [positions.count], device: model.device)
      let labels = try store.labels.indexSelect(0, order)
      var losses: [Tensor] = []
      var top: [Tensor] = []
      var logProbabilities: [Tensor] = []
      for start in stride(from: 0, to: positions.count, by: plan.evaluate.batch) {
        try cancel.check()
        let length = min(plan.evaluate.batch, positions.count - start)
        let indices = try order.narrow(0, start: start, length: length)
        let images = try store.images(at: indices, channelsLast: plan.channelsLast)
        let logits = try plan.forward(model, images, training: false)
        let logs = try logits.logSoftmax(along: 1)
        let own = try labels.narrow(0, start: start, length: length)
        let loss = try logs.nllLoss(own, reduction: .none)
        losses.append(loss)
        if let observe {
          try observe.body(
            ObservedBatch(
              set: observe.set, images: images, labels: own, indices: indices, logits: logits, losses: loss))
        }
        top.append(try logits.argMax(along: 1))
        if predictions { logProbabilities.append(logs) }
        note(length)
      }
      // Everything is read back here, once a set.
      let loss = try Tensor.cat(losses)
      let best = try Tensor.cat(top)
      let correct = try best.equals(labels).bools()
      guard predictions, let classes = logProbabilities.first?.shape[1] else {
        return SetOutputs(losses: try loss.floats(), correct: correct, confidence: try (-loss).exp().floats())
      }
      return SetOutputs(
        losses: try loss.floats(), correct: correct, confidence: try (-loss).exp().floats(),
        predictions: Predictions(
          labels: try labels.int32s(), top: try best.int32s(),
          logProbabilities: try Tensor.cat(logProbabilities).floats(), classes: classes))
    }
  }

  /// Passes the recipe's sets through a model and begins what it asks for. Attacks go on while other models are measured.
  ///
  /// - Parameter plugins: metrics that are shown every batch; nil for none.
  func begin(_ model: TrainableModel, plugins: PluginMetrics? = nil) throws -> PendingMeasured {
    let sets = plan.evaluate.sets
    try plugins?.begin(sets.filter { !data.samples(of: $0).positions.isEmpty })
    let outputs = try outputs(
      of: model, on: sets, predictions: needsPredictions, observe: plugins.map { plugins in { try plugins.show($0) } })
    let metrics = plan.evaluate.metrics.flatMap { $0.metrics(sets) }
    return PendingMeasured(
      measurements: try evaluator.begin(metrics, outputs: outputs, cancel: cancel), outputs: outputs,
      plugins: try plugins?.finish() ?? [])
  }

  /// How far measurements are from the retrained model's.
  func gaps(_ measurements: [Measurement], to retrained: [Measurement]) -> [Measurement] {
    let asked = plan.evaluate.metrics
    let wanted: [Metric] = (asked.contains(.tow) ? [.tow] : []) + (asked.contains(.averageGap) ? [.averageGap] : [])
    guard let scores = Evaluator.scores(measurements), let aim = Evaluator.scores(retrained) else { return [] }
    return evaluator.compare(scores, to: aim, wanted)
  }

  /// Agreement with the retrained model and divergence from it.
  func likeness(
    _ outputs: [Split.Part: SetOutputs], to retrained: [Split.Part: SetOutputs]
  ) throws -> [Measurement] {
    let sets = plan.evaluate.sets
    var wanted: [Metric] = []
    if plan.evaluate.metrics.contains(.agreement) { wanted += sets.map { .agreement(on: $0.part) } }
    if plan.evaluate.metrics.contains(.divergence) { wanted += sets.map { .divergence(on: $0.part) } }
    return try evaluator.compare(outputs, to: retrained, wanted)
  }

  /// The scores of the classes in each set, where the recipe asks for them.
  func classScores(_ outputs: [Split.Part: SetOutputs]) throws -> [Split.Part: [ClassScore]] {
    guard plan.evaluate.metrics.contains(.perClass) else { return [:] }
    var scores: [Split.Part: [ClassScore]] = [:]
    for (part, set) in outputs { scores[part] = try set.classScores(data.classNames.count, part) }
    return scores
  }

  /// Accuracy and loss during a run, on the validation set if the recipe names no others.
  func validate(_ model: TrainableModel) throws -> [Measurement] {
    let sets = plan.evaluate.during ?? [.validation]
    let metrics: [Metric] = sets.flatMap { set -> [Metric] in
      switch set {
      case .forget: [.ua, .forgetLoss]
      case .retain: [.ra, .retainLoss]
      case .test: [.ta, .testLoss]
      case .validation: [.va, .validationLoss]
      }
    }
    return try evaluator.measure(metrics, outputs: outputs(of: model, on: sets), cancel: cancel)
  }

  /// RTE of these seconds, where the recipe asks for it.
  func runTime(seconds: Double) -> [Measurement] {
    plan.evaluate.metrics.contains(.rte) ? [evaluator.runTime(seconds: seconds)] : []
  }
}

extension SampleSet {
  /// The same for `Learning`.
  var part: Split.Part {
    switch self {
    case .forget: .forget
    case .retain: .retain
    case .test: .test
    case .validation: .validation
    }
  }
}

extension MetricName {
  /// What is to be measured of a model for this word of the recipe, on the sets it names, from its outputs alone.
  fileprivate func metrics(_ sets: [SampleSet]) -> [Metric] {
    switch self {
    case .ua: [.ua, .fa]
    case .ra: [.ra]
    case .ta: [.ta]
    case .loss:
      sets.map { set in
        switch set {
        case .forget: .forgetLoss
        case .retain: .retainLoss
        case .test: .testLoss
        case .validation: .validationLoss
        }
      }
    case .miaSVC: [.miaSVC]
    case .miaCorrectness: [.miaCorrectness]
    case .miaEntropy: [.miaEntropy]
    case .miaModifiedEntropy: [.miaModifiedEntropy]
    case .miaPublishedModifiedEntropy: [.miaPublishedModifiedEntropy]
    case .miaProbabilities: [.miaProbabilities]
    case .miaThreshold: [.miaThreshold]
    case .tow, .averageGap, .perClass, .agreement, .divergence, .weightDistance, .weightsMoved, .relearn, .rte: []
    case .denoising, .nll, .targetRate, .inceptionScore, .fid, .kid, .precisionRecall, .classProbability, .similarity:
      preconditionFailure("the resolver asks a classifier for no metric of diffusion")
    }
  }
}
