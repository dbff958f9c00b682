import Foundation
import Testing

@testable import Learning

struct IndexFileTests {
  private static func read(_ bytes: [UInt8], _ name: String) throws -> [Int32] {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    return try IndexFile.read(folder.write(bytes, to: name), count: 100)
  }

  private static func error(_ bytes: [UInt8], _ name: String) throws -> String {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    do {
      _ = try IndexFile.read(folder.write(bytes, to: name), count: 100)
      return "nothing was thrown"
    } catch let error as LearningError {
      return error.description.replacing(folder.url.path + "/", with: "")
    }
  }

  private static func npy(_ kind: String, _ shape: String, _ data: [UInt8]) -> [UInt8] {
    var header = Array("{'descr': '\(kind)', 'fortran_order': False, 'shape': \(shape), }".utf8)
    while (header.count + 11) % 64 != 0 { header.append(0x20) }
    header.append(0x0A)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + data
  }

  private static let expectation =
    "; expected one index a line, a .json array of whole numbers, or a .npy vector of integers"

  @Test func `text, JSON and NumPy say the same`() throws {
    #expect(try Self.read(Array("7\n# a comment\n\n 99 # the last\r\n0".utf8), "forget.txt") == [7, 99, 0])
    #expect(try Self.read(Array("[7, 99, 0]".utf8), "forget.json") == [7, 99, 0])
    #expect(try Self.read(Self.npy("<i4", "(3,)", [7, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]), "a.npy") == [7, 99, 0])
    #expect(
      try Self.read(Self.npy("<i8", "(2,)", [7, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]), "a.npy") == [7, 99])
  }

  @Test func `what is no index is shown with its line`() throws {
    #expect(
      try Self.error(Array("1\ntwo\n".utf8), "a.txt") == "index file 'a.txt' has 'two' in line 2" + Self.expectation)
    #expect(try Self.error([0xFF, 0xFE], "a.txt") == "index file 'a.txt' is not text" + Self.expectation)
    #expect(
      try Self.error(Array("[1.5]".utf8), "a.json")
        == "index file 'a.json' is neither an array of whole numbers nor a split.json" + Self.expectation)
  }

  @Test func `a NumPy file of another kind is refused`() throws {
    #expect(
      try Self.error(Array("[1]".utf8), "a.npy") == "index file 'a.npy' does not start as a .npy file does"
        + Self.expectation)
    #expect(
      try Self.error(Self.npy("<f8", "(1,)", Array(repeating: 0, count: 8)), "a.npy")
        == "index file 'a.npy' does not hold 32-bit or 64-bit little-endian integers" + Self.expectation)
    #expect(
      try Self.error(Self.npy("<i4", "(1, 1)", [0, 0, 0, 0]), "a.npy")
        == "index file 'a.npy' does not hold a vector" + Self.expectation)
    #expect(
      try Self.error(Self.npy("<i4", "(2,)", [0, 0, 0, 0]), "a.npy")
        == "index file 'a.npy' holds 4 bytes where its header announces 8" + Self.expectation)
  }

  @Test func `an index outside the data or twice is refused`() throws {
    #expect(
      try Self.error(Array("1\n100\n".utf8), "a.txt") == "index 100 in 'a.txt' is no training sample; expected 0 to 99")
    #expect(
      try Self.error(Array("[-1]".utf8), "a.json") == "index -1 in 'a.json' is no training sample; expected 0 to 99")
    #expect(try Self.error(Array("5\n5\n".utf8), "a.txt") == "index 5 is twice in 'a.txt'; expected each sample once")
  }

  @Test func `a file that is not there is named`() {
    #expect(throws: LearningError.missing(path: "/no/such.txt", expected: "a file")) {
      try IndexFile.read("/no/such.txt", count: 1)
    }
  }
}
