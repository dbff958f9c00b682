/// JSON, read strictly: objects keep their order, and no key comes twice.
package enum JSONText {
  /// What JSON can hold.
  package enum Value {
    case string(String)
    case integer(Int)
    /// A number that is not whole, as written and as a number.
    case number(String, Double)
    case bool(Bool)
    case null
    case array([Value])
    case object([(String, Value)])
  }

  /// Why bytes are no JSON, and at which of them that shows.
  package struct Failure: Error {
    package let reason: String
    /// Bytes from the start.
    package let position: Int
  }

  /// Reads one value, which white space may follow.
  ///
  /// - Parameter onlyTextsAndWholeNumbers: refuse other scalars, which a safetensors header does not have.
  package static func parse(_ bytes: [UInt8], onlyTextsAndWholeNumbers: Bool) throws(Failure) -> Value {
    var reader = Reader(bytes: bytes, isFull: !onlyTextsAndWholeNumbers)
    let value = try reader.value(depth: 0)
    guard reader.next() == nil else { throw reader.failure("something follows the end") }
    return value
  }

  /// A text in quotes.
  package static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

private struct Reader {
  let bytes: [UInt8]
  let isFull: Bool
  var position = 0

  func failure(_ reason: String) -> JSONText.Failure { JSONText.Failure(reason: reason, position: position) }

  /// The next byte that is no white space, without taking it.
  mutating func next() -> UInt8? {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    return position < bytes.count ? bytes[position] : nil
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next() == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func value(depth: Int) throws(JSONText.Failure) -> JSONText.Value {
    guard depth < 8 else { throw failure("values are nested too deeply") }
    switch next() {
    case UInt8(ascii: "{"): return .object(try object(depth))
    case UInt8(ascii: "["): return .array(try array(depth))
    case UInt8(ascii: "\""): return .string(try string())
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
    case UInt8(ascii: "t") where isFull: return try literal("true", .bool(true))
    case UInt8(ascii: "f") where isFull: return try literal("false", .bool(false))
    case UInt8(ascii: "n") where isFull: return try literal("null", .null)
    case nil: throw failure("it ends too early")
    default:
      throw failure(
        isFull ? "no JSON value" : "neither an object, a list, a text nor a whole number")
    }
  }

  private mutating func object(_ depth: Int) throws(JSONText.Failure) -> [(String, JSONText.Value)] {
    var members: [(String, JSONText.Value)] = []
    var names: Set<String> = []
    position += 1
    if take("}") { return members }
    repeat {
      guard next() == UInt8(ascii: "\"") else { throw failure("a name is expected") }
      let name = try string()
      guard names.insert(name).inserted else { throw failure("'\(name)' comes twice") }
      guard take(":") else { throw failure("a ':' is expected") }
      members.append((name, try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw failure("a ',' or '}' is expected") }
    return members
  }

  private mutating func array(_ depth: Int) throws(JSONText.Failure) -> [JSONText.Value] {
    var items: [JSONText.Value] = []
    position += 1
    if take("]") { return items }
    repeat { items.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw failure("a ',' or ']' is expected") }
    return items
  }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private mutating func number() throws(JSONText.Failure) -> JSONText.Value {
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    let isEnd = position == bytes.count || ![".", "e", "E"].contains { UInt8(ascii: $0) == bytes[position] }
    if isEnd, let number = Int(String(decoding: bytes[start..<position], as: UTF8.self)) { return .integer(number) }
    guard isFull else { throw failure("a number that is not whole, or too large") }
    while position < bytes.count,
      isDigit(bytes[position]) || [".", "e", "E", "+", "-"].contains(where: { UInt8(ascii: $0) == bytes[position] })
    { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else { throw failure("'\(text)' is no number") }
    return .number(text, value)
  }

  private mutating func literal(_ word: String, _ value: JSONText.Value) throws(JSONText.Failure) -> JSONText.Value {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("no JSON value") }
    position += word.utf8.count
    return value
  }

  private mutating func string() throws(JSONText.Failure) -> String {
    var out: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: out, as: UTF8.self) else { throw failure("a text that is no UTF-8") }
        return text
      case UInt8(ascii: "\\"): out.append(contentsOf: try escape())
      case 0..<0x20: throw failure("a control character in a text")
      default: out.append(byte)
      }
    }
    throw failure("a text without its end")
  }

  private mutating func escape() throws(JSONText.Failure) -> [UInt8] {
    guard position < bytes.count else { throw failure("a text without its end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return try unicode()
    default: throw failure("an unknown escape")
    }
  }

  private mutating func unicode() throws(JSONText.Failure) -> [UInt8] {
    var units = [try hexadecimal()]
    if UTF16.isLeadSurrogate(units[0]) {
      guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      else { throw failure("half a surrogate pair") }
      position += 2
      units.append(try hexadecimal())
    }
    guard let text = String(validating: units, as: UTF16.self) else { throw failure("half a surrogate pair") }
    return Array(text.utf8)
  }

  private mutating func hexadecimal() throws(JSONText.Failure) -> UInt16 {
    guard position + 4 <= bytes.count else { throw failure("a text without its end") }
    let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
    guard !digits.hasPrefix("+"), !digits.hasPrefix("-"), let unit = UInt16(digits, radix: 16) else {
      throw failure("an escape without four hexadecimal digits")
    }
    position += 4
    return unit
  }
}
