/// Reads one object of a manifest: every key by name and type, with its place for messages.
struct ManifestReader {
  private let members: [JSONMember]
  private let place: String
  private var asked: Set<String> = []

  init(_ value: JSONValue, at place: String) throws(ManifestProblem) {
    guard case .object(let members) = value else {
      throw .wrongType(key: place.isEmpty ? "manifest" : place, found: value.kind, wanted: "an object")
    }
    self.members = members
    self.place = place
  }

  /// The whole name of a key.
  func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  /// Keys that were never asked for.
  var unknownKeys: [String] { members.map(\.key).filter { !asked.contains($0) }.map(path) }

  /// The value of a key, nil where it is missing or null.
  mutating func find(_ key: String) -> JSONValue? {
    asked.insert(key)
    let value = members.first { $0.key == key }?.value
    return value == .null ? nil : value
  }

  mutating func text(_ key: String) throws(ManifestProblem) -> String? {
    guard let value = find(key) else { return nil }
    guard case .string(let text) = value else {
      throw .wrongType(key: path(key), found: value.kind, wanted: "text")
    }
    return text
  }

  mutating func requiredText(_ key: String) throws(ManifestProblem) -> String {
    guard let text = try text(key), !text.isEmpty else { throw .missing(key: path(key)) }
    return text
  }

  mutating func whole(_ key: String) throws(ManifestProblem) -> Int64? {
    guard let value = find(key) else { return nil }
    guard case .int(let number) = value else {
      throw .wrongType(key: path(key), found: value.kind, wanted: "a whole number")
    }
    return number
  }

  mutating func number(_ key: String) throws(ManifestProblem) -> Double? {
    guard let value = find(key) else { return nil }
    switch value {
    case .int(let number): return Double(number)
    case .float(let number): return number
    default: throw .wrongType(key: path(key), found: value.kind, wanted: "a number")
    }
  }

  mutating func flag(_ key: String) throws(ManifestProblem) -> Bool {
    guard let value = find(key) else { return false }
    guard case .bool(let flag) = value else {
      throw .wrongType(key: path(key), found: value.kind, wanted: "true or false")
    }
    return flag
  }

  mutating func list(_ key: String) throws(ManifestProblem) -> [JSONValue] {
    guard let value = find(key) else { return [] }
    guard case .array(let list) = value else {
      throw .wrongType(key: path(key), found: value.kind, wanted: "a list")
    }
    return list
  }

  /// A list of texts, each once and, when `allowed` is given, each one of them.
  mutating func texts(_ key: String, allowed: [String]? = nil) throws(ManifestProblem) -> [String] {
    var texts: [String] = []
    for (index, value) in try list(key).enumerated() {
      let place = "\(path(key))[\(index)]"
      guard case .string(let text) = value else {
        throw .wrongType(key: place, found: value.kind, wanted: "text")
      }
      if let allowed, !allowed.contains(text) { throw .notOneOf(key: place, found: text, allowed: allowed) }
      guard !texts.contains(text) else { throw .twice(key: path(key), value: text) }
      texts.append(text)
    }
    return texts
  }

  /// One of a closed set of words.
  mutating func word<Word>(_ key: String, _ type: Word.Type) throws(ManifestProblem) -> Word?
  where Word: RawRepresentable<String> & CaseIterable {
    guard let text = try text(key) else { return nil }
    guard let word = Word(rawValue: text) else {
      throw .notOneOf(key: path(key), found: text, allowed: Word.allCases.map(\.rawValue))
    }
    return word
  }
}
