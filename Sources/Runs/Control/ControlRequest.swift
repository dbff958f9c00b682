import Foundation

/// What somebody asks of a run that goes on: one JSON object on a line, at most ``longest`` bytes.
package struct ControlRequest: Sendable, Equatable, Codable {
  /// What is asked.
  package enum Verb: String, Sendable, Codable, CaseIterable {
    /// Where the run stands.
    case status
    /// Wait before the next step.
    case pause
    /// Go on.
    case resume
    /// Another learning rate, or other values of tunable parameters.
    case set
    /// Other parts.
    case swap
    /// Save the state and the weights, and go on.
    case snapshot
    /// Save the state and end.
    case stop
  }

  /// The most bytes a request may have, its line feed aside.
  package static let longest = 65536

  /// What is asked.
  package var verb: Verb
  /// With `set` and `swap`: what changes, as an entry of `swaps` in a recipe without its `at`, in YAML on one line.
  package var change: String?
  /// How the user wrote it, for messages.
  package var words: String
  /// The folder that relative paths in `change` start from, absolute.
  package var folder: String?

  enum CodingKeys: String, CodingKey {
    case verb = "do"
    case change, words, folder
  }

  /// Asks for something that changes no part.
  package init(_ verb: Verb) {
    self.verb = verb
    words = verb.rawValue
  }

  /// Asks for what the words of a command line say.
  ///
  /// - Parameters:
  ///   - words: after `swap`: `ROLE=PLUGIN`, `ROLE=PLUGIN,key=value`, `ROLE={plugin: PLUGIN, key: value}`, `ROLE=none`;
  ///     after `set`: `pipeline.optimizer.learning_rate=0.01`, `pipeline.ROLE.KEY=VALUE`.
  ///   - folder: where relative paths start, absolute.
  package init(_ verb: Verb, words: [String], folder: String) throws(RunError) {
    self.verb = verb
    self.words = ([verb.rawValue] + words).joined(separator: " ")
    self.folder = folder
    guard verb == .swap || verb == .set else {
      if let word = words.first {
        throw .badRequest(word, reason: "'\(verb.rawValue)' takes nothing after it")
      }
      return
    }
    guard !words.isEmpty else {
      throw .badRequest(
        verb.rawValue,
        reason: verb == .swap
          ? "it needs ROLE=PLUGIN, as in 'swap reweighter=ID,KEY=0.1'"
          : "it needs PATH=VALUE, as in 'set pipeline.optimizer.learning_rate=0.001'")
    }
    change = try verb == .swap ? ControlRequest.swap(words) : ControlRequest.settings(words)
  }

  private static func halves(_ word: String) throws(RunError) -> (key: String, value: String) {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
      throw .badRequest(word, reason: "there is no '='")
    }
    return (String(word[..<equals]), String(word[word.index(after: equals)...]))
  }

  private static func swap(_ words: [String]) throws(RunError) -> String {
    var entries: [String] = []
    for word in words {
      let (role, value) = try halves(word)
      let roles = ["objective", "reweighter", "mask", "updater", "schedule"]
      guard roles.contains(role) else {
        throw .badRequest(
          word, reason: "there is no '\(role)' to swap\(RunError.suggestion(nearest(to: role, in: roles)))")
      }
      entries.append("\(role): \(try part(value, of: word))")
    }
    return "{\(entries.joined(separator: ", "))}"
  }

  /// `ID,key=value` as YAML; what is YAML already stays.
  private static func part(_ value: String, of word: String) throws(RunError) -> String {
    if value == "none" { return "null" }
    guard value.contains(","), !value.hasPrefix("{") else { return value }
    let pieces = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    var entries = ["plugin: \(pieces[0])"]
    for piece in pieces.dropFirst() {
      guard let equals = piece.firstIndex(of: "=") else {
        throw .badRequest(word, reason: "'\(piece)' is no KEY=VALUE")
      }
      entries.append("\(piece[..<equals]): \(piece[piece.index(after: equals)...])")
    }
    return "{\(entries.joined(separator: ", "))}"
  }

  private static func settings(_ words: [String]) throws(RunError) -> String {
    var rate: [String] = []
    var tuned: [(role: String, values: [String])] = []
    for word in words {
      let (path, value) = try halves(word)
      let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      if keys == ["pipeline", "optimizer", "learning_rate"] {
        rate = ["learning_rate: \(value)"]
      } else if keys.count == 3, keys[0] == "pipeline", ["objective", "reweighter", "updater"].contains(keys[1]) {
        let entry = "\(keys[2]): \(value)"
        if let index = tuned.firstIndex(where: { $0.role == keys[1] }) {
          tuned[index].values.append(entry)
        } else {
          tuned.append((keys[1], [entry]))
        }
      } else {
        throw .badRequest(
          word,
          reason: "'\(path)' does not change during a run; pipeline.optimizer.learning_rate and the tunable parameters "
            + "pipeline.objective.KEY, pipeline.reweighter.KEY and pipeline.updater.KEY do")
      }
    }
    let roles = tuned.map { "\($0.role): {\($0.values.joined(separator: ", "))}" }
    return "{\((rate + (roles.isEmpty ? [] : ["tune: {\(roles.joined(separator: ", "))}"])).joined(separator: ", "))}"
  }
}

extension ControlRequest {
  /// The request as it is sent, with its line feed.
  package func line() -> String { Tree.encoding(self).json() + "\n" }

  /// Reads a line that came from a socket: anybody may have written it.
  package init(line: some Collection<UInt8>) throws(RunError) {
    guard line.count <= ControlRequest.longest else {
      throw .badRequest("a request", reason: "it has more than \(ControlRequest.longest) bytes")
    }
    do {
      self = try JSONDecoder().decode(ControlRequest.self, from: Data(line))
    } catch let error as DecodingError {
      throw .badRequest("a request", reason: RunError.reason(error))
    } catch {
      throw .badRequest("a request", reason: "it is no JSON")
    }
  }
}

/// What a run answers.
package struct ControlReply: Sendable, Equatable, Codable {
  /// Whether it was done, or will be.
  package var isDone: Bool
  /// What was done or will be, or why not. One line.
  package var message: String
  /// Where the run stands.
  package var status: ControlStatus?

  enum CodingKeys: String, CodingKey {
    case isDone = "ok"
    case message, status
  }

  /// Makes an answer of its parts.
  package init(isDone: Bool, message: String, status: ControlStatus? = nil) {
    self.isDone = isDone
    self.message = message
    self.status = status
  }

  /// The answer as it is sent, with its line feed.
  package func line() -> String { Tree.encoding(self).json() + "\n" }

  /// Reads a line that `line()` wrote; nil for anything else.
  package init?(line: some Collection<UInt8>) {
    guard let reply = try? RunEvent.decoder().decode(ControlReply.self, from: Data(line)) else { return nil }
    self = reply
  }
}

/// Where a run stands.
package struct ControlStatus: Sendable, Equatable, Codable {
  /// The run's name.
  package var name: String
  /// The process.
  package var process: Int32
  /// What it does now.
  package var phase: Phase
  /// Whether it waits to be told to go on.
  package var isPaused: Bool
  /// Optimizer steps done.
  package var step: Int
  /// Optimizer steps in all; 0 before they are known.
  package var steps: Int
  /// Epochs done.
  package var epoch: Int
  /// Epochs in all.
  package var epochs: Int
  /// The parts in force by role, with their parameters.
  package var parts: [String: String]

  enum CodingKeys: String, CodingKey {
    case name, process, phase
    case isPaused = "paused"
    case step, steps, epoch, epochs, parts
  }

  /// A run that has not come to its steps.
  package init(name: String, process: Int32, phase: Phase, parts: PipelinePlan?) {
    self.name = name
    self.process = process
    self.phase = phase
    isPaused = false
    step = 0
    steps = 0
    epoch = 0
    epochs = 0
    self.parts = parts?.texts ?? [:]
  }
}

extension PipelinePlan {
  /// The parts by role, each as a recipe would have it on one line.
  package var texts: [String: String] {
    var texts = ["objective": objective.text, "schedule": schedule.rawValue]
    texts["learning_rate"] = Tree.float(optimizer.learningRate).flow
    switch reweighter {
    case .part(let part)?: texts["reweighter"] = part.text
    case .function(let function)?: texts["reweighter"] = function.symbol
    case nil: break
    }
    texts["mask"] = mask?.part.text
    texts["updater"] = updater?.text
    return texts
  }
}

extension PartPlan {
  /// The id, with parameters where there are some.
  package var text: String {
    guard !parameters.entries.isEmpty else { return id }
    return "\(id) (\(parameters.entries.map { "\($0.key) \($0.value.tree.flow)" }.joined(separator: ", ")))"
  }
}
