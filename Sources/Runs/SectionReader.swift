/// Reads the values of one map of a recipe, with the place of each in every error.
struct SectionReader {
  /// The map; empty when it was left out.
  let entries: [Written.Entry]
  /// Where the map is in the recipe, `pipeline.optimizer`; empty for the recipe itself.
  let path: String
  /// Where it was written, for keys that are missing.
  let place: Place

  /// Takes a map apart; null and a map left out have no keys.
  ///
  /// - Parameters:
  ///   - section: the keys there are; any other is an error. Nil: the caller looks at every key.
  init(_ written: Written?, path: String, in section: RecipeSection?, missingAt place: Place) throws(RunError) {
    self.path = path
    self.place = written?.place ?? place
    if let written, !written.isNull {
      guard let entries = written.entries else {
        throw .wrongType(written.place, key: path, expected: "a map of keys", found: written.words)
      }
      self.entries = entries
    } else {
      entries = []
    }
    guard let section else { return }
    let known = section.keys.map(\.name)
    for entry in entries where !known.contains(entry.key) {
      throw .unknownKey(
        entry.place, key: entry.key, section: path, nearest: nearest(to: entry.key, in: known), known: known)
    }
  }

  /// The value of a key; nil when it was left out or is null.
  subscript(key: String) -> Written? {
    guard let value = entries.first(where: { $0.key == key })?.value, !value.isNull else { return nil }
    return value
  }

  /// Whether null was written for a key.
  func isNull(_ key: String) -> Bool { entries.first { $0.key == key }?.value.isNull ?? false }

  /// The whole path of a key.
  func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The map under a key.
  func section(_ key: String, _ section: RecipeSection?) throws(RunError) -> SectionReader {
    let written = entries.first { $0.key == key }?.value
    return try SectionReader(written, path: name(key), in: section, missingAt: place)
  }

  /// True or false.
  func bool(_ key: String, default fallback: Bool) throws(RunError) -> Bool {
    guard let written = self[key] else { return fallback }
    guard case .scalar(.bool(let value)) = written.content else { throw wrong(written, key, "true or false") }
    return value
  }

  /// Text.
  func string(_ key: String) throws(RunError) -> String? {
    guard let written = self[key] else { return nil }
    return try string(written, key)
  }

  /// Text of a value at hand.
  func string(_ written: Written, _ key: String) throws(RunError) -> String {
    guard case .scalar(.string(let value)) = written.content else { throw wrong(written, key, "text") }
    return value
  }

  /// A whole number in a range.
  func int(_ key: String, in range: ClosedRange<Int>) throws(RunError) -> Int? {
    guard let written = self[key] else { return nil }
    return try int(written, key, in: range)
  }

  /// A whole number in a range, of a value at hand.
  func int(_ written: Written, _ key: String, in range: ClosedRange<Int>) throws(RunError) -> Int {
    guard case .scalar(.int(let found)) = written.content else { throw wrong(written, key, "a whole number") }
    guard let value = Int(exactly: found), range.contains(value) else {
      let allowed =
        range.upperBound == .max
        ? "at least \(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
      throw .outOfRange(written.place, key: name(key), value: "\(found)", allowed: allowed)
    }
    return value
  }

  /// A seed: a whole number from 0.
  func seed(_ key: String, default fallback: UInt64) throws(RunError) -> UInt64 {
    try int(key, in: 0...Int.max).map(UInt64.init) ?? fallback
  }

  /// A finite number that `isAllowed`; the words say which are.
  func double(
    _ key: String, _ allowed: String, where isAllowed: (Double) -> Bool
  ) throws(RunError) -> Double? {
    guard let written = self[key] else { return nil }
    return try double(written, key, allowed, where: isAllowed)
  }

  /// The same of a value at hand.
  func double(
    _ written: Written, _ key: String, _ allowed: String, where isAllowed: (Double) -> Bool
  ) throws(RunError) -> Double {
    let value: Double
    switch written.content {
    case .scalar(.float(let found)): value = found
    case .scalar(.int(let found)): value = Double(found)
    default: throw wrong(written, key, "a number")
    }
    guard value.isFinite, isAllowed(value) else {
      throw .outOfRange(written.place, key: name(key), value: written.tree.flow, allowed: allowed)
    }
    return value
  }

  /// A share (at least 0, under 1) or a number of samples (from 1).
  func amount(_ key: String, default fallback: AmountPlan?, zero isZeroAllowed: Bool) throws(RunError) -> AmountPlan? {
    guard let written = self[key] else { return fallback }
    let allowed =
      isZeroAllowed
      ? "a fraction of at least 0 and under 1, or a whole number of samples"
      : "a fraction above 0 and under 1, or a whole number of at least 1"
    switch written.content {
    case .scalar(.int(let count)):
      guard let count = Int(exactly: count), count >= (isZeroAllowed ? 0 : 1) else {
        throw .outOfRange(written.place, key: name(key), value: written.words, allowed: allowed)
      }
      return .count(count)
    case .scalar(.float(let share)):
      guard share < 1, share > 0 || (isZeroAllowed && share == 0) else {
        throw .outOfRange(written.place, key: name(key), value: written.words, allowed: allowed)
      }
      return share == 0 ? .count(0) : .fraction(share)
    default: throw wrong(written, key, "a number")
    }
  }

  /// One of the words of a type.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ key: String, _ type: Choice.Type
  ) throws(RunError) -> Choice? {
    guard let written = self[key] else { return nil }
    return try choice(written, key, type)
  }

  /// The same of a value at hand.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ written: Written, _ key: String, _ type: Choice.Type
  ) throws(RunError) -> Choice {
    let choices = Choice.allCases.map(\.rawValue)
    guard case .scalar(.string(let word)) = written.content else {
      throw wrong(written, key, "one of \(choices.joined(separator: ", "))")
    }
    guard let choice = Choice(rawValue: word) else {
      throw .notAChoice(
        written.place, key: name(key), value: word, choices: choices, nearest: nearest(to: word, in: choices))
    }
    return choice
  }

  /// The items of a list.
  func list(_ key: String, of what: String) throws(RunError) -> [Written]? {
    guard let written = self[key] else { return nil }
    guard case .list(let items) = written.content else { throw wrong(written, key, "a list of \(what)") }
    return items
  }

  /// A number of epochs or steps.
  func interval(_ key: String) throws(RunError) -> Interval? {
    guard let written = self[key] else { return nil }
    guard case .scalar(.string(let text)) = written.content, let interval = Interval(text: text) else {
      throw wrong(written, key, "'N epochs' or 'N steps'")
    }
    return interval
  }

  /// Refuses a key that does not go with another.
  func refuse(_ key: String, with other: String, hint: String) throws(RunError) {
    guard let entry = entries.first(where: { $0.key == key }), !entry.value.isNull else { return }
    throw .doesNotGoWith(entry.place, key: name(key), other: other, hint: hint)
  }

  private func wrong(_ written: Written, _ key: String, _ expected: String) -> RunError {
    .wrongType(written.place, key: name(key), expected: expected, found: written.words)
  }
}
