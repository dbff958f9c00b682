import Testing

@testable import Runs

@Suite struct EventTests {
  static let start = RunStart(
    planHash: "12ab", name: "toy", variant: "SalUn", seed: 3, versions: ["lethe": "0.1.0", "libtorch": "2.11.0"],
    plugins: [PluginUse(role: .mask, id: "salun", version: "0.1.0", sha256: "cd")])

  static func metric(
    _ id: String, _ value: Double, _ direction: MetricDirection = .retrained, unit: String = "%"
  ) -> MetricValue {
    MetricValue(
      id: id, name: id.uppercased(), value: value, unit: unit, direction: direction, set: .forget, samples: 10, seed: 1,
      setHash: "0123456789abcdef")
  }

  static let all: [RunEvent.What] = [
    .runStarted(start),
    .splitReady(SplitSummary(samples: ["forget": 10, "retain": 80, "test": 20], classes: 10, hash: "ef")),
    .phaseStarted(.base), .phaseFinished(.base, seconds: 1.5, cached: true),
    .progress(Progress(phase: .base, done: 3, total: 10, rate: 1.5, unit: "images", loss: 0.5)),
    .progress(Progress(phase: .evaluate, done: 3, total: 10, rate: 0, unit: "images")),
    .stepLosses(
      StepLosses(
        step: 4, epoch: 1,
        terms: [
          TermLoss(name: "forget", mean: 2.5, samples: 8, weights: [0.5, 1.5]),
          TermLoss(name: "retain", mean: .nan, samples: 8),
        ], learningRate: 0.01)),
    .evaluated(.step(4), [metric("ra@acc", 99)]), .evaluated(.original, []),
    .histogram(LossHistogram(of: [0, 0.5, 0.5, 3], model: .unlearned, set: .forget)),
    .evaluated(
      .unlearned,
      [
        MetricValue(
          id: "relearn@x", name: "relearn", value: 500, unit: "steps", direction: .retrained, set: .forget,
          isCapped: true, isDetail: true)
      ]),
    .classes(
      ClassNumbers(
        model: .unlearned, set: .forget,
        classes: [
          ClassNumbers.Row(name: "cat", samples: 4, accuracy: 75, loss: 0.5),
          ClassNumbers.Row(name: "dog", samples: 0, accuracy: nil, loss: nil),
        ], seed: 3, setHash: "0123456789abcdef")),
    .maskDensity(
      MaskDensity(step: 0, plugin: "salun", parameters: [ParameterDensity(name: "fc.weight", kept: 3, total: 8)])),
    .referenceCurve(
      ReferenceCurve(
        set: .forget, plugin: "loreun", timesteps: 1000, points: [ReferenceCurve.Point(timestep: 100, loss: 0.25)],
        fit: ReferenceCurve.Fit(a: 1, b: 2, c: 0.5, floor: 0.001))),
    .swapped(SwapRecord(step: 5, epoch: 1, roles: ["mask": "none"], plugins: [])),
    .checkpointed(step: 5, file: "checkpoint.safetensors"), .warning("few samples"),
    .log(plugin: "salun", level: "info", message: "a \"word\"\n"), .interrupted(signal: 2, step: 5),
    .stoppedOnNaN(step: 6, reason: "the loss of 'forget' is nan"),
    .finished(RunEnd(steps: 9, unlearnSeconds: 2.5, files: ["weights": "unlearned.safetensors"])),
  ]

  @Test func `every event is a line of JSON, and the golden file shows it`() throws {
    let lines = EventTests.all.enumerated().map { RunEvent(seconds: Double($0.offset) / 2, $0.element).jsonLine() }
    try expectGolden(lines.joined(separator: "\n") + "\n", "events.jsonl")
  }

  @Test(arguments: EventTests.all.indices)
  func `an event that is written and read is the same`(_ index: Int) throws {
    let event = RunEvent(seconds: 0.25, EventTests.all[index])
    let line = event.jsonLine()
    let read = try RunEvent(jsonLine: line, file: "events.jsonl", number: 1)
    #expect(read.jsonLine() == line)
    // Not-a-number is unequal to itself, and only this event has one.
    if case .stepLosses = event.what { return }
    #expect(read == event)
  }

  @Test func `only progress stays out of the file`() {
    #expect(EventTests.all.filter { !$0.isWritten }.map(\.type) == ["progress", "progress"])
  }

  @Test func `a last line cut off by a crash is left out, any other is an error`() throws {
    let line = RunEvent(seconds: 1, .warning("x")).jsonLine()
    #expect(try RunEvent.read("\(line)\n\(line)\n{\"type\":\"wa", file: "events.jsonl").count == 2)
    #expect(try RunEvent.read("", file: "events.jsonl").isEmpty)
    #expect { try RunEvent.read("\(line)\n{\"type\":\"wa\n\(line)\n", file: "events.jsonl") } throws: {
      "\($0)".hasPrefix("events.jsonl:2: not an event: ")
    }
    #expect { try RunEvent.read("{\"type\":\"x\",\"seconds\":1}\n", file: "events.jsonl") } throws: {
      "\($0)" == "events.jsonl:1: not an event: 'type': no event 'x'"
    }
  }
}
