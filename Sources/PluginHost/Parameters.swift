extension StrategyManifest {
  /// The value of every parameter in manifest order: what is given, else the default, else `none`.
  ///
  /// - Throws: `parameter` for an unknown key, a wrong type, a value out of range, and a required one that is missing.
  package func values(_ given: [(key: String, value: ParameterValue)]) throws(PluginError) -> [ParameterValue] {
    for entry in given where !parameters.contains(where: { $0.key == entry.key }) {
      let keys = parameters.map(\.key)
      throw .parameter(
        strategy: id, key: entry.key, .unknown(nearest: nearestWords(to: entry.key, in: keys).first, known: keys))
    }
    var values: [ParameterValue] = []
    for parameter in parameters {
      guard let written = given.last(where: { $0.key == parameter.key })?.value, written != .none else {
        guard !parameter.isRequired else { throw .parameter(strategy: id, key: parameter.key, .missing) }
        values.append(parameter.defaultValue)
        continue
      }
      guard let value = parameter.converted(written) else {
        throw .parameter(strategy: id, key: parameter.key, .wrongType(wanted: parameter.type.words))
      }
      if let problem = parameter.problem(with: value) {
        throw .parameter(strategy: id, key: parameter.key, problem)
      }
      values.append(value)
    }
    return values
  }
}

extension ParameterManifest {
  /// The value in this parameter's type; whole numbers are numbers.
  func converted(_ value: ParameterValue) -> ParameterValue? {
    switch (type, value) {
    case (.bool, .bool), (.int, .int), (.float, .float), (.string, .string): value
    case (.float, .int(let number)): .float(Double(number))
    default: nil
    }
  }

  /// What is wrong with a value of the right type, or nil.
  func problem(with value: ParameterValue) -> ParameterProblem? {
    switch value {
    case .int(let number): range(Double(number), "\(number)")
    case .float(let number): range(number, "\(number)")
    case .string(let text):
      choices.isEmpty || choices.contains(text)
        ? nil
        : .notOneOf(found: text, choices: choices, nearest: nearestWords(to: text, in: choices).first)
    case .bool, .none: nil
    }
  }

  private func range(_ number: Double, _ written: String) -> ParameterProblem? {
    guard number.isFinite else { return .notFinite }
    let isInside = number >= (minimum ?? -.infinity) && number <= (maximum ?? .infinity)
    return isInside ? nil : .outOfRange(found: written, minimum: minimum, maximum: maximum)
  }
}

/// The words nearest to one, best first: those that a few letters left out, added, changed or swapped turn into it.
func nearestWords(to word: String, in words: [String]) -> [String] {
  let limit = max(2, word.count / 3)
  return words.map { (word: $0, distance: distance(word, $0)) }
    .filter { $0.distance <= limit && $0.distance < max(word.count, $0.word.count) }
    .sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }
    .map(\.word)
}

/// Letters to leave out, add, change or swap with their neighbour (optimal string alignment). Case, '-' and '_' are one.
private func distance(_ first: String, _ second: String) -> Int {
  let a = Array(first.lowercased().map { $0 == "-" ? "_" : $0 })
  let b = Array(second.lowercased().map { $0 == "-" ? "_" : $0 })
  var rows = [Array(0...b.count)]
  for (i, letter) in a.enumerated() {
    var row = [i + 1]
    for (j, other) in b.enumerated() {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (letter == other ? 0 : 1))
      if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other { best = min(best, rows[i - 1][j - 1] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
