import Foundation
import Testing

@testable import Learning

struct SplitTests {
  /// 200 samples, class 0 three times as often as class 1.
  private static let data = labelled((0..<200).map { $0 % 4 == 3 ? 1 : 0 }, test: [0, 1, 1, 0, 1])

  private static func split(
    _ request: ForgetRequest, validation: Amount = .fraction(0.1), seed: UInt64 = 1
  ) throws -> Split {
    try Splitter.split(data, forgetting: request, validation: .amount(validation, seed: seed))
  }

  @Test(arguments: [
    ForgetRequest.random(.fraction(0.1), seed: 1), .random(.count(7), seed: 2), .ofClass("1", count: nil, seed: 1),
    .ofClass("class 0", count: 20, seed: 1),
  ])
  func `every training sample is in exactly one set`(_ request: ForgetRequest) throws {
    let split = try Self.split(request)
    #expect((split.forget + split.retain + split.validation).sorted() == (0..<200).map { $0 })
    for part in Split.Part.allCases { #expect(split[part] == split[part].sorted()) }
    #expect(try Self.split(request) == split)
  }

  @Test func `validation has the shares of the classes`() throws {
    let labels = Self.data.train.labels
    let byShare = try Self.split(.random(.count(5), seed: 1), validation: .fraction(0.1))
    #expect(byShare.validation.count { labels[Int($0)] == 1 } == 5)
    #expect(byShare.validation.count == 20)
    // 30 of 200: class 1 has 50 samples, so 7.5; the remainders are equal and the lower class takes the last one.
    let byCount = try Self.split(.random(.count(5), seed: 1), validation: .count(30))
    #expect(byCount.validation.count == 30)
    #expect(byCount.validation.count { labels[Int($0)] == 1 } == 7)
    #expect(try Self.split(.random(.count(5), seed: 1), validation: .fraction(0)).validation.isEmpty)
  }

  @Test func `a share of what is not held out is forgotten`() throws {
    #expect(try Self.split(.random(.fraction(0.1), seed: 1)).forget.count == 18)
    #expect(try Self.split(.random(.count(7), seed: 1)).forget.count == 7)
  }

  @Test func `seeds choose their draw and no other`() throws {
    let split = try Self.split(.random(.fraction(0.1), seed: 1))
    let otherForget = try Self.split(.random(.fraction(0.1), seed: 2))
    #expect(otherForget.validation == split.validation && otherForget.forget != split.forget)
    #expect(try Self.split(.random(.fraction(0.1), seed: 1), seed: 2).validation != split.validation)
    #expect(split.sha256 != otherForget.sha256)
  }

  @Test func `forgetting a whole class takes it out of the test set`() throws {
    let whole = try Self.split(.ofClass("1", count: nil, seed: 1))
    #expect(whole.forget.allSatisfy { Self.data.train.labels[Int($0)] == 1 })
    #expect(whole.retain.allSatisfy { Self.data.train.labels[Int($0)] == 0 })
    #expect(whole.test == [0, 3])
    #expect(try Self.split(.ofClass("class 1", count: whole.forget.count, seed: 1)) == whole)
    let some = try Self.split(.ofClass("1", count: 10, seed: 1))
    #expect(some.forget.count == 10 && some.test == [0, 1, 2, 3, 4])
    #expect(some.forget.allSatisfy { Self.data.train.labels[Int($0)] == 1 })
  }

  @Test func `listed samples are forgotten and never held out`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let plain = try Self.split(.random(.fraction(0.1), seed: 1))
    let listed = Array(plain.validation.prefix(3) + plain.retain.prefix(2)).sorted()
    let file = try folder.write(Array(listed.map { "\($0)\n" }.joined().utf8), to: "forget.txt")
    let split = try Self.split(.indices(file: file))
    #expect(split.forget == listed)
    #expect(split.validation.count == plain.validation.count)
    #expect(Set(split.validation).isDisjoint(with: listed))
    #expect(Set(split.validation).intersection(plain.validation).count == plain.validation.count - 3)
  }

  @Test func `split json makes the same split again`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let split = try Self.split(.random(.fraction(0.1), seed: 1))
    let file = try folder.write(split.json(), to: "split.json")
    #expect(try Split.read(file) == split)
    #expect(try Self.split(.indices(file: file)) == split)
    let changed = String(decoding: split.json(), as: UTF8.self).replacingOccurrences(
      of: "\"forget\":[\(split.forget[0])", with: "\"forget\":[\(split.retain[0])")
    let forged = try folder.write(Array(changed.utf8), to: "forged.json")
    #expect {
      try Split.read(forged)
    } throws: {
      guard case .splitHash(let found, let expected) = $0 as? LearningError else { return false }
      return found == split.sha256 && expected != found
    }
  }

  /// Computed by Python's hashlib from the form that Split documents.
  @Test func `the hash is the documented one`() {
    let split = Split(forget: [1, 258], retain: [0], validation: [], test: [0, 1])
    #expect(split.sha256 == "0c0e1abcac2f799357a51610abeab0b7c8ebccc8e4c95b7c5c05f022357b8de9")
    #expect(split.hash(of: .forget) == "e8eea92d62634e909c419306b11f6b7b02829ba29fbaa67044d536599f821d27")
  }

  @Test(arguments: [
    (ForgetRequest.random(.fraction(0), seed: 1), LearningError.emptyForgetSet),
    (.random(.count(180), seed: 1), .forgetEverything(count: 180)),
    (.random(.count(181), seed: 1), .countTooLarge(what: "forget.random", asked: 181, available: 180)),
    (.ofClass("2", count: nil, seed: 1), .unknownClass(name: "2", known: ["class 0", "class 1"])),
    (.ofClass("cat", count: nil, seed: 1), .unknownClass(name: "cat", known: ["class 0", "class 1"])),
    (.ofClass("1", count: 46, seed: 1), .countTooLarge(what: "forget.count", asked: 46, available: 45)),
    (.ofClass("1", count: 0, seed: 1), .emptyForgetSet),
  ])
  func `a request that cannot be met is refused`(_ request: ForgetRequest, _ error: LearningError) {
    #expect(throws: error) { try Self.split(request) }
  }

  @Test func `validation cannot take everything`() {
    #expect(throws: LearningError.countTooLarge(what: "data.validation", asked: 201, available: 200)) {
      try Self.split(.random(.count(1), seed: 1), validation: .count(201))
    }
    #expect(throws: LearningError.forgetEverything(count: 1)) {
      try Self.split(.random(.count(1), seed: 1), validation: .count(199))
    }
  }

  @Test(arguments: [(0.1, Amount.fraction(0.1)), (0, .fraction(0)), (1, .count(1)), (4500, .count(4500))])
  func `a number of a recipe is a fraction below one and a count from there`(_ number: Double, _ amount: Amount) throws
  {
    #expect(try Amount(number, what: "forget.random") == amount)
  }

  @Test(arguments: [-0.1, 1.5, -3, .infinity]) func `any other number is refused`(_ number: Double) {
    #expect(throws: LearningError.badAmount(what: "forget.random", value: number)) {
      try Amount(number, what: "forget.random")
    }
  }

  @Test func `a limit takes samples from the front of the permutation`() throws {
    let whole = try Dataset.load(.glyphs(seed: 1), permutationSeed: 3, cancel: CancelFlag())
    let front = try Dataset.load(
      .glyphs(seed: 1), permutationSeed: 3, trainLimit: 100, testLimit: 50, cancel: CancelFlag())
    #expect(front.train == whole.train.gathering((0..<100).map { Int32($0) }))
    #expect(front.test.labels == Array(whole.test.labels.prefix(50)))
    #expect(front.mean == whole.mean)
    #expect(throws: LearningError.countTooLarge(what: "data.train", asked: 10_001, available: 10_000)) {
      try Dataset.load(.glyphs(seed: 1), permutationSeed: 3, trainLimit: 10_001, cancel: CancelFlag())
    }
  }

  // MARK: Validation by a file

  private static func split(
    _ request: ForgetRequest, holding lines: String, in name: String = "validation.txt"
  ) throws -> Split {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    return try Splitter.split(
      data, forgetting: request, validation: .indices(file: folder.write(Array(lines.utf8), to: name)))
  }

  @Test func `validation samples are those of the file, and nothing else uses them`() throws {
    let split = try Self.split(.random(.count(50), seed: 1), holding: "9\n4\n150\n")
    #expect(split.validation == [4, 9, 150])
    #expect(split.forget.count == 50 && split.retain.count == 147)
    #expect(Set(split.forget + split.retain).isDisjoint(with: [4, 9, 150]))
    let none = try Self.split(.random(.count(50), seed: 1), holding: "")
    #expect(none.validation.isEmpty && none.retain.count == 150)
  }

  @Test func `a split.json gives its validation samples again`() throws {
    let split = try Self.split(.random(.count(50), seed: 1))
    let json = String(decoding: split.json(), as: UTF8.self)
    let again = try Self.split(.random(.count(3), seed: 1), holding: json, in: "split.json")
    #expect(again.validation == split.validation)
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let file = try folder.write(split.json(), to: "split.json")
    #expect(
      try IndexFile.read(file, count: 200, parts: [.forget, .retain]).sorted() == (split.forget + split.retain).sorted()
    )
  }

  @Test func `a sample that is held out cannot be forgotten`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let forget = try folder.write(Array("3\n4\n".utf8), to: "forget.txt")
    let error = #expect(throws: LearningError.self) {
      try Self.split(.indices(file: forget), holding: "1\n4\n")
    }
    #expect(error?.description.hasPrefix("index 4 in ") == true, "\(error.map { "\($0)" } ?? "nothing")")
  }

  @Test func `half of the data can be forgotten, and the attack has its shadow members`() throws {
    let split = try Self.split(.random(.fraction(0.5), seed: 1))
    #expect(split.forget.count == 90 && split.retain.count == 90 && split.validation.count == 20)
    #expect(split.retain.count >= split.test.count)
  }
}
