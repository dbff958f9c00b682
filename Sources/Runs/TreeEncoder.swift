/// Turns any `Encodable` value into a `Tree` and keeps the order of its keys.
enum TreeEncoder {
  /// The value as a tree. Whole numbers above 2^63 - 1 trap: nothing in a plan is that large.
  static func encode(_ value: some Encodable) throws -> Tree {
    let slot = Slot()
    try slot.encode(value, path: [])
    return slot.tree
  }
}

/// A place in the tree under construction.
private final class Slot {
  enum Content {
    case empty
    case leaf(Tree)
    case list([Slot])
    case map([(key: String, slot: Slot)])
  }

  var content = Content.empty

  var tree: Tree {
    switch content {
    case .empty: .map([])
    case .leaf(let tree): tree
    case .list(let slots): .list(slots.map(\.tree))
    case .map(let entries): .map(entries.map { TreeEntry($0.key, $0.slot.tree) })
    }
  }

  /// Several containers of one encoder share the same map.
  func makeMap() {
    if case .map = content { return }
    content = .map([])
  }

  func makeList() {
    if case .list = content { return }
    content = .list([])
  }

  func child(_ key: String) -> Slot {
    guard case .map(var entries) = content else { preconditionFailure("a keyed value outside a map") }
    let slot = Slot()
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].slot = slot
    } else {
      entries.append((key, slot))
    }
    content = .map(entries)
    return slot
  }

  func append() -> Slot {
    guard case .list(var slots) = content else { preconditionFailure("an item outside a list") }
    let slot = Slot()
    slots.append(slot)
    content = .list(slots)
    return slot
  }

  func encode(_ value: some Encodable, path: [any CodingKey]) throws {
    switch value {
    case let value as Tree: content = .leaf(value)
    case let value as Bool: content = .leaf(.bool(value))
    case let value as String: content = .leaf(.string(value))
    case let value as Double: content = .leaf(.float(value))
    case let value as Float: content = .leaf(.float(Double(value)))
    case let value as any BinaryInteger:
      guard let whole = Int64(exactly: value) else { preconditionFailure("a number above 2^63 - 1 in a plan") }
      content = .leaf(.int(whole))
    case let value as [String: any Encodable]:
      makeMap()
      for (key, item) in value.sorted(by: { $0.key < $1.key }) { try child(key).encode(item, path: path) }
    default: try value.encode(to: SlotEncoder(slot: self, codingPath: path))
    }
  }
}

private struct SlotEncoder: Encoder {
  let slot: Slot
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    slot.makeMap()
    return KeyedEncodingContainer(Keyed<Key>(slot: slot, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    slot.makeList()
    return Unkeyed(slot: slot, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    Single(slot: slot, codingPath: codingPath)
  }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let slot: Slot
  let codingPath: [any CodingKey]

  mutating func encodeNil(forKey key: Key) { slot.child(key.stringValue).content = .leaf(.null) }

  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try slot.child(key.stringValue).encode(value, path: codingPath + [key])
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy keyType: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    SlotEncoder(slot: slot.child(key.stringValue), codingPath: codingPath + [key]).container(keyedBy: keyType)
  }

  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    SlotEncoder(slot: slot.child(key.stringValue), codingPath: codingPath + [key]).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder {
    SlotEncoder(slot: slot.child("super"), codingPath: codingPath)
  }

  mutating func superEncoder(forKey key: Key) -> any Encoder {
    SlotEncoder(slot: slot.child(key.stringValue), codingPath: codingPath + [key])
  }
}

private struct Unkeyed: UnkeyedEncodingContainer {
  let slot: Slot
  let codingPath: [any CodingKey]

  var count: Int {
    guard case .list(let slots) = slot.content else { return 0 }
    return slots.count
  }

  mutating func encodeNil() { slot.append().content = .leaf(.null) }

  mutating func encode<T: Encodable>(_ value: T) throws { try slot.append().encode(value, path: codingPath) }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
    SlotEncoder(slot: slot.append(), codingPath: codingPath).container(keyedBy: keyType)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    SlotEncoder(slot: slot.append(), codingPath: codingPath).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder { SlotEncoder(slot: slot.append(), codingPath: codingPath) }
}

private struct Single: SingleValueEncodingContainer {
  let slot: Slot
  let codingPath: [any CodingKey]

  mutating func encodeNil() { slot.content = .leaf(.null) }

  mutating func encode<T: Encodable>(_ value: T) throws { try slot.encode(value, path: codingPath) }
}
