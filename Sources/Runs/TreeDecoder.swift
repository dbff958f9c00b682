/// Turns a `Tree` into any `Decodable` value. Strict: text is no number, `1.0` is no whole number; `1` is a float.
enum TreeDecoder {
  /// Decodes the value; throws `DecodingError` with the path of the key that does not fit.
  static func decode<T: Decodable>(_ type: T.Type, from tree: Tree) throws -> T {
    try tree.decode(type, path: [])
  }
}

extension Tree {
  fileprivate func decode<T: Decodable>(_ type: T.Type, path: [any CodingKey]) throws -> T {
    let value: Any?
    switch (type, self) {
    case (is Bool.Type, .bool(let found)): value = found
    case (is String.Type, .string(let found)): value = found
    case (is Double.Type, .float(let found)): value = found
    case (is Double.Type, .int(let found)): value = Double(found)
    case (let whole as any FixedWidthInteger.Type, .int(let found)): value = whole.init(exactly: found)
    case (is Bool.Type, _), (is String.Type, _), (is Double.Type, _), (is any FixedWidthInteger.Type, _): value = nil
    default: return try T(from: TreeReader(tree: self, codingPath: path))
    }
    guard let value = value as? T else { throw mismatch(type, path) }
    return value
  }

  fileprivate func mismatch(_ type: Any.Type, _ path: [any CodingKey]) -> DecodingError {
    .typeMismatch(type, .init(codingPath: path, debugDescription: "found \(flow)"))
  }
}

private struct TreeReader: Decoder {
  let tree: Tree
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .map(let entries) = tree else { throw tree.mismatch([String: Tree].self, codingPath) }
    return KeyedDecodingContainer(Keyed<Key>(entries: entries, codingPath: codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let items) = tree else { throw tree.mismatch([Tree].self, codingPath) }
    return Unkeyed(items: items, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { Single(tree: tree, codingPath: codingPath) }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let entries: [TreeEntry]
  let codingPath: [any CodingKey]

  var allKeys: [Key] { entries.compactMap { Key(stringValue: $0.key) } }

  func contains(_ key: Key) -> Bool { entries.contains { $0.key == key.stringValue } }

  private func value(_ key: Key) throws -> Tree {
    guard let entry = entries.first(where: { $0.key == key.stringValue }) else {
      throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "no such key"))
    }
    return entry.value
  }

  func decodeNil(forKey key: Key) throws -> Bool { try value(key) == .null }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try value(key).decode(type, path: codingPath + [key])
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try TreeReader(tree: value(key), codingPath: codingPath + [key]).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try TreeReader(tree: value(key), codingPath: codingPath + [key]).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { TreeReader(tree: .map(entries), codingPath: codingPath) }

  func superDecoder(forKey key: Key) throws -> any Decoder {
    try TreeReader(tree: value(key), codingPath: codingPath + [key])
  }
}

private struct Unkeyed: UnkeyedDecodingContainer {
  let items: [Tree]
  let codingPath: [any CodingKey]
  var currentIndex = 0

  init(items: [Tree], codingPath: [any CodingKey]) {
    self.items = items
    self.codingPath = codingPath
  }

  var count: Int? { items.count }
  var isAtEnd: Bool { currentIndex >= items.count }

  private mutating func next() throws -> Tree {
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(Tree.self, .init(codingPath: codingPath, debugDescription: "the list ends"))
    }
    defer { currentIndex += 1 }
    return items[currentIndex]
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, items[currentIndex] == .null else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().decode(type, path: codingPath) }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
    try TreeReader(tree: next(), codingPath: codingPath).container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try TreeReader(tree: next(), codingPath: codingPath).unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder { try TreeReader(tree: next(), codingPath: codingPath) }
}

private struct Single: SingleValueDecodingContainer {
  let tree: Tree
  let codingPath: [any CodingKey]

  func decodeNil() -> Bool { tree == .null }

  func decode<T: Decodable>(_ type: T.Type) throws -> T { try tree.decode(type, path: codingPath) }
}
