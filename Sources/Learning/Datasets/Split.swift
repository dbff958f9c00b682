import CNettle
import Foundation

/// Which samples a run forgets, retains, validates and tests on.
///
/// Positions count in dataset order from 0: those of `forget`, `retain` and `validation` in the loaded training data,
/// those of `test` in the loaded test data. Each list increases. The first three share no position, and together they
/// are the training data.
///
/// `split.json` is this value as `JSONEncoder` writes it with sorted keys: one object with the four lists and
/// `sha256`. The hash is over the text `lethe-split-1`, then for forget, retain, validation and test in this order the
/// count as a 64-bit and the positions as 32-bit little-endian numbers.
package struct Split: Sendable, Equatable, Codable {
  /// What is to be forgotten.
  package let forget: [Int32]
  /// All other training samples that are not held out for validation.
  package let retain: [Int32]
  /// What no role of a method sees.
  package let validation: [Int32]
  /// The test samples; without the class that is forgotten, where a whole class is.
  package let test: [Int32]
  /// The hash of all four lists, 64 lower-case hexadecimal digits.
  package let sha256: String

  /// The sets of a split.
  package enum Part: String, Sendable, CaseIterable, Codable {
    case forget, retain, validation, test
  }

  package init(forget: [Int32], retain: [Int32], validation: [Int32], test: [Int32]) {
    self.forget = forget
    self.retain = retain
    self.validation = validation
    self.test = test
    var hash = SHA256()
    hash.update(Array("lethe-split-1".utf8))
    for positions in [forget, retain, validation, test] { hash.update(Self.canonical(positions)) }
    sha256 = hash.hexadecimal()
  }

  /// The positions of one set.
  package subscript(part: Part) -> [Int32] {
    switch part {
    case .forget: forget
    case .retain: retain
    case .validation: validation
    case .test: test
    }
  }

  /// The hash of one set: over the text `lethe-set-1`, the set's name and its count and positions as in the whole
  /// split's hash.
  package func hash(of part: Part) -> String {
    var hash = SHA256()
    hash.update(Array("lethe-set-1\(part.rawValue)".utf8))
    hash.update(Self.canonical(self[part]))
    return hash.hexadecimal()
  }

  /// The bytes of `split.json`.
  package func json() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do {
      return [UInt8](try encoder.encode(self))
    } catch {
      preconditionFailure("whole numbers and a string always become JSON")
    }
  }

  /// Reads a `split.json` and checks its hash.
  ///
  /// - Parameter path: the file, which messages name.
  package static func read(_ path: String) throws(LearningError) -> Split {
    let bytes = try FileBytes.read(path)
    let read: Split
    do {
      read = try JSONDecoder().decode(Split.self, from: Data(bytes))
    } catch {
      throw .indexFile(path: path, reason: "is not a split.json")
    }
    let checked = Split(forget: read.forget, retain: read.retain, validation: read.validation, test: read.test)
    guard checked.sha256 == read.sha256 else { throw .splitHash(found: read.sha256, expected: checked.sha256) }
    return checked
  }

  private static func canonical(_ positions: [Int32]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + 4 * positions.count)
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: positions.count >> (8 * shift))) }
    for position in positions {
      for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: position >> (8 * Int32(shift)))) }
    }
    return bytes
  }
}

/// SHA-256 by nettle.
package struct SHA256: Sendable {
  private var state = sha256_ctx()

  /// The hash of nothing so far.
  package init() {
    unsafe nettle_sha256_init(&state)
  }

  /// Adds bytes to what is hashed.
  package mutating func update(_ bytes: [UInt8]) {
    unsafe nettle_sha256_update(&state, bytes.count, bytes)
  }

  /// The hash of all that was added, 64 lower-case hexadecimal digits. Starts anew afterwards.
  package mutating func hexadecimal() -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    unsafe nettle_sha256_digest(&state, digest.count, &digest)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
