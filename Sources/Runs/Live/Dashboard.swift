/// What `lethe run --live` shows of a run: events in, lines of text out.
package struct Dashboard: Sendable {
  /// What a curve is of; the order in which curves stand.
  private enum Kind: Int { case loss, metric, weights, rate }

  /// The state of a phase that has not ended.
  private static let isRunning = "…"

  /// A curve over steps.
  private struct Curve {
    let kind: Kind
    let name: String
    var points: [(step: Int, value: Double, text: String)] = []
    /// The latest number.
    var text: String { points.last?.text ?? "" }
  }

  private var title = "lethe"
  private var seed: UInt64?
  private var phases: [(phase: Phase, state: String)] = []
  private var progress: Progress?
  private var curves: [Curve] = []
  private var messages: [String] = []

  package init() {}

  /// Takes in what happened.
  package mutating func add(_ event: RunEvent.What) {
    switch event {
    case .runStarted(let start):
      title = start.variant.map { "\(start.name) · \($0)" } ?? start.name
      seed = start.seed
      phases = []
      progress = nil
      // What came after the checkpoint that a run goes on from happens once more.
      let done = start.resumedAt ?? 0
      for index in curves.indices { curves[index].points.removeAll { $0.step > done } }
      curves.removeAll(where: \.points.isEmpty)
    case .phaseStarted(let phase):
      progress = nil
      set(phase, Dashboard.isRunning)
    case .phaseFinished(let phase, let seconds, let isCached):
      set(phase, isCached ? "reused" : NumberText.duration(seconds))
    // Measuring on the way has a progress of its own, too short to be of interest.
    case .progress(let progress):
      if phases.last(where: { $0.state == Dashboard.isRunning })?.phase ?? progress.phase == progress.phase {
        self.progress = progress
      }
    case .stepLosses(let losses): add(losses)
    case .evaluated(.step(let step), let metrics):
      for metric in metrics {
        let unit = metric.unit.isEmpty ? "" : " \(metric.unit)"
        add(.metric, metric.name, step, metric.value, NumberText.metric(metric.value, unit: metric.unit) + unit)
      }
    case .evaluated, .splitReady, .histogram, .classes, .referenceCurve, .maskDensity, .changed, .swapped,
      .checkpointed, .warning, .log,
      .interrupted, .stoppedOnNaN, .finished:
      break
    }
  }

  /// Takes in a line for the person who watches.
  package mutating func say(_ message: String) {
    messages.append(message)
    if messages.count > 100 { messages.removeFirst() }
  }

  private mutating func set(_ phase: Phase, _ state: String) {
    if let index = phases.firstIndex(where: { $0.phase == phase }) {
      phases[index].state = state
    } else {
      phases.append((phase, state))
    }
  }

  private mutating func add(_ losses: StepLosses) {
    for term in losses.terms {
      add(.loss, "\(term.name) loss", losses.step, term.mean, NumberText.fixed(term.mean, 4))
      guard let weights = term.weights, weights.count == 2 else { continue }
      let text = "\(NumberText.fixed(weights[0], 2))–\(NumberText.fixed(weights[1], 2))"
      add(.weights, "\(term.name) weights", losses.step, weights[1], text)
    }
    add(.rate, "learning rate", losses.step, losses.learningRate, Scale.short(losses.learningRate))
  }

  private mutating func add(_ kind: Kind, _ name: String, _ step: Int, _ value: Double, _ text: String) {
    let index: Int
    if let known = curves.firstIndex(where: { $0.kind == kind && $0.name == name }) {
      index = known
    } else {
      index = curves.lastIndex { $0.kind.rawValue <= kind.rawValue }.map { $0 + 1 } ?? 0
      curves.insert(Curve(kind: kind, name: name), at: index)
    }
    curves[index].points.append((step, value, text))
  }

  // MARK: Lines

  /// The dashboard for a terminal of this size, at most `rows` lines of at most `columns` characters each. What there is
  /// no room for is left out, the least needed first: older messages, then curves from the last one on.
  ///
  /// - Parameter seconds: how long it has been running.
  package func lines(columns: Int, rows: Int, seconds: Double) -> [String] {
    var lines = [heading(columns, seconds), phaseLine(columns), "", progressLine(columns)]
    if !curves.isEmpty { lines += [""] + curveLines(columns) }
    let room = rows - lines.count - 1
    if room > 0, !messages.isEmpty { lines += [""] + messages.suffix(room) }
    return lines.prefix(max(rows, 0)).map { String(Dashboard.printable($0).prefix(max(columns, 0))) }
  }

  private func heading(_ columns: Int, _ seconds: Double) -> String {
    let left = title + (seed.map { " · seed \($0)" } ?? "")
    let time = NumberText.duration(seconds)
    for right in ["Ctrl-C saves and stops   \(time)", time] where left.count + right.count + 2 <= columns {
      return left + String(repeating: " ", count: columns - left.count - right.count) + right
    }
    return left
  }

  /// The phases so far; where they do not fit, the latest ones.
  private func phaseLine(_ columns: Int) -> String {
    var line = ""
    for (phase, state) in phases.reversed() {
      let text = "\(phase.rawValue) \(state)"
      let longer = line.isEmpty ? text : "\(text) · \(line)"
      guard longer.count <= columns else { break }
      line = longer
    }
    return line
  }

  private func progressLine(_ columns: Int) -> String {
    if let progress { return ProgressLine(label: "").bar(progress, columns: columns) }
    return phases.last { $0.state == Dashboard.isRunning }.map { "\($0.phase.rawValue) …" } ?? ""
  }

  private func curveLines(_ columns: Int) -> [String] {
    let names = min(curves.map(\.name.count).max() ?? 0, max(columns / 3, 8))
    let numbers = curves.map(\.text.count).max() ?? 0
    // The range of a curve is a help, not a need.
    let ranges = columns >= 70 ? curves.map { Dashboard.range($0.points.map(\.value)) } : curves.map { _ in "" }
    let reserved = names + numbers + 4 + (ranges.map { $0.isEmpty ? 0 : $0.count + 2 }.max() ?? 0)
    let width = min(max(columns - reserved, 0), 60)
    return zip(curves, ranges).map { curve, range in
      let name = curve.name.count > names ? curve.name.prefix(names - 1) + "…" : curve.name
      let number = String(repeating: " ", count: numbers - curve.text.count) + curve.text
      let spark = Sparkline.text(curve.points.map(\.value), width: width)
      return "\(name.padding(names))  \(number)  " + (range.isEmpty ? spark : "\(spark.padding(width))  \(range)")
    }
  }

  /// The lowest and the highest value; empty where they are the same.
  private static func range(_ values: [Double]) -> String {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max(), low < high else { return "" }
    return "\(Scale.short(low)) … \(Scale.short(high))"
  }

  /// The text without what a terminal would take for a command.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
