import Contract
import Foundation

/// A line that a process of a check writes to the one that started it.
struct ProbeMessage: Codable {
  /// The job that begins.
  var begin: String?
  /// What came of one rule.
  var outcome: Outcome?
  /// Whether all jobs are done.
  var isDone: Bool?
  /// The number of the life that begins.
  var life: UInt64?
  /// What is done in it next.
  var deed: String?
  /// What a life brought to light.
  var finding: PluginFuzzer.Finding?
  /// Why nothing can be done, and the exit code for it.
  var failure: String?
  var code: Int32?

  /// The message of a line; nil for a line that is none.
  init?(line: String) {
    guard let message = try? JSONDecoder().decode(ProbeMessage.self, from: Data(line.utf8)) else { return nil }
    self = message
  }

  init(begin: String? = nil, outcome: Outcome? = nil, isDone: Bool? = nil) {
    self.begin = begin
    self.outcome = outcome
    self.isDone = isDone
  }

  init(
    life: UInt64? = nil, deed: String? = nil, finding: PluginFuzzer.Finding? = nil, failure: String? = nil,
    code: Int32? = nil
  ) {
    self.code = code
    self.life = life
    self.deed = deed
    self.finding = finding
    self.failure = failure
  }

  /// The line with its end.
  var line: String {
    guard let data = try? JSONEncoder().encode(self) else { preconditionFailure("a message is plain values") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
