import Tensors

/// Reads the keys of a diffusers config and says what would be right where one does not fit.
struct ConfigReader {
  let source: String
  private let members: [String: JSONText.Value]

  init(_ json: String, _ source: String) throws(LearningError) {
    self.source = source
    let root: JSONText.Value
    do throws(JSONText.Failure) {
      root = try JSONText.parse(Array(json.utf8), onlyTextsAndWholeNumbers: false)
    } catch {
      throw .notJSON(path: source, reason: "\(error.reason) at byte \(error.position)")
    }
    guard case .object(let members) = root else { throw .notJSON(path: source, reason: "it is no object") }
    self.members = Dictionary(members) { first, _ in first }
  }

  var keys: [String] { members.keys.sorted() }

  subscript(key: String) -> JSONText.Value? { members[key] }

  /// The error for a key whose value does not fit.
  func refusal(_ key: String, _ expected: String) -> LearningError {
    .modelConfig(path: source, key: key, value: members[key].map(Self.text) ?? "not there", expected: expected)
  }

  /// Throws unless a text is one of those named; null and nothing are the default.
  func expect(_ key: String, in known: [String], default value: String) throws(LearningError) {
    guard let found = members[key] else { return }
    if case .string(let text) = found, known.contains(text) { return }
    throw refusal(key, known.map { "\"\($0)\"" }.joined(separator: " or "))
  }

  func expectNull(_ key: String, _ expected: String) throws(LearningError) {
    switch members[key] {
    case nil, .null: return
    default: throw refusal(key, expected)
    }
  }

  func text(_ key: String) throws(LearningError) -> String? {
    switch members[key] {
    case nil, .null: return nil
    case .string(let text): return text
    default: throw refusal(key, "a text")
    }
  }

  func bool(_ key: String, default value: Bool) throws(LearningError) -> Bool {
    switch members[key] {
    case nil: return value
    case .bool(let found): return found
    default: throw refusal(key, "true or false")
    }
  }

  func whole(
    _ key: String, from least: Int, to most: Int = 1 << 20, default value: Int
  ) throws(LearningError) -> Int {
    switch members[key] {
    case nil: return value
    case .integer(let found) where (least...most).contains(found): return found
    default: throw refusal(key, most == 1 << 20 ? "a whole number from \(least)" : "\(least) to \(most)")
    }
  }

  func optionalWhole(_ key: String, from least: Int, default value: Int?) throws(LearningError) -> Int? {
    switch members[key] {
    case nil: return value
    case .null: return nil
    default: return try whole(key, from: least, default: 0)
    }
  }

  func wholes(_ key: String, from least: Int, default value: [Int]) throws(LearningError) -> [Int] {
    guard let found = members[key] else { return value }
    guard case .array(let items) = found, !items.isEmpty else { throw refusal(key, "a list of whole numbers") }
    var numbers: [Int] = []
    for item in items {
      guard case .integer(let number) = item, (least...1 << 20).contains(number) else {
        throw refusal(key, "a list of whole numbers from \(least)")
      }
      numbers.append(number)
    }
    return numbers
  }

  func number(
    _ key: String, from least: Double = -.infinity, above floor: Double = -.infinity, below end: Double = .infinity,
    default value: Double
  ) throws(LearningError) -> Double {
    let found: Double
    switch members[key] {
    case nil: return value
    case .integer(let number): found = Double(number)
    case .number(_, let number): found = number
    default: throw refusal(key, "a number")
    }
    guard found >= least, found > floor, found < end else {
      let bounds = [
        least > -.infinity ? "from \(Self.short(least))" : nil, floor > -.infinity ? "above \(Self.short(floor))" : nil,
        end < .infinity ? "below \(Self.short(end))" : nil,
      ]
      throw refusal(key, "a number " + bounds.compactMap(\.self).joined(separator: " and "))
    }
    return found
  }

  /// Height and width, as one number or two.
  func size(_ key: String) throws(LearningError) -> [Int] {
    if case .array = members[key] {
      let found = try wholes(key, from: 1, default: [])
      guard found.count == 2 else { throw refusal(key, "one number, or a list of height and width") }
      return found
    }
    guard let found = try optionalWhole(key, from: 1, default: nil) else {
      throw refusal(key, "the height and width of the images")
    }
    return [found, found]
  }

  /// Whether each block attends.
  func attention(
    _ key: String, _ way: String, _ count: Int, default value: [Bool]
  ) throws(LearningError) -> [Bool] {
    let plain = "\(way)Block2D"
    guard let found = members[key] else {
      guard value.count == count else { throw refusal(key, "\(count) block types, one for each width") }
      return value
    }
    guard case .array(let items) = found else { throw refusal(key, "a list of block types") }
    var attends: [Bool] = []
    for item in items {
      guard case .string(let text) = item, text == plain || text == "Attn\(plain)" else {
        throw refusal(key, "\"\(plain)\" or \"Attn\(plain)\" for each width")
      }
      attends.append(text != plain)
    }
    guard attends.count == count else { throw refusal(key, "\(count) block types, one for each width") }
    return attends
  }

  private static func short(_ number: Double) -> String {
    number == number.rounded() ? String(Int(number)) : String(number)
  }

  private static func text(_ value: JSONText.Value) -> String {
    switch value {
    case .string(let text): "\"\(text)\""
    case .integer(let number): "\(number)"
    case .number(let text, _): text
    case .bool(let fact): "\(fact)"
    case .null: "null"
    case .array(let items): "[\(items.map(text).joined(separator: ", "))]"
    case .object: "an object"
    }
  }
}
