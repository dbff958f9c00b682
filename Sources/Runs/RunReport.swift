package import Foundation

/// How a run ended.
package enum RunOutcome: String, Sendable, Codable, CaseIterable {
  /// It is done.
  case finished
  /// A signal stopped it; it can go on.
  case interrupted
  /// A number that is none stopped it.
  case stoppedOnNaN = "stopped-on-nan"
  /// Its record ends without saying how: it runs still, or it crashed and can go on from its last checkpoint.
  case open
}

/// What a run was and what came out: the sum of its events, `report.json`.
package struct RunReport: Sendable, Equatable, Codable {
  /// What the run was called.
  package var name: String
  /// Which of a recipe's methods it was.
  package var variant: String?
  /// The seed of unlearning.
  package var seed: UInt64
  /// SHA-256 of the plan's canonical JSON.
  package var planHash: String
  /// What made the original and the retrained model, as SHA-256 by model; the same for runs that share them.
  package var origins: [String: String]
  /// How it ended.
  package var outcome: RunOutcome
  /// Versions by name, and what the machine is.
  package var versions: [String: String]
  /// Every plugin that was in use, by its bytes.
  package var plugins: [PluginUse]
  /// How samples were split.
  package var split: SplitSummary?
  /// What each phase took, in order.
  package var phases: [PhaseRecord]
  /// Optimizer steps taken.
  package var steps: Int
  /// Seconds of the unlearning alone.
  package var unlearnSeconds: Double?
  /// What was measured: original, retrained, unlearned.
  package var models: [ModelRecord]
  /// What was measured during the run, in order.
  package var history: [ModelRecord]
  /// What the steps computed that were read: every fiftieth, the last of every epoch, and the
  /// last of every epoch that has samples to forget.
  package var losses: [StepLosses]
  /// How the losses of each set lie under each model.
  package var histograms: [LossHistogram]
  /// Accuracy and loss of each class, once for each model and set.
  package var classes: [ClassNumbers]
  /// How the original model's losses depend on the timestep, once for each set that a plugin asked about.
  package var referenceCurves: [ReferenceCurve]
  /// Which weights might move, once for each mask that was made.
  package var masks: [MaskDensity]
  /// Parts that changed during the run.
  package var swaps: [SwapRecord]
  /// What the user should know.
  package var warnings: [String]
  /// Why it stopped, when it did so on a number that is none.
  package var stopReason: String?
  /// Files in the run's folder by what they are.
  package var files: [String: String]

  enum CodingKeys: String, CodingKey {
    case name, variant, seed
    case planHash = "plan_hash"
    case origins, outcome, versions, plugins, split, phases, steps
    case unlearnSeconds = "unlearn_seconds"
    case models, history, losses, histograms, classes
    case referenceCurves = "reference_curves"
    case masks, swaps, warnings
    case stopReason = "stop_reason"
    case files
  }
}

/// What a phase took.
package struct PhaseRecord: Sendable, Equatable, Codable {
  /// The phase.
  package var phase: Phase
  /// Seconds, over all times a run went on.
  package var seconds: Double
  /// Whether an earlier run's result served.
  package var cached: Bool
}

/// What was measured on a model.
package struct ModelRecord: Sendable, Equatable, Codable {
  /// The model.
  package var model: MeasuredModel
  /// The numbers.
  package var metrics: [MetricValue]

  /// Makes a record of its two halves.
  package init(model: MeasuredModel, metrics: [MetricValue]) {
    self.model = model
    self.metrics = metrics
  }

  /// The number of that protocol.
  package subscript(id: String) -> MetricValue? { metrics.first { $0.id == id } }
}

extension RunReport {
  /// Sums up events. Those of a run that went on stand in one list, each part beginning with `runStarted`.
  ///
  /// - Parameter file: where the events come from, for the error when their first is no `runStarted`.
  package init(folding events: [RunEvent], file: String = "events.jsonl") throws(RunError) {
    guard case .runStarted(let start) = events.first?.what else { throw .noBeginning(file: file) }
    self.init(
      name: start.name, variant: start.variant, seed: start.seed, planHash: start.planHash,
      origins: start.origins ?? [:], outcome: .open, versions: start.versions, plugins: start.plugins, split: nil,
      phases: [], steps: 0, unlearnSeconds: nil, models: [], history: [], losses: [], histograms: [], classes: [],
      referenceCurves: [], masks: [], swaps: [], warnings: [], stopReason: nil,
      files: [:])
    for event in events { add(event.what) }
  }

  private mutating func add(_ what: RunEvent.What) {
    switch what {
    case .runStarted(let start):
      outcome = .open
      versions = start.versions
      // What came after the checkpoint that a run goes on from happens once more.
      if let step = start.resumedAt { forget(after: step) }
    case .splitReady(let summary): split = summary
    case .phaseFinished(let phase, let seconds, let isCached): add(phase, seconds, isCached)
    case .stepLosses(let losses): add(losses)
    case .evaluated(let model, let metrics): add(ModelRecord(model: model, metrics: metrics))
    case .histogram(let histogram):
      histograms.removeAll { $0.model == histogram.model && $0.set == histogram.set }
      histograms.append(histogram)
    case .classes(let numbers):
      classes.removeAll { $0.model == numbers.model && $0.set == numbers.set }
      classes.append(numbers)
    case .referenceCurve(let curve):
      referenceCurves.removeAll { $0.set == curve.set && $0.plugin == curve.plugin }
      referenceCurves.append(curve)
    case .maskDensity(let density):
      masks.removeAll { $0.step == density.step }
      masks.append(density)
    case .swapped(let swap):
      swaps.append(swap)
      plugins += swap.plugins.filter { !plugins.contains($0) }
    case .warning(let message):
      if !warnings.contains(message) { warnings.append(message) }
    case .interrupted(_, let step):
      outcome = .interrupted
      steps = step
    case .stoppedOnNaN(let step, let reason):
      outcome = .stoppedOnNaN
      steps = step
      stopReason = reason
    case .finished(let end):
      outcome = .finished
      steps = end.steps
      unlearnSeconds = end.unlearnSeconds
      files = end.files
    case .phaseStarted, .progress, .checkpointed, .changed, .log: break
    }
  }

  private mutating func forget(after step: Int) {
    steps = step
    losses.removeAll { $0.step > step }
    masks.removeAll { $0.step > step }
    swaps.removeAll { $0.step > step }
    history.removeAll { record in
      if case .step(let number) = record.model { number > step } else { false }
    }
  }

  private mutating func add(_ phase: Phase, _ seconds: Double, _ isCached: Bool) {
    if let index = phases.firstIndex(where: { $0.phase == phase }) {
      phases[index].seconds += seconds
      phases[index].cached = phases[index].cached && isCached
    } else {
      phases.append(PhaseRecord(phase: phase, seconds: seconds, cached: isCached))
    }
  }

  private mutating func add(_ record: StepLosses) {
    steps = max(steps, record.step)
    losses.removeAll { $0.step == record.step }
    losses.append(record)
  }

  private mutating func add(_ record: ModelRecord) {
    if case .step = record.model {
      history.removeAll { $0.model == record.model }
      history.append(record)
    } else if let index = models.firstIndex(where: { $0.model == record.model }) {
      models[index] = record
    } else {
      models.append(record)
    }
  }

  /// What was measured on that model.
  package subscript(model model: MeasuredModel) -> ModelRecord? { models.first { $0.model == model } }

  /// The report as `report.json` holds it.
  package func json() -> String {
    Tree.encoding(self).prettyJSON()
  }

  /// Reads what `json()` wrote.
  package init(json data: Data, file: String) throws(RunError) {
    do {
      self = try RunEvent.decoder().decode(RunReport.self, from: data)
    } catch let error as DecodingError {
      throw .unreadablePlan(file: file, reason: RunError.reason(error))
    } catch {
      throw .unreadablePlan(file: file, reason: "\(error)")
    }
  }
}
