import Testing

@testable import Learning

struct GlyphsTests {
  @Test func `every machine writes the same letters`() throws {
    let (train, test) = try Glyphs.load(cancel: CancelFlag())
    var hash = SHA256()
    hash.update(train.pixels)
    hash.update(test.pixels)
    #expect(hash.hexadecimal() == "beab9cb4237b9f6eca25038f0301949d4f95e1bc6c2afe064055b95b869f4de7")
  }

  @Test func `there are as many of each letter`() throws {
    let (train, test) = try Glyphs.load(cancel: CancelFlag())
    #expect(shape(train) == [10_000, 1, 28, 28])
    #expect(test.count == 2_000)
    for label in 0..<Int32(10) {
      #expect(train.labels.count { $0 == label } == 1_000)
      #expect(test.labels.count { $0 == label } == 200)
    }
  }

  @Test func `no test image is a training image`() throws {
    let (train, test) = try Glyphs.load(cancel: CancelFlag())
    let known = Set((0..<train.count).map { train.pixels[$0 * 784..<($0 + 1) * 784] })
    #expect(known.count == train.count)
    #expect((0..<test.count).allSatisfy { !known.contains(test.pixels[$0 * 784..<($0 + 1) * 784]) })
  }

  @Test func `another seed gives other letters`() throws {
    let first = try Glyphs.load(seed: 1, cancel: CancelFlag())
    let second = try Glyphs.load(seed: 2, cancel: CancelFlag())
    #expect(first.test.labels == second.test.labels)
    #expect(first.test.pixels != second.test.pixels)
  }

  @Test func `a raised flag stops the scribe`() {
    let cancel = CancelFlag()
    cancel.cancel(signal: 15)
    #expect(throws: LearningError.interrupted(signal: 15)) { try Glyphs.load(cancel: cancel) }
  }
}
