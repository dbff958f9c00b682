import Synchronization

/// A handle as plugins see it: a place in a table with a generation, in the bits of a pointer that is never followed.
///
/// Bits 0–19 slot, 20–27 session, 28–31 kind, 32–63 generation. The generation is new at every use of a slot, so that a
/// handle from before is recognised.
struct Token: Equatable {
  enum Kind: UInt64 {
    case tensor = 1
    case operation, random, model, context
  }

  static let slots = 1 << 20
  static let sessions = 1 << 8

  let bits: UInt64

  init(_ kind: Kind, session: Int, slot: Int, generation: UInt32) {
    bits = UInt64(generation) << 32 | kind.rawValue << 28 | UInt64(session) << 20 | UInt64(slot)
  }

  /// What a plugin gave.
  init(_ pointer: OpaquePointer?) { bits = UInt64(UInt(bitPattern: pointer)) }

  init(bits: UInt64) { self.bits = bits }

  var slot: Int { Int(bits & 0xFFFFF) }
  var session: Int { Int(bits >> 20 & 0xFF) }
  var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }

  func isKind(_ kind: Kind) -> Bool { bits >> 28 & 0xF == kind.rawValue }

  var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: UInt(bits)) }
}

/// Numbers that no two uses share until four thousand million later.
enum Generations {
  private static let last = Atomic<UInt32>(0)

  static func next() -> UInt32 { last.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// Things in numbered places.
struct HandleTable<Item> {
  private var items: [Item?] = []
  private var generations: [UInt32] = []
  private var free: [Int] = []

  /// Things that are there.
  var count: Int { items.count - free.count }

  /// Puts a thing into a free place; nil when there is none.
  mutating func insert(_ item: Item) -> (slot: Int, generation: UInt32)? {
    let generation = Generations.next()
    if let slot = free.popLast() {
      items[slot] = item
      generations[slot] = generation
      return (slot, generation)
    }
    guard items.count < Token.slots else { return nil }
    items.append(item)
    generations.append(generation)
    return (items.count - 1, generation)
  }

  /// The thing in that place, when it is still the one that was put there then.
  subscript(slot: Int, generation: UInt32) -> Item? {
    guard slot < items.count, generations[slot] == generation else { return nil }
    return items[slot]
  }

  /// Empties a place, when the thing in it is still the one that was put there then.
  @discardableResult
  mutating func remove(_ slot: Int, _ generation: UInt32) -> Item? {
    guard slot < items.count, generations[slot] == generation, let item = items[slot] else { return nil }
    items[slot] = nil
    free.append(slot)
    return item
  }
}
