/// A value of a text format: what YAML and JSON have in common, with maps that keep their order.
///
/// Integers and floats stay apart (`1` and `1.0`), so that what is written and read again is the same value.
package indirect enum Tree: Sendable, Equatable {
  /// Nothing.
  case null
  /// True or false.
  case bool(Bool)
  /// A whole number.
  case int(Int64)
  /// A binary64 number; may be infinite or not a number.
  case float(Double)
  /// Text.
  case string(String)
  /// Values in order.
  case list([Tree])
  /// Named values in the order written.
  case map([TreeEntry])

  /// Any value as a tree, its keys in their order.
  package static func encoding(_ value: some Encodable) -> Tree {
    guard let tree = try? TreeEncoder.encode(value) else { preconditionFailure("a value that cannot be encoded") }
    return tree
  }

  /// The value under `key`, when this is a map that has it.
  package subscript(key: String) -> Tree? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }
}

/// One named value of a map.
package struct TreeEntry: Sendable, Equatable {
  /// The name.
  package var key: String
  /// The value.
  package var value: Tree

  /// Makes an entry of its two halves.
  package init(_ key: String, _ value: Tree) {
    self.key = key
    self.value = value
  }
}

// MARK: - JSON

extension Tree {
  /// JSON on one line. Floats keep a point or an exponent (`1.0`); what JSON cannot say is text: `"nan"`, `"inf"`, `"-inf"`.
  ///
  /// - Parameter sorted: whether the keys of maps are put in order, which makes the text the same for the same content.
  package func json(sorted: Bool = false) -> String {
    var text = ""
    writeJSON(to: &text, sorted: sorted, indent: nil)
    return text
  }

  /// JSON over several lines, two spaces a level, ending in a line feed.
  package func prettyJSON() -> String {
    var text = ""
    writeJSON(to: &text, sorted: false, indent: 0)
    return text + "\n"
  }

  private func writeJSON(to text: inout String, sorted: Bool, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += String(value)
    case .float(let value):
      if value.isFinite {
        text += "\(value)"
      } else {
        text += value.isNaN ? "\"nan\"" : value < 0 ? "\"-inf\"" : "\"inf\""
      }
    case .string(let value): text += Tree.quoted(value)
    case .list(let items):
      let rows = items.map { item in (prefix: "", value: item) }
      Tree.writeJSON(rows, open: "[", close: "]", to: &text, sorted: sorted, indent: indent)
    case .map(let entries):
      let ordered = sorted ? entries.sorted { $0.key < $1.key } : entries
      let rows = ordered.map { entry in
        (prefix: Tree.quoted(entry.key) + (indent == nil ? ":" : ": "), value: entry.value)
      }
      Tree.writeJSON(rows, open: "{", close: "}", to: &text, sorted: sorted, indent: indent)
    }
  }

  private static func writeJSON(
    _ rows: [(prefix: String, value: Tree)], open: String, close: String, to text: inout String, sorted: Bool,
    indent: Int?
  ) {
    text += open
    let inner = indent.map { $0 + 1 }
    for (position, row) in rows.enumerated() {
      if position > 0 { text += "," }
      if let inner { text += "\n" + String(repeating: "  ", count: inner) }
      text += row.prefix
      row.value.writeJSON(to: &text, sorted: sorted, indent: inner)
    }
    if let indent, !rows.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
    text += close
  }

  /// Text between double quotes with JSON's escapes, which YAML understands too.
  static func quoted(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _
      where scalar.value < 0x20 || scalar.value == 0x7F || (0x80...0x9F).contains(scalar.value)
        || scalar.value == 0x2028 || scalar.value == 0x2029 || scalar.value == 0xFEFF:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

// MARK: - YAML

extension Tree {
  /// YAML in block style; lists of scalars stay on one line. Reading the text gives back the same tree.
  package func yaml() -> String {
    switch self {
    case .map(let entries) where !entries.isEmpty: return Tree.yamlLines(entries).joined(separator: "\n") + "\n"
    case .list(let items) where !items.isEmpty: return Tree.yamlLines(items).joined(separator: "\n") + "\n"
    default: return flow + "\n"
    }
  }

  private static func yamlLines(_ entries: [TreeEntry]) -> [String] {
    entries.flatMap { entry -> [String] in
      let key = Tree.string(entry.key).flow
      guard entry.value.isBlock else { return ["\(key): \(entry.value.flow)"] }
      return ["\(key):"] + entry.value.blockLines.map { "  " + $0 }
    }
  }

  private static func yamlLines(_ items: [Tree]) -> [String] {
    items.flatMap { item -> [String] in
      guard item.isBlock else { return ["- \(item.flow)"] }
      return item.blockLines.enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }
    }
  }

  private var blockLines: [String] {
    switch self {
    case .map(let entries): Tree.yamlLines(entries)
    case .list(let items): Tree.yamlLines(items)
    default: [flow]
    }
  }

  private var isBlock: Bool {
    switch self {
    case .map(let entries): !entries.isEmpty
    case .list(let items): items.contains { if case .map = $0 { true } else if case .list = $0 { true } else { false } }
    default: false
    }
  }

  /// The value on one line, as it may stand in a flow list or after a key.
  package var flow: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .int(let value): String(value)
    case .float(let value):
      value.isFinite ? Tree.text(value) : value.isNaN ? ".nan" : value < 0 ? "-.inf" : ".inf"
    case .string(let value): Tree.isPlain(value) ? value : Tree.quoted(value)
    case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { "\(Tree.string($0.key).flow): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
  }

  /// The shortest digits that give the number back, with a point: YAML 1.1 takes `1e-07` for text.
  private static func text(_ value: Double) -> String {
    let text = "\(value)"
    guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }

  /// Whether text can stand without quotes and is read back as text.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last, last != " " else { return false }
    func isLetter(_ scalar: Unicode.Scalar) -> Bool {
      ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar == "/"
    }
    guard isLetter(first) || ("0"..."9").contains(first) else { return false }
    let isSafe = text.unicodeScalars.allSatisfy { scalar in
      isLetter(scalar) || ("0"..."9").contains(scalar) || scalar == "." || scalar == "-" || scalar == " "
        || scalar == "@" || scalar == "+"
    }
    guard isSafe, case .string = Tree.scalar(plain: text) else { return false }
    return !["y", "n", "yes", "no", "on", "off"].contains(text.lowercased())
  }

  /// What a YAML scalar without quotes means (the core schema of YAML 1.2).
  static func scalar(plain text: String) -> Tree {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case ".nan", ".NaN", ".NAN": return .float(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
    default: break
    }
    if let value = Int64(text) { return .int(value) }
    let isNumeric = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    }
    guard isNumeric, text.utf8.contains(where: { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let value = Double(text.hasPrefix(".") ? "0" + text : text)
    else { return .string(text) }
    return .float(value)
  }
}
