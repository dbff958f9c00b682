/// A run's events as a TensorBoard event file tells them.
///
/// Tags: `train/loss/<term>`, `train/learning_rate` and `train/weights/<term>` (a histogram) of steps; `mask/share`;
/// `<metric>/<set>` of the model that is changing, whose last point is the unlearned one; `<metric>/<set>/original` and
/// `<metric>/<set>/retrained` beside it. Steps never fall within a tag.
package struct TensorBoardTranscript {
  /// Optimizer steps done.
  private var step = 0
  /// The last step of each tag of measurements.
  private var measured: [String: Int] = [:]

  package init() {}

  /// What a file's name begins with; TensorBoard looks for the second half.
  package static let prefix = "events.out.tfevents."

  /// The bytes that a file begins with.
  ///
  /// - Parameter wallTime: seconds since 1970.
  package static func opening(wallTime: Double) -> [UInt8] { TensorBoardRecord.version(wallTime: wallTime) }

  /// The bytes to append for an event; none where TensorBoard has nothing to show of it.
  ///
  /// - Parameter wallTime: seconds since 1970.
  package mutating func bytes(of event: RunEvent.What, wallTime: Double) -> [UInt8] {
    switch event {
    case .runStarted(let start):
      step = start.resumedAt ?? 0
      measured = [:]
      return TensorBoardRecord.sessionStart(step: start.resumedAt.map { $0 + 1 } ?? 0, wallTime: wallTime)
    case .stepLosses(let losses):
      step = losses.step
      return record(losses.terms.flatMap(values) + [("train/learning_rate", .scalar(losses.learningRate))], wallTime)
    case .evaluated(let model, let metrics):
      if case .step(let number) = model { step = number }
      // The end of a run measures what its last epoch may have measured already.
      let new = metrics.map { (tag: tag($0, of: model), value: $0.value) }.filter { measured[$0.tag] != step }
      for (tag, _) in new { measured[tag] = step }
      return record(new.map { ($0.tag, .scalar($0.value)) }, wallTime)
    case .maskDensity(let mask):
      step = mask.step
      let kept = mask.parameters.reduce(0) { $0 + $1.kept }
      let total = mask.parameters.reduce(0) { $0 + $1.total }
      return total > 0 ? record([("mask/share", .scalar(Double(kept) / Double(total)))], wallTime) : []
    case .finished(let end):
      step = end.steps
      return []
    case .splitReady, .phaseStarted, .phaseFinished, .progress, .histogram, .classes, .referenceCurve, .changed,
      .swapped, .checkpointed,
      .warning,
      .log, .interrupted, .stoppedOnNaN:
      return []
    }
  }

  private func record(_ values: [(tag: String, value: TensorBoardRecord.Value)], _ wallTime: Double) -> [UInt8] {
    values.isEmpty ? [] : TensorBoardRecord.summary(step: step, wallTime: wallTime, values)
  }

  private func values(_ term: TermLoss) -> [(tag: String, value: TensorBoardRecord.Value)] {
    let loss = (tag: "train/loss/\(term.name)", value: TensorBoardRecord.Value.scalar(term.mean))
    guard let bins = term.weightBins else { return [loss] }
    return [loss, (tag: "train/weights/\(term.name)", value: .histogram(edges: bins.edges, counts: bins.counts))]
  }

  private func tag(_ metric: MetricValue, of model: MeasuredModel) -> String {
    // The protocol behind the at sign would make a tag nobody can read; sets tell equal metrics apart.
    let name = String(metric.id.prefix { $0 != "@" })
    let set = metric.set.map(\.rawValue) ?? ""
    let short = name.hasSuffix("-\(set)") && !set.isEmpty ? String(name.dropLast(set.count + 1)) : name
    let base = set.isEmpty ? short : "\(short)/\(set)"
    return switch model {
    case .step, .unlearned: base
    case .original, .retrained: "\(base)/\(model.text)"
    }
  }
}
