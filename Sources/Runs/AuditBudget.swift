/// What an audit costs, told before it begins.
package struct AuditBudget: Sendable, Equatable, Codable {
  /// Models of one kind.
  package struct Row: Sendable, Equatable, Codable {
    /// `target`, `shadow`, `original`, `retrained`.
    package var kind: String
    /// How many there are, how many of them are done, and how many of the others are trained already.
    package var count, cached, trained: Int
    /// Samples that one is trained on, in the mean.
    package var samples: Int
    /// Passes over them.
    package var epochs: Int
    /// Whether it is made to forget afterwards.
    package var unlearns: Bool
    /// Seconds that a cached one took, in the mean; nil where there is none.
    package var seconds: Double?

    /// Makes a row of all its values.
    package init(
      kind: String, count: Int, cached: Int, trained: Int, samples: Int, epochs: Int, unlearns: Bool, seconds: Double?
    ) {
      self.kind = kind
      self.count = count
      self.cached = cached
      self.trained = trained
      self.samples = samples
      self.epochs = epochs
      self.unlearns = unlearns
      self.seconds = seconds
    }
  }

  /// A row a kind of model.
  package var rows: [Row]
  /// Trainable numbers of a model.
  package var parameters: Int
  /// Processes side by side, one thread each.
  package var processes: Int
  /// Audited samples by set.
  package var samples: [String: Int]

  /// Makes a budget of all its values.
  package init(rows: [Row], parameters: Int, processes: Int, samples: [String: Int]) {
    self.rows = rows
    self.parameters = parameters
    self.processes = processes
    self.samples = samples
  }

  /// Models that are still to be made, at least in part.
  package var open: Int { rows.reduce(0) { $0 + $1.count - $1.cached } }

  /// Seconds until all are made, from what done ones took; nil where none is done. A kind of which none is done counts by
  /// its samples and epochs, and those that are trained already as if they were not.
  package var seconds: Double? {
    let known = rows.filter { $0.seconds != nil }
    let work = known.reduce(0) { $0 + Double($1.samples * $1.epochs) }
    guard open > 0, work > 0 else { return open == 0 ? 0 : nil }
    let perSample = known.reduce(0) { $0 + ($1.seconds ?? 0) } / work
    let total = rows.reduce(0) { sum, row in
      sum + Double(row.count - row.cached) * (row.seconds ?? perSample * Double(row.samples * row.epochs))
    }
    return total / Double(min(processes, open))
  }

  /// The budget for a person.
  package var text: String {
    let lines = rows.map { row in
      "  \(row.count) × \(row.kind): \(row.samples) samples, \(row.epochs) epochs"
        + (row.unlearns ? ", then unlearning" : "") + (row.cached > 0 ? "; \(row.cached) done" : "")
        + (row.trained > 0 ? "; \(row.trained) trained already" : "")
    }
    let sets = samples.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    let time =
      open == 0
      ? "no time: all are there"
      : seconds.map { "about \(NumberText.duration($0))" } ?? "unknown until the first model is made"
    return
      "budget: \(open) models of \(parameters) parameters to make, \(processes) at a time, one thread each; \(time)\n"
      + lines.joined(separator: "\n") + "\n  audited samples: \(sets)"
  }
}
