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

  /// The line with its end.
  var line: String {
    guard let data = try? JSONEncoder().encode(self) else { preconditionFailure("a message is plain values") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
