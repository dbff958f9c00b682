import Foundation
import Runs

/// Shows events to the person who waits: a dashboard, a bar that is redrawn on a terminal, or plain lines.
final class Screen {
  /// How much is shown.
  enum Mode {
    /// Bars on a terminal, lines otherwise.
    case full
    /// Warnings only.
    case quiet
  }

  private let mode: Mode
  private let live: LiveTerminal?
  private let isTerminal: Bool
  private var line = ProgressLine(label: "")
  private var hasBar = false
  private var lastShown: ContinuousClock.Instant?
  private let clock = ContinuousClock()

  /// - Parameter live: the dashboard to show everything on.
  init(mode: Mode, isTerminal: Bool = Output.isTerminal, live: LiveTerminal? = nil) {
    self.mode = mode
    self.isTerminal = isTerminal
    self.live = live
  }

  /// Names the run that the next events are of.
  func name(_ label: String) { line.label = label }

  /// Shows an event.
  func show(_ event: RunEvent) {
    live?.add(event.what)
    switch event.what {
    case .warning(let message): tell("warning: \(message)", always: true)
    case .log(let plugin, let level, let message): tell("\(plugin): \(level): \(message)", always: level != "info")
    case .progress(let progress): show(progress)
    case .phaseStarted: lastShown = nil
    case .phaseFinished(let phase, let seconds, let isCached):
      tell("\(line.label)\(phase.rawValue.padding(8)) \(isCached ? "reused" : NumberText.duration(seconds))")
    case .splitReady(let split):
      let counts = ["forget", "retain", "validation", "test"].compactMap { name in
        split.samples[name].map { "\($0) \(name)" }
      }
      tell("\(line.label)samples: \(counts.joined(separator: ", "))")
    case .evaluated(.step(let step), let metrics):
      let numbers = metrics.map { "\($0.name) \(NumberText.fixed($0.value, 2))\($0.unit.isEmpty ? "" : " \($0.unit)")" }
      tell("\(line.label)step \(step): \(numbers.joined(separator: ", "))")
    case .changed(let change):
      tell("\(line.label)step \(change.step): '\(change.words)' at \(change.swap.at.text)")
    case .swapped(let swap):
      let roles = swap.roles.sorted { $0.key < $1.key }.map { "\($0.key) is now \($0.value)" }
      tell("\(line.label)step \(swap.step): \(roles.joined(separator: ", "))")
    case .runStarted(let start):
      if let step = start.resumedAt { tell("\(line.label)going on after step \(step)") }
    case .stepLosses, .evaluated, .histogram, .classes, .referenceCurve, .maskDensity, .checkpointed, .interrupted,
      .stoppedOnNaN,
      .finished:
      break
    }
  }

  /// Writes a line above the bar.
  func tell(_ text: String, always: Bool = false) {
    guard mode == .full || always else { return }
    if let live { return live.tell(text) }
    clear()
    Output.tell(text + "\n")
  }

  /// Draws a line in the place of the bar; on a terminal only, at most ten times a second.
  func bar(_ text: String) {
    guard mode == .full, isTerminal else { return }
    let now = clock.now
    if let lastShown, now - lastShown < .milliseconds(100) { return }
    lastShown = now
    Output.tell("\r\(text.prefix(max(0, Output.width - 1)))\u{1B}[K")
    hasBar = true
  }

  /// Takes the dashboard or the bar away, so that something else can be written.
  func clear() {
    live?.close()
    guard hasBar else { return }
    Output.tell("\r\u{1B}[K")
    hasBar = false
  }

  private func show(_ progress: Runs.Progress) {
    guard mode == .full, live == nil else { return }
    let now = clock.now
    // Ten times a second is as often as anyone reads; a log gets a line every ten seconds.
    let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
    guard isTerminal || lastShown != nil else {
      lastShown = now
      return
    }
    if let lastShown, now - lastShown < pause { return }
    lastShown = now
    if isTerminal {
      Output.tell("\r\(line.bar(progress, columns: Output.width))\u{1B}[K")
      hasBar = true
    } else {
      Output.tell(line.plain(progress) + "\n")
    }
  }
}
