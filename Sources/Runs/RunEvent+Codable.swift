import Foundation

extension RunEvent {
  private enum Keys: String, CodingKey {
    case type, seconds, phase, cached, duration, model, metrics, step, file, message, plugin, level, signal, reason
  }

  /// The event as a line of `events.jsonl`, without the line feed.
  package func jsonLine() -> String {
    Tree.encoding(self).json()
  }

  /// Reads a line that `jsonLine()` wrote.
  package init(jsonLine line: some StringProtocol, file: String, number: Int) throws(RunError) {
    do {
      self = try RunEvent.decoder().decode(RunEvent.self, from: Data(line.utf8))
    } catch let error as DecodingError {
      throw .unreadableEvent(file: file, line: number, reason: RunError.reason(error))
    } catch {
      throw .unreadableEvent(file: file, line: number, reason: "\(error)")
    }
  }

  /// Reads a whole `events.jsonl`. A last line without its line feed, cut off by a crash, is left out.
  package static func read(_ text: String, file: String) throws(RunError) -> [RunEvent] {
    var events: [RunEvent] = []
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    lines.removeLast()
    for (index, line) in lines.enumerated() where !line.isEmpty {
      events.append(try RunEvent(jsonLine: line, file: file, number: index + 1))
    }
    return events
  }

  /// A JSON decoder that knows how numbers are written that are no numbers.
  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(what.type, forKey: .type)
    try container.encode(seconds, forKey: .seconds)
    switch what {
    case .runStarted(let start): try start.encode(to: encoder)
    case .splitReady(let split): try split.encode(to: encoder)
    case .phaseStarted(let phase): try container.encode(phase, forKey: .phase)
    case .phaseFinished(let phase, let seconds, let isCached):
      try container.encode(phase, forKey: .phase)
      try container.encode(seconds, forKey: .duration)
      try container.encode(isCached, forKey: .cached)
    case .progress(let progress): try progress.encode(to: encoder)
    case .stepLosses(let losses): try losses.encode(to: encoder)
    case .evaluated(let model, let metrics):
      try container.encode(model, forKey: .model)
      try container.encode(metrics, forKey: .metrics)
    case .histogram(let histogram): try histogram.encode(to: encoder)
    case .classes(let numbers): try numbers.encode(to: encoder)
    case .referenceCurve(let curve): try curve.encode(to: encoder)
    case .maskDensity(let density): try density.encode(to: encoder)
    case .changed(let change): try change.encode(to: encoder)
    case .swapped(let swap): try swap.encode(to: encoder)
    case .checkpointed(let step, let file):
      try container.encode(step, forKey: .step)
      try container.encode(file, forKey: .file)
    case .warning(let message): try container.encode(message, forKey: .message)
    case .log(let plugin, let level, let message):
      try container.encode(plugin, forKey: .plugin)
      try container.encode(level, forKey: .level)
      try container.encode(message, forKey: .message)
    case .interrupted(let signal, let step):
      try container.encode(signal, forKey: .signal)
      try container.encode(step, forKey: .step)
    case .stoppedOnNaN(let step, let reason):
      try container.encode(step, forKey: .step)
      try container.encode(reason, forKey: .reason)
    case .finished(let end): try end.encode(to: encoder)
    }
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    seconds = try container.decode(Double.self, forKey: .seconds)
    switch try container.decode(String.self, forKey: .type) {
    case "run-started": what = .runStarted(try RunStart(from: decoder))
    case "split-ready": what = .splitReady(try SplitSummary(from: decoder))
    case "phase-started": what = .phaseStarted(try container.decode(Phase.self, forKey: .phase))
    case "phase-finished":
      what = .phaseFinished(
        try container.decode(Phase.self, forKey: .phase), seconds: try container.decode(Double.self, forKey: .duration),
        cached: try container.decode(Bool.self, forKey: .cached))
    case "progress": what = .progress(try Progress(from: decoder))
    case "step-losses": what = .stepLosses(try StepLosses(from: decoder))
    case "evaluated":
      what = .evaluated(
        try container.decode(MeasuredModel.self, forKey: .model),
        try container.decode([MetricValue].self, forKey: .metrics))
    case "histogram": what = .histogram(try LossHistogram(from: decoder))
    case "classes": what = .classes(try ClassNumbers(from: decoder))
    case "reference-curve": what = .referenceCurve(try ReferenceCurve(from: decoder))
    case "mask-density": what = .maskDensity(try MaskDensity(from: decoder))
    case "changed": what = .changed(try ChangeRecord(from: decoder))
    case "swapped": what = .swapped(try SwapRecord(from: decoder))
    case "checkpointed":
      what = .checkpointed(
        step: try container.decode(Int.self, forKey: .step), file: try container.decode(String.self, forKey: .file))
    case "warning": what = .warning(try container.decode(String.self, forKey: .message))
    case "log":
      what = .log(
        plugin: try container.decode(String.self, forKey: .plugin),
        level: try container.decode(String.self, forKey: .level),
        message: try container.decode(String.self, forKey: .message))
    case "interrupted":
      what = .interrupted(
        signal: try container.decode(Int32.self, forKey: .signal), step: try container.decode(Int.self, forKey: .step))
    case "stopped-on-nan":
      what = .stoppedOnNaN(
        step: try container.decode(Int.self, forKey: .step), reason: try container.decode(String.self, forKey: .reason))
    case "finished": what = .finished(try RunEnd(from: decoder))
    case let type:
      throw DecodingError.dataCorruptedError(forKey: .type, in: container, debugDescription: "no event '\(type)'")
    }
  }
}

extension RunEvent.What {
  /// The word in the event's `type`.
  package var type: String {
    switch self {
    case .runStarted: "run-started"
    case .splitReady: "split-ready"
    case .phaseStarted: "phase-started"
    case .phaseFinished: "phase-finished"
    case .progress: "progress"
    case .stepLosses: "step-losses"
    case .evaluated: "evaluated"
    case .histogram: "histogram"
    case .classes: "classes"
    case .referenceCurve: "reference-curve"
    case .maskDensity: "mask-density"
    case .changed: "changed"
    case .swapped: "swapped"
    case .checkpointed: "checkpointed"
    case .warning: "warning"
    case .log: "log"
    case .interrupted: "interrupted"
    case .stoppedOnNaN: "stopped-on-nan"
    case .finished: "finished"
    }
  }

  /// Whether the event belongs in `events.jsonl`; the others are for terminals.
  package var isWritten: Bool {
    if case .progress = self { false } else { true }
  }
}
