import Learning
import Runs
import Tensors

/// The last phase of a run: measures the original, the retrained and the unlearned model, and says how they compare.
struct Measuring {
  let plan: RunPlan
  let shared: Workbench.Shared
  let cancel: CancelFlag
  let reporter: Reporter

  private var evaluation: Evaluation {
    Evaluation(plan: plan, data: shared.data, cancel: cancel, reporter: reporter)
  }

  /// Measures and says it in events; the original and the retrained model only where no earlier run of the workbench did.
  ///
  /// - Parameters:
  ///   - model: the unlearned one; nil where nothing was unlearned.
  ///   - seconds: what the unlearning took; nil where there was none.
  func carryOut(_ model: TrainableModel?, seconds: Double?) throws {
    let references = [(MeasuredModel.retrained, shared.retrained), (.original, shared.original)]
    let models =
      references.compactMap { name, model in
        shared.measured[name] == nil ? model.map { (name: name, model: $0) } : nil
      } + (model.map { [(.unlearned, $0)] } ?? [])
    // All passes first, then what compares models: attacks go on meanwhile, on threads of their own.
    var pending: [(name: MeasuredModel, model: TrainableModel, found: PendingMeasured)] = []
    for (name, model) in models {
      let plugins = try PluginMetrics(plan, shared, model, named: name, cancel: cancel, reporter: reporter)
      pending.append((name, model, try evaluation.begin(model, plugins: plugins)))
    }
    var outputs = shared.measured.mapValues(\.outputs)
    for (name, _, found) in pending { outputs[name] = found.outputs }
    let compared = try pending.map { try compare($0.name, $0.model, outputs) }
    var unlearned: Measured?
    for (entry, compared) in zip(pending, compared) {
      let measured = Measured(
        measurements: try entry.found.measurements.finish(cancel: cancel), compared: compared,
        outputs: kept(entry.found.outputs, of: entry.name), classes: try evaluation.classScores(entry.found.outputs),
        earlier: try evaluation.earlierForgetSets(of: entry.model), plugins: entry.found.plugins)
      if entry.name == .unlearned { unlearned = measured } else { shared.measured[entry.name] = measured }
    }
    if let original = shared.measured[.original] { try say(.original, original) }
    if let retrained = shared.measured[.retrained] { try say(.retrained, retrained) }
    if let unlearned { try say(.unlearned, unlearned, seconds.map { evaluation.runTime(seconds: $0) } ?? []) }
  }

  /// Later runs compare with what the retrained model says of every class; of the others nobody needs that any more.
  private func kept(_ outputs: [Split.Part: SetOutputs], of model: MeasuredModel) -> [Split.Part: SetOutputs] {
    model == .retrained ? outputs : outputs.mapValues(\.withoutPredictions)
  }

  private func say(_ name: MeasuredModel, _ measured: Measured, _ more: [Learning.Measurement] = []) throws {
    let gaps = shared.measured[.retrained].map { evaluation.gaps(measured.measurements, to: $0.measurements) } ?? []
    let all = measured.measurements + gaps + measured.compared + more
    try reporter.say(
      .evaluated(name, all.map { $0.metricValue(in: plan.evaluate.table) } + measured.plugins + measured.earlier))
    for set in plan.evaluate.sets {
      if let outputs = measured.outputs[set.part] {
        try reporter.say(.histogram(LossHistogram(of: outputs.losses, model: name, set: set)))
      }
      if let scores = measured.classes[set.part] { try reporter.say(.classes(numbers(scores, name, set))) }
    }
  }

  private func numbers(_ scores: [ClassScore], _ model: MeasuredModel, _ set: SampleSet) -> ClassNumbers {
    ClassNumbers(
      model: model, set: set,
      classes: zip(shared.data.classNames, scores).map { name, score in
        ClassNumbers.Row(name: name, samples: score.samples, accuracy: score.accuracy, loss: score.loss)
      }, seed: plan.seed, setHash: shared.data.split.hash(of: set.part))
  }

  // MARK: Comparing models

  private func compare(
    _ name: MeasuredModel, _ model: TrainableModel, _ outputs: [MeasuredModel: [Split.Part: SetOutputs]]
  ) throws -> [Learning.Measurement] {
    var measured: [Learning.Measurement] = []
    if let ours = outputs[name], let retrained = outputs[.retrained] {
      measured += try evaluation.likeness(ours, to: retrained)
    }
    measured += try weights(name, model)
    if let relearn = plan.evaluate.relearn, let ours = outputs[name]?[.forget],
      let original = outputs[.original]?[.forget]
    {
      measured += try self.relearn(relearn, name, model, from: ours.accuracy, to: original.accuracy)
    }
    return measured
  }

  private func weights(_ name: MeasuredModel, _ model: TrainableModel) throws -> [Learning.Measurement] {
    let evaluator = evaluation.evaluator
    var measured: [Learning.Measurement] = []
    if plan.evaluate.metrics.contains(.weightDistance), let retrained = shared.retrained,
      let comparison = try comparison(.weightDistance, name, model, to: retrained)
    {
      let distance = try comparison.distance()
      measured += [
        evaluator.measurement(.weightDistance, distance.absolute),
        evaluator.measurement(.relativeWeightDistance, distance.relative),
      ]
    }
    if plan.evaluate.metrics.contains(.weightsMoved),
      let comparison = try comparison(.weightsMoved, name, model, to: shared.original)
    {
      measured.append(evaluator.measurement(.weightsMoved, try comparison.moved()))
    }
    return measured
  }

  /// Nil, with a warning, where the models have weights of different shapes.
  private func comparison(
    _ metric: MetricName, _ name: MeasuredModel, _ model: TrainableModel, to other: TrainableModel
  ) throws -> WeightComparison? {
    do {
      return try WeightComparison(model, named: "the \(name.text) model", to: other)
    } catch {
      try reporter.say(.warning("'\(metric.rawValue)' is left out: \(error)"))
      return nil
    }
  }

  private func relearn(
    _ relearn: RelearnPlan, _ name: MeasuredModel, _ model: TrainableModel, from now: Double, to original: Double
  ) throws -> [Learning.Measurement] {
    let relearning = Relearning(
      plan: plan, relearn: relearn, evaluation: evaluation, cancel: cancel, reporter: reporter)
    switch try relearning.carryOut(model, from: now, to: original - relearn.margin) {
    case .known(let steps):
      return [evaluation.evaluator.measurement(.relearn, Double(steps), protocolID: relearn.protocolID)]
    case .givenUp(let steps):
      return [
        evaluation.evaluator.measurement(.relearn, Double(steps), protocolID: relearn.protocolID, isCapped: true)
      ]
    case .diverged(let step):
      try reporter.say(
        .warning(
          "'relearn' is left out: the loss of the \(name.text) model is not a finite number after \(step) steps; "
            + "try a lower evaluate.relearn.learning_rate"))
      return []
    }
  }
}
