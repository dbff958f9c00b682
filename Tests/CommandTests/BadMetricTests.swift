import Foundation
import Testing

/// What the command says, and ends with, when metrics are asked for that cannot be had.
@Suite struct BadMetricTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let change: [String]
    let code: Int32
    let message: String

    init(_ change: String..., code: Int32 = 65, says message: String) {
      self.change = change
      self.code = code
      self.message = message
    }

    var testDescription: String { change.joined(separator: " ") }
  }

  static let all: [Case] = [
    Case("evaluate.metrics=[mia-svc-entrophy]", says: "did you mean 'mia-svc-entropy'?"),
    Case("evaluate.metrics=[agreement, ua, agreement]", says: "'evaluate.metrics' has 'agreement' twice"),
    Case("retrained=none", "evaluate.metrics=[agreement]", says: "the metric 'agreement' needs a retrained model"),
    Case(
      "retrained=none", "evaluate.metrics=[weight-distance]",
      says: "the metric 'weight-distance' needs a retrained model"),
    Case(
      "evaluate.sets=[forget, retain]", "evaluate.metrics=[mia-svc-probabilities]",
      says: "the metric 'mia-svc-probabilities' needs the test set, which 'evaluate.sets' leaves out"),
    Case(
      "evaluate.sets=[test]", "evaluate.metrics=[relearn]",
      says: "needs the forget set, which 'evaluate.sets' leaves out"),
    Case("evaluate.metrics=[relearn]", "evaluate.relearn.cap=0", says: "'evaluate.relearn.cap' is 0; it must be"),
    Case("evaluate.metrics=[relearn]", "evaluate.relearn.margin=100", says: "it must be at least 0 and under 100"),
    Case("evaluate.metrics=[ua]", "evaluate.relearn.cap=5", says: "add 'relearn' to 'evaluate.metrics'"),
    Case("evaluate.metrics=[ua]", "evaluate.table=[rte]", says: "needs the same word in 'evaluate.metrics'"),
    Case(
      "data.train=120", "evaluate.metrics=[mia-svc-correctness]",
      says: "mia-svc-correctness needs as many retain samples as test samples"),
  ]

  @Test(arguments: all) func `a metric that cannot be had is refused with what would be right`(_ example: Case) throws {
    let answer = try Command().small("run", example.change)
    #expect(answer.code == example.code, "\(answer.err)")
    #expect(answer.err.contains(example.message), "\(answer.err)")
    #expect(answer.out.isEmpty)
  }

  /// Those that compare classifiers, and the attacks.
  static let metrics = [
    "agreement", "js-divergence", "weight-distance", "weights-moved", "per-class", "relearn", "tow", "average-gap",
    "mia-svc-correctness", "mia-svc-entropy", "mia-svc-modified-entropy", "mia-svc-modified-entropy-published",
    "mia-svc-probabilities", "mia-threshold",
  ]

  @Test(arguments: metrics) func `ten ways to ask for a metric wrongly are refused by name`(_ metric: String) throws {
    let wrong = metric.replacing("-", with: "_") + "s"
    let ways: [([String], String)] = [
      (["evaluate.metrics=[\(wrong)]"], "'\(wrong)'"),
      (["evaluate.metrics=[\(metric.uppercased())]"], "did you mean '\(metric)'?"),
      (["evaluate.metrics=[ua, \(metric), \(metric)]"], "'evaluate.metrics' has '\(metric)' twice"),
      (["evaluate.metrics=[{\(metric): 1}]"], "evaluate.metrics"),
      (["evaluate.metrics={\(metric): true}"], "evaluate.metrics"),
      (["evaluate.metrics=[[\(metric)]]"], "evaluate.metrics"),
      (["evaluate.metrics=[\(metric)@acc]"], "'\(metric)@acc'"),
      (["evaluate.metrics=[ua]", "evaluate.table=[\(metric)]"], "'evaluate.table'"),
      (["evaluate.metrics=[\(metric)]", "evaluate.table=[\(metric), \(metric)]"], "'evaluate.table'"),
      (["evaluate.metrics=[\(metric)]", "evaluate.sets=[]"], "'evaluate.sets' needs at least one set"),
      (["evaluate.metrics=[\(metric)]", "evaluate.sets=[forget, forget]"], "'evaluate.sets' has 'forget' twice"),
    ]
    for (changes, message) in ways {
      let answer = try Command().small("plan", changes)
      #expect(answer.code == 65 && answer.out.isEmpty, "\(changes): \(answer.code) \(answer.err)")
      #expect(answer.err.contains(message), "\(changes): \(answer.err)")
    }
  }

  @Test func `sets that cannot be measured on the way are refused`() throws {
    for (changes, message) in [
      (["evaluate.during=[test]"], "'evaluate.during' needs 'evaluate.every', which says how often"),
      (["evaluate.every=1 epoch", "evaluate.during=[]"], "'evaluate.during' needs at least one set"),
      (["evaluate.every=1 epoch", "evaluate.during=[tests]"], "did you mean 'test'?"),
      (
        ["evaluate.every=1 epoch", "evaluate.during=[validation]", "data.validation=0"],
        "the set 'validation' needs a validation set"
      ),
    ] {
      let answer = try Command().small("plan", changes)
      #expect(answer.code == 65 && answer.err.contains(message), "\(changes): \(answer.err)")
    }
    let command = try Command()
    let answer = try command.small("run", ["evaluate.every=1 epoch", "evaluate.during=[forget, test]"])
    #expect(answer.code == 0, "\(answer.err)")
    let events = String(decoding: try command.runFile("events.jsonl"), as: UTF8.self)
    let measured = events.split(separator: "\n").filter { $0.contains("\"model\":\"step ") }
    #expect(measured.count == 2 && measured.allSatisfy { $0.contains("\"ta@") && $0.contains("\"ua@") }, "\(measured)")
  }

  @Test func `outputs that overflow end with 75, the metric, the set and the sample`() throws {
    let command = try Command()
    #expect(try command.small("run").code == 0)
    // One weight of the last layer that makes a logit infinite for every image.
    var bytes = try command.runFile("unlearned.safetensors")
    try overwrite("fc.weight", in: &bytes, with: 3e38)
    try bytes.write(to: command.folder.appendingPathComponent("broken.safetensors"))
    let words = ["weights=broken.safetensors", "evaluate.metrics=[agreement]", "--output", "audits"]
    let answer = try command.small("evaluate", words)
    #expect(answer.code == 75, "\(answer.err)")
    #expect(answer.err.contains("agreement-forget met a value that is not finite at sample 0 of the forget set"))
  }

  /// Sets all numbers of a tensor of a safetensors file.
  private func overwrite(_ name: String, in bytes: inout Data, with value: Float) throws {
    let length = bytes.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: bytes.subdata(in: 8..<8 + length)) as? [String: Any])
    let entry = try #require(header[name] as? [String: Any])
    let place = try #require(entry["data_offsets"] as? [Int])
    let pattern = withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    for offset in stride(from: 8 + length + place[0], to: 8 + length + place[1], by: 4) {
      bytes.replaceSubrange(offset..<offset + 4, with: pattern)
    }
  }
}
