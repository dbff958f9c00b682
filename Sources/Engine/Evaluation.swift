import Learning
import Runs
import Tensors

/// What one forward pass over each set gave.
struct Measured {
  /// What the recipe asked for.
  let measurements: [Measurement]
  /// The loss of each sample of each set, in the order of the recipe's sets.
  let losses: [(set: SampleSet, losses: [Float])]
}

/// Measures models: one forward pass a set serves every metric.
struct Evaluation {
  let plan: RunPlan
  let data: PreparedData
  let cancel: CancelFlag
  let reporter: Reporter

  private var evaluator: Evaluator { Evaluator(split: data.split, seed: plan.seed) }

  /// Per-sample outputs of a model on sets, in dataset order, with running statistics and without augmentation.
  func outputs(of model: ImageClassifier, on sets: [SampleSet]) throws -> [Split.Part: SetOutputs] {
    let total = sets.reduce(0) { $0 + data.samples(of: $1).positions.count }
    var done = 0
    var outputs: [Split.Part: SetOutputs] = [:]
    for set in sets {
      let (store, positions) = data.samples(of: set)
      guard !positions.isEmpty else { continue }
      outputs[set.part] = try pass(model, store, positions) { count in
        done += count
        reporter.progress(.evaluate, done: done, total: total, unit: "images")
      }
    }
    return outputs
  }

  private func pass(
    _ model: ImageClassifier, _ store: ImageStore, _ positions: [Int32], _ note: (Int) -> Void
  ) throws -> SetOutputs {
    try withoutGradients {
      let order = try Tensor(positions.map { Int64($0) }, shape: [positions.count], device: model.device)
      var losses: [Tensor] = []
      var correct: [Tensor] = []
      var confidence: [Tensor] = []
      for start in stride(from: 0, to: positions.count, by: plan.evaluate.batch) {
        try cancel.check()
        let length = min(plan.evaluate.batch, positions.count - start)
        let indices = try order.narrow(0, start: start, length: length)
        let images = try store.images(at: indices, channelsLast: plan.channelsLast)
        let labels = try store.labels.indexSelect(0, indices)
        let logits = try plan.forward(model, images, training: false)
        let loss = try logits.crossEntropy(labels, reduction: .none)
        losses.append(loss)
        confidence.append(try (-loss).exp())
        correct.append(try logits.argMax(along: 1).equals(labels))
        note(length)
      }
      return SetOutputs(
        losses: try Tensor.cat(losses).floats(), correct: try Tensor.cat(correct).bools(),
        confidence: try Tensor.cat(confidence).floats())
    }
  }

  /// What the recipe asks for, of one model, without what compares it to another.
  func measure(_ model: ImageClassifier) throws -> Measured {
    let sets = plan.evaluate.sets
    let outputs = try outputs(of: model, on: sets)
    let metrics = plan.evaluate.metrics.flatMap { $0.metrics(sets) }
    return Measured(
      measurements: try evaluator.measure(metrics, outputs: outputs, cancel: cancel),
      losses: sets.compactMap { set in outputs[set.part].map { (set, $0.losses) } })
  }

  /// The same, and how far that is from the retrained model.
  func compared(_ measurements: [Measurement], to retrained: [Measurement]?) -> [Measurement] {
    let asked = plan.evaluate.metrics
    let wanted: [Metric] = (asked.contains(.tow) ? [.tow] : []) + (asked.contains(.averageGap) ? [.averageGap] : [])
    guard let retrained, let scores = Evaluator.scores(measurements), let aim = Evaluator.scores(retrained) else {
      return measurements
    }
    return measurements + evaluator.compare(scores, to: aim, wanted)
  }

  /// Accuracy and loss on the validation set, during a run.
  func validate(_ model: ImageClassifier) throws -> [Measurement] {
    let outputs = try outputs(of: model, on: [.validation])
    return try evaluator.measure([.va, .validationLoss], outputs: outputs, cancel: cancel)
  }

  /// RTE of these seconds, where the recipe asks for it.
  func runTime(seconds: Double) -> [Measurement] {
    plan.evaluate.metrics.contains(.rte) ? [evaluator.runTime(seconds: seconds)] : []
  }
}

extension SampleSet {
  fileprivate var part: Split.Part {
    switch self {
    case .forget: .forget
    case .retain: .retain
    case .test: .test
    case .validation: .validation
    }
  }
}

extension MetricName {
  /// What is to be measured of a model for this word of the recipe, on the sets it names.
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
    case .miaThreshold: [.miaThreshold]
    case .tow, .averageGap, .rte: []
    }
  }
}

extension Measurement {
  /// As events and reports hold it.
  var metricValue: MetricValue {
    MetricValue(
      id: protocolID, name: metric.heading, value: value, unit: metric.unit, direction: metric.direction,
      set: metric.part.flatMap { SampleSet(rawValue: $0.rawValue) }, samples: samples, seed: seed, setHash: setHash)
  }
}

extension Metric {
  fileprivate var heading: String {
    switch self {
    case .ua: "UA"
    case .fa: "acc(forget)"
    case .ra: "RA"
    case .ta: "TA"
    case .va: "VA"
    case .forgetLoss: "loss(forget)"
    case .retainLoss: "loss(retain)"
    case .testLoss: "loss(test)"
    case .validationLoss: "loss(validation)"
    case .miaSVC: "MIA"
    case .miaThreshold: "MIA(threshold)"
    case .tow: "ToW"
    case .averageGap: "Avg. gap"
    case .rte: "RTE"
    }
  }

  fileprivate var unit: String {
    switch self {
    case .ua, .fa, .ra, .ta, .va, .miaSVC, .miaThreshold, .averageGap: "%"
    case .rte: "min"
    case .forgetLoss, .retainLoss, .testLoss, .validationLoss, .tow: ""
    }
  }

  fileprivate var direction: MetricDirection {
    switch self {
    case .ua, .fa, .ra, .ta, .forgetLoss, .retainLoss, .testLoss, .miaSVC, .miaThreshold: .retrained
    case .va, .tow: .higher
    case .validationLoss, .averageGap, .rte: .lower
    }
  }
}
