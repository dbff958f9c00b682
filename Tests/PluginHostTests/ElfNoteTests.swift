import Foundation
import Learning
import Testing

@testable import PluginHost

/// What a file says about itself, and how it is refused when it says it badly.
struct ElfNoteTests {
  private static let good = Result { try Array(Data(contentsOf: Fixture.library("note"))) }

  private func manifest(_ bytes: [UInt8]) throws -> String { try ElfFile(ByteSource(bytes)).manifestText() }

  /// Where the note begins.
  private func note(_ bytes: [UInt8]) throws -> Int {
    let start: [UInt8] = [6, 0, 0, 0]
    let owner = Array("lethe\0".utf8)
    return try #require(
      bytes.indices.dropLast(20).first { at in
        Array(bytes[at..<at + 4]) == start && Array(bytes[at + 12..<at + 18]) == owner
      })
  }

  @Test func `the manifest is what the source embeds`() throws {
    #expect(try manifest(Self.good.get()) == Fixture.manifest)
  }

  @Test func `needed libraries and exported symbols are read`() throws {
    let table = try ElfFile(ByteSource(Self.good.get())).dynamicTable()
    #expect(table.needed.contains("libc.so.6"))
    #expect(table.exports == ["lethe_plugin_abi1"])
  }

  @Test func `a library without sections is read as well`() throws {
    var bytes = try Self.good.get()
    for index in 40..<48 { bytes[index] = 0 }
    for index in 58..<64 { bytes[index] = 0 }
    #expect(try manifest(bytes) == Fixture.manifest)
    #expect(try ElfFile(ByteSource(bytes)).dynamicTable().exports?.contains("lethe_plugin_abi1") == true)
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout [UInt8], Int) -> Void
    let problem: NoteProblem
  }

  static let damages = [
    Damage(testDescription: "no final zero", change: { $0[$1 + 4] -= 1 }, problem: .unterminated),
    Damage(testDescription: "a zero inside", change: { $0[$1 + 30] = 0 }, problem: .zeroInside),
    Damage(testDescription: "not UTF-8", change: { $0[$1 + 30] = 0xFF }, problem: .notUTF8),
    Damage(testDescription: "longer than the file", change: { $0[$1 + 6] = 3 }, problem: .truncated),
    Damage(testDescription: "too large", change: { $0[$1 + 7] = 1 }, problem: .tooLarge(1 << 24 + 2049)),
    Damage(testDescription: "another type", change: { $0[$1 + 8] = 9 }, problem: .truncated),
    Damage(
      testDescription: "no text",
      change: {
        ($0[$1 + 4], $0[$1 + 5]) = (1, 0)
        $0[$1 + 20] = 0
      }, problem: .empty),
  ]

  @Test(arguments: damages)
  func `a damaged note is malformed`(_ damage: Damage) throws {
    var bytes = try Self.good.get()
    let at = try note(bytes)
    damage.change(&bytes, at)
    do {
      _ = try manifest(bytes)
      Issue.record("the note was read")
    } catch let problem as NoteProblem {
      if case .tooLarge = damage.problem, case .tooLarge = problem { return }
      #expect(problem == damage.problem)
    }
  }

  @Test func `two notes are one too many`() throws {
    let library = try Fixture.library("two", source: "two-notes.c")
    #expect(throws: NoteProblem.several(2)) { try ElfFile(ByteSource(Array(Data(contentsOf: library)))).manifestText() }
  }

  static let strangers: [(String, @Sendable (inout [UInt8]) -> Void, LibraryProblem)] = [
    ("text", { $0 = Array("#!/bin/sh\n".utf8) + [UInt8](repeating: 10, count: 100) }, .notElf),
    ("empty", { $0 = [] }, .tooShort),
    ("short", { $0.removeSubrange(40...) }, .tooShort),
    ("32-bit", { $0[4] = 1 }, .notLittleEndian64),
    ("big-endian", { $0[5] = 2 }, .notLittleEndian64),
    ("program", { $0[16] = 2 }, .notShared),
    ("other machine", { $0[18] = 8 }, .otherMachine),
    ("no segments", { ($0[56], $0[57]) = (0, 0) }, .damaged("it has no segments")),
    ("cut", { $0.removeSubrange(70...) }, .damaged("its segment table lies outside the file")),
  ]

  @Test(arguments: strangers.indices)
  func `what is no shared library of this machine is refused`(_ index: Int) throws {
    let (_, change, problem) = Self.strangers[index]
    var bytes = try Self.good.get()
    change(&bytes)
    #expect(throws: problem) { try ElfFile(ByteSource(bytes)) }
  }

  @Test func `no change of bytes makes the reader do worse than refuse`() throws {
    let good = try Self.good.get()
    var random = Philox(seed: 1, label: "note fuzz")
    let interesting = try [0..<64, 64..<700, note(good)..<note(good) + 40, good.count - 2000..<good.count]
    var read = 0
    for _ in 0..<4000 {
      var bytes = good
      for _ in 0...random.integer(below: 6) {
        let range = interesting[random.integer(below: interesting.count)]
        let at = range.lowerBound + random.integer(below: range.count)
        switch random.integer(below: 4) {
        case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next32())
        case 1: bytes[at] = 0xFF
        case 2: bytes[at] = 0
        default: bytes[at] ^= 1 << UInt8(random.integer(below: 8))
        }
      }
      if random.integer(below: 8) == 0 { bytes.removeSubrange(random.integer(below: bytes.count)...) }
      let identity = FileIdentity(stat())
      do throws(PluginError) {
        _ = try PluginFile(ByteSource(bytes), path: "fuzz", identity: identity)
        read += 1
      } catch {
        #expect(error.exitCode == 70)
      }
    }
    // Many changes hit what the reader does not look at.
    #expect(read > 200 && read < 3800)
  }
}
