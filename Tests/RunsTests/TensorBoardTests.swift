import Foundation
import Testing

@testable import Runs

@Suite struct TensorBoardTests {
  // MARK: Bytes

  /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test(
    arguments: [
      (Array(repeating: 0, count: 32), 0x8A91_36AA), (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E), (Array((0..<32).reversed()), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283),
      ([], 0),
    ] as [([UInt8], UInt32)])
  func `checksums are those of the standard`(_ bytes: [UInt8], _ checksum: UInt32) {
    #expect(CRC32C.checksum(bytes) == checksum)
  }

  @Test func `records are byte for byte those of the tensorboard package`() throws {
    let fixture = try Fixture.read()
    #expect(hex(TensorBoardRecord.version(wallTime: 1_700_000_000.25)) == fixture.version)
    #expect(hex(TensorBoardRecord.sessionStart(step: 8, wallTime: 1_700_000_000.5)) == fixture.start)
    #expect(
      hex(
        TensorBoardRecord.summary(
          step: 300, wallTime: 1_700_000_001.5,
          [("train/loss/forget", .scalar(2.5)), ("va/ü", .scalar(-0.1)), ("nan", .scalar(.nan))]))
        == fixture.scalars)
    #expect(
      hex(
        TensorBoardRecord.summary(
          step: 4_294_967_297, wallTime: 2,
          [("train/weights/retain", .histogram(edges: [0.5, 1, 1.5, 2], counts: [4, 0, 3]))]))
        == fixture.histogram)
  }

  @Test func `a frame holds its length, its data and a checksum of each`() throws {
    let frame = TensorBoardRecord.framed(Array("hello".utf8))
    #expect(frame.count == 8 + 4 + 5 + 4)
    #expect(Array(frame[0..<8]) == [5, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(frame[12..<17]) == Array("hello".utf8))
    var damaged = frame
    damaged[13] ^= 1
    #expect(littleEndianBytes(CRC32C.masked(damaged[12..<17])) != Array(damaged[17...]))
    #expect(littleEndianBytes(CRC32C.masked(frame[12..<17])) == Array(frame[17...]))
  }

  private struct Fixture: Decodable {
    let version, start, scalars, histogram: String

    static func read() throws -> Fixture {
      try JSONDecoder().decode(
        Fixture.self, from: Data(contentsOf: testsFolder.appendingPathComponent("Fixtures/tensorboard.json")))
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  // MARK: A run

  @Test func `an event of steps gives a loss a term, the rate, and a histogram of weights where there are any`() {
    var transcript = TensorBoardTranscript()
    let terms = [
      TermLoss(name: "forget", mean: 2, weights: [0.5, 1, 1.5]), TermLoss(name: "retain", mean: 0.25, samples: 3),
    ]
    let bytes = transcript.bytes(
      of: .stepLosses(StepLosses(step: 50, epoch: 0, terms: terms, learningRate: 0.1)), wallTime: 1)
    let bins = terms[0].weightBins
    #expect(bins?.counts.reduce(0, +) == 3)
    #expect(
      bytes
        == TensorBoardRecord.summary(
          step: 50, wallTime: 1,
          [
            ("train/loss/forget", .scalar(2)),
            ("train/weights/forget", .histogram(edges: bins?.edges ?? [], counts: bins?.counts ?? [])),
            ("train/loss/retain", .scalar(0.25)), ("train/learning_rate", .scalar(0.1)),
          ]))
  }

  @Test func `tags are grouped by metric and set, and reference models stand beside the run's own`() {
    var transcript = TensorBoardTranscript()
    func metric(_ id: String, _ set: SampleSet?) -> MetricValue {
      MetricValue(id: id, name: "x", value: 1, direction: .retrained, set: set)
    }
    let metrics = [
      metric("ua@100-acc", .forget), metric("loss-forget@mean-cross-entropy", .forget), metric("mia-svc@a,b=1", nil),
    ]
    func tags(_ model: MeasuredModel, _ step: Int) -> [UInt8] {
      let end = model == .retrained ? "/retrained" : ""
      return TensorBoardRecord.summary(
        step: step, wallTime: 0,
        ["ua/forget\(end)", "loss/forget\(end)", "mia-svc\(end)"].map { ($0, .scalar(1)) })
    }
    #expect(transcript.bytes(of: .evaluated(.step(20), metrics), wallTime: 0) == tags(.step(20), 20))
    _ = transcript.bytes(of: .finished(RunEnd(steps: 30, unlearnSeconds: 1, files: [:])), wallTime: 0)
    #expect(transcript.bytes(of: .evaluated(.retrained, metrics), wallTime: 0) == tags(.retrained, 30))
    #expect(transcript.bytes(of: .evaluated(.unlearned, metrics), wallTime: 0) == tags(.unlearned, 30))
  }

  @Test func `a tag has one point a step`() {
    var transcript = TensorBoardTranscript()
    func bytes(_ model: MeasuredModel) -> [UInt8] {
      let metric = MetricValue(id: "va@acc", name: "VA", value: 1, direction: .higher, set: .validation)
      return transcript.bytes(of: .evaluated(model, [metric]), wallTime: 0)
    }
    #expect(!bytes(.step(20)).isEmpty)
    #expect(bytes(.unlearned).isEmpty)
    #expect(!bytes(.original).isEmpty && !bytes(.step(21)).isEmpty)
  }

  @Test func `a run that goes on begins its session after the step it goes on from`() {
    var transcript = TensorBoardTranscript()
    var start = EventTests.start
    #expect(
      transcript.bytes(of: .runStarted(start), wallTime: 0) == TensorBoardRecord.sessionStart(step: 0, wallTime: 0))
    start.resumedAt = 7
    #expect(
      transcript.bytes(of: .runStarted(start), wallTime: 0) == TensorBoardRecord.sessionStart(step: 8, wallTime: 0))
  }

  @Test(
    arguments: [
      .warning("x"), .log(plugin: "a", level: "info", message: "b"), .phaseStarted(.mask), .evaluated(.unlearned, []),
      .progress(Progress(phase: .unlearn, done: 1, total: 2, rate: 1, unit: "steps")),
    ] as [RunEvent.What])
  func `what TensorBoard cannot show writes nothing`(_ event: RunEvent.What) {
    var transcript = TensorBoardTranscript()
    #expect(transcript.bytes(of: event, wallTime: 0).isEmpty)
  }
}
