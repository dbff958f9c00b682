import Yams

/// A value as it was written, with the place of every part of it.
struct Written: Sendable, Equatable {
  /// What was written.
  indirect enum Content: Sendable, Equatable {
    case scalar(Tree)
    case list([Written])
    case map([Entry])
  }

  /// A key of a map with its value.
  struct Entry: Sendable, Equatable {
    var key: String
    var place: Place
    var value: Written
  }

  var content: Content
  var place: Place

  /// Nothing, at a place.
  static func null(_ place: Place) -> Written { Written(content: .scalar(.null), place: place) }

  var isNull: Bool { content == .scalar(.null) }

  /// The entries when this is a map.
  var entries: [Entry]? {
    guard case .map(let entries) = content else { return nil }
    return entries
  }

  subscript(key: String) -> Written? { entries?.first { $0.key == key }?.value }

  /// The same without places.
  var tree: Tree {
    switch content {
    case .scalar(let value): value
    case .list(let items): .list(items.map(\.tree))
    case .map(let entries): .map(entries.map { TreeEntry($0.key, $0.value.tree) })
    }
  }

  /// What it is, for messages.
  var words: String {
    switch content {
    case .scalar(.null): "null"
    case .scalar(.string(let text)): "'\(text)'"
    case .scalar(let value): value.flow
    case .list: "a list"
    case .map: "a map"
    }
  }
}

extension Written {
  /// Reads YAML. An empty text is an empty map.
  static func parse(_ text: String, file: String) throws(RunError) -> Written {
    try parse(text) { .file(file, line: $0) }
  }

  /// Reads the value of an override or a sweep as YAML: a scalar, `[a, b]` or `{k: v}`.
  static func parse(value text: String, override: String) throws(RunError) -> Written {
    guard !text.allSatisfy(\.isWhitespace) else { return .null(.override(override)) }
    return try parse(text) { _ in .override(override) }
  }

  private static func parse(_ text: String, at place: (Int) -> Place) throws(RunError) -> Written {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw .notYAML(place(line(of: error)), reason: reason(of: error))
    } catch {
      throw .notYAML(place(1), reason: "\(error)")
    }
    guard let node else { return Written(content: .map([]), place: place(1)) }
    var left = mostValues
    return try read(node, depth: 0, left: &left, at: place)
  }

  /// More values than any recipe has. An alias stands for all that its anchor holds, and one of aliases for all of theirs: a
  /// text of a few lines can mean more than any memory holds.
  private static let mostValues = 200_000
  private static let deepest = 64

  private static func read(
    _ node: Node, depth: Int, left: inout Int, at place: (Int) -> Place
  ) throws(RunError) -> Written {
    let here = place(node.mark?.line ?? 1)
    left -= 1
    guard left >= 0 else {
      throw .notYAML(here, reason: "there are more than \(mostValues) values, aliases counted out")
    }
    guard depth <= deepest else { throw .notYAML(here, reason: "it is nested deeper than \(deepest) levels") }
    switch node {
    case .scalar(let scalar):
      // Quotes and block styles make text of anything; so does the tag !!str.
      let isPlain = (scalar.style == .plain || scalar.style == .any) && node.tag != Tag(.str)
      return Written(
        content: .scalar(isPlain ? Tree.scalar(plain: scalar.string) : .string(scalar.string)), place: here)
    case .sequence(let sequence):
      var items: [Written] = []
      for item in sequence { items.append(try read(item, depth: depth + 1, left: &left, at: place)) }
      return Written(content: .list(items), place: here)
    case .mapping(let mapping):
      var entries: [Entry] = []
      for (key, value) in mapping {
        let keyPlace = place(key.mark?.line ?? 1)
        guard case .scalar(let scalar) = key else { throw .notYAML(keyPlace, reason: "a key must be a word") }
        let read = try read(value, depth: depth + 1, left: &left, at: place)
        entries.append(Entry(key: scalar.string, place: keyPlace, value: read))
      }
      return Written(content: .map(entries), place: here)
    case .alias:
      throw .notYAML(here, reason: "an alias without its anchor")
    }
  }

  private static func line(of error: YamlError) -> Int {
    switch error {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
    case .duplicatedKeysInMapping(_, let context): context.mark.line
    default: 1
    }
  }

  private static func reason(of error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _): problem
    case .duplicatedKeysInMapping(let keys, _):
      "the key \(keys.map { "'\($0)'" }.sorted().joined(separator: ", ")) is there twice"
    default: "\(error)"
    }
  }
}
