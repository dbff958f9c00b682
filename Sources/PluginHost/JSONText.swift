/// A JSON value with its object keys in the order written.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case int(Int64)
  case float(Double)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  /// What it is, in a sentence.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .int: "a whole number"
    case .float: "a number"
    case .string: "text"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

/// A key of an object with its value.
struct JSONMember: Equatable {
  let key: String
  let value: JSONValue
}

/// Where and why text is not JSON.
struct JSONProblem: Error, Equatable {
  /// From 1.
  let line: Int
  let column: Int
  let reason: String
}

/// Reads JSON (RFC 8259) strictly: no comments, no trailing commas, no key twice in an object, at most 64 levels.
struct JSONText {
  private let bytes: [UInt8]
  private var at = 0
  private static let deepest = 64

  private init(_ text: String) { bytes = Array(text.utf8) }

  /// The value that `text` holds.
  static func read(_ text: String) throws(JSONProblem) -> JSONValue {
    var reader = JSONText(text)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.at == reader.bytes.count else { throw reader.problem("there is text behind the end") }
    return value
  }

  private func problem(_ reason: String) -> JSONProblem {
    let before = bytes[..<min(at, bytes.count)]
    let line = before.count { $0 == 10 } + 1
    let start = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
    return JSONProblem(line: line, column: before.count - start + 1, reason: reason)
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { at += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    guard next == character.asciiValue else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
    guard depth <= Self.deepest else { throw problem("it is nested deeper than \(Self.deepest) levels") }
    skipSpace()
    guard let first = next else { throw problem("it ends where a value should be") }
    switch first {
    case UInt8(ascii: "{"): return .object(try members(depth))
    case UInt8(ascii: "["): return .array(try elements(depth))
    case UInt8(ascii: "\""): return .string(try text())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default:
      for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
      where bytes[at...].starts(with: word.utf8) {
        at += word.utf8.count
        return value
      }
      throw problem("a value should be here")
    }
  }

  private mutating func members(_ depth: Int) throws(JSONProblem) -> [JSONMember] {
    at += 1
    skipSpace()
    if take("}") { return [] }
    var members: [JSONMember] = []
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw problem("a key in quotes should be here") }
      let key = try text()
      guard !members.contains(where: { $0.key == key }) else { throw problem("the key '\(key)' is there twice") }
      skipSpace()
      guard take(":") else { throw problem("a ':' should be here") }
      members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while take(",")
    guard take("}") else { throw problem("a ',' or '}' should be here") }
    return members
  }

  private mutating func elements(_ depth: Int) throws(JSONProblem) -> [JSONValue] {
    at += 1
    skipSpace()
    if take("]") { return [] }
    var values: [JSONValue] = []
    repeat {
      values.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw problem("a ',' or ']' should be here") }
    return values
  }

  private mutating func number() throws(JSONProblem) -> JSONValue {
    let start = at
    _ = take("-")
    func digits(_ reader: inout JSONText) -> Int {
      let first = reader.at
      while let byte = reader.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { reader.at += 1 }
      return reader.at - first
    }
    let leadsWithZero = next == UInt8(ascii: "0")
    let whole = digits(&self)
    guard whole > 0, whole == 1 || !leadsWithZero else {
      at = start
      throw problem("this is not a number")
    }
    var isWhole = true
    if take(".") {
      isWhole = false
      guard digits(&self) > 0 else { throw problem("a digit should be here") }
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      guard digits(&self) > 0 else { throw problem("a digit should be here") }
    }
    let written = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let value = Int64(written) { return .int(value) }
    guard let value = Double(written), value.isFinite else { throw problem("'\(written)' is too large") }
    return .float(value)
  }

  private mutating func text() throws(JSONProblem) -> String {
    at += 1
    var units: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
      case UInt8(ascii: "\\"): units.append(contentsOf: String(try escaped()).utf8)
      case 0..<32:
        at -= 1
        throw problem("a control character in text must be escaped")
      default: units.append(byte)
      }
    }
    throw problem("text has no closing quote")
  }

  private mutating func escaped() throws(JSONProblem) -> Unicode.Scalar {
    guard let letter = next else { throw problem("text has no closing quote") }
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let first = try fourDigits()
      if let scalar = Unicode.Scalar(first) { return scalar }
      guard first < 0xDC00, take("\\"), take("u") else { throw problem("half of a surrogate pair is missing") }
      let second = try fourDigits()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      else { throw problem("half of a surrogate pair is missing") }
      return scalar
    default:
      at -= 1
      throw problem("'\\\(Character(Unicode.Scalar(letter)))' is not an escape")
    }
  }

  private mutating func fourDigits() throws(JSONProblem) -> UInt32 {
    let written = String(decoding: bytes[at..<min(at + 4, bytes.count)], as: UTF8.self)
    guard written.utf8.count == 4, written.allSatisfy(\.isHexDigit), let value = UInt32(written, radix: 16) else {
      throw problem("four hexadecimal digits should be here")
    }
    at += 4
    return value
  }
}
