import Testing

@testable import Learning

struct PhiloxTests {
  /// The known answers that Random123, the authors' own implementation, is tested with.
  @Test(
    arguments: [
      ([0, 0, 0, 0], [0, 0], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
      (
        [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [0xFFFF_FFFF, 0xFFFF_FFFF],
        [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
      ),
      (
        [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
        [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
      ),
    ] as [([UInt32], [UInt32], [UInt32])])
  func `its rounds give the published answers`(_ counter: [UInt32], _ key: [UInt32], _ answer: [UInt32]) {
    let words = Philox.rounds(counter: SIMD4(counter), key: SIMD2(key))
    #expect((0..<4).map { words[$0] } == answer)
  }

  /// Computed by a C program written from the specification in Philox.swift.
  @Test func `key and counter come from seed, label and step as specified`() {
    var words = Philox(seed: 42, label: "loreun/noise", step: 7)
    #expect(
      (0..<6).map { _ in words.next32() } == [
        0x451D_6713, 0xCA75_2E9F, 0x766F_74B1, 0x7919_42EC, 0x6B58_3044, 0x72AF_0AC1,
      ])
    var pairs = Philox(seed: 42, label: "loreun/noise", step: 7)
    #expect(pairs.next64() == 0xCA75_2E9F_451D_6713)
    var fractions = Philox(seed: 42, label: "loreun/noise", step: 7)
    #expect(fractions.uniform() == 0.790850557216904)
    var digits = Philox(seed: 42, label: "loreun/noise", step: 7)
    #expect((0..<8).map { _ in digits.integer(below: 10) } == [9, 5, 8, 8, 1, 3, 6, 1])
  }

  @Test func `a permutation has every number once`() {
    var random = Philox(seed: 1, label: "test")
    #expect(random.permutation(1000).sorted() == (0..<1000).map { $0 })
    #expect(random.permutation(0).isEmpty)
  }

  @Test func `whole numbers below a bound are equally frequent`() {
    var random = Philox(seed: 1, label: "test")
    var counts = [0, 0, 0]
    for _ in 0..<30_000 { counts[random.integer(below: 3)] += 1 }
    // Five standard deviations of a binomial count: sqrt(30000 · 2/9) = 82.
    for count in counts { #expect(abs(count - 10_000) < 410) }
  }
}
