/// Random numbers that depend only on a seed, a label and a step: Philox 4×32 with ten rounds
/// (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).
///
/// The same numbers come out in every language and on every machine. All arithmetic is unsigned and wraps.
///
/// - key: `key64 = splitmix64(seed XOR fnv1a64(label))`, where `fnv1a64` is 64-bit FNV-1a over the label's UTF-8 bytes
///   (offset 0xcbf29ce484222325, prime 0x100000001b3) and `splitmix64(x)` is one output of SplitMix64 with state `x`:
///   add 0x9e3779b97f4a7c15; XOR with itself shifted right by 30, times 0xbf58476d1ce4e5b9; XOR with itself shifted
///   right by 27, times 0x94d049bb133111eb; XOR with itself shifted right by 31. `k0` is its low half, `k1` its high.
/// - counter: `(block low, block high, step low, step high)` with `block` = 0, 1, 2, … within one stream.
/// - a block gives four words, handed out in the order `x0 x1 x2 x3`; nothing is skipped, whatever is asked for.
/// - ``next64()`` is two words, the first one low; ``uniform()`` and ``integer(below:)`` take one ``next64()`` a try.
package struct Philox: Sendable {
  private let key: SIMD2<UInt32>
  private let step: UInt64
  private var block: UInt64 = 0
  private var words = SIMD4<UInt32>()
  private var used = 4

  /// The stream of one label at one step.
  ///
  /// - Parameters:
  ///   - seed: the run's seed, or a split's.
  ///   - label: what the numbers are for; two purposes never share one.
  ///   - step: which of the label's streams: an epoch, a training step, a class.
  package init(seed: UInt64, label: String, step: UInt64 = 0) {
    let key = Philox.splitmix64(seed ^ Philox.fnv1a64(label))
    self.key = SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    self.step = step
  }

  /// The next 32 bits.
  package mutating func next32() -> UInt32 {
    if used == 4 {
      let counter = SIMD4(
        UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
        UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32))
      words = Philox.rounds(counter: counter, key: key)
      block &+= 1
      used = 0
    }
    defer { used += 1 }
    return words[used]
  }

  /// The next 64 bits: two words, the first one low.
  package mutating func next64() -> UInt64 {
    let low = UInt64(next32())
    return low | UInt64(next32()) << 32
  }

  /// A number in [0, 1): the upper 53 bits of ``next64()``, times 2⁻⁵³.
  package mutating func uniform() -> Double {
    Double(next64() >> 11) * 0x1p-53
  }

  /// A whole number in 0 ..< `bound`, each equally likely: values of ``next64()`` below `2⁶⁴ mod bound` are thrown
  /// away, the first other one is taken modulo `bound`.
  ///
  /// - Precondition: `bound > 0`.
  package mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "a random whole number needs a positive bound")
    let bound = UInt64(bound)
    let rejected = (0 &- bound) % bound
    while true {
      let bits = next64()
      if bits >= rejected { return Int(bits % bound) }
    }
  }

  /// The numbers 0 ..< `count` in random order: Fisher and Yates from the back, `i = count−1 … 1` swapped with
  /// ``integer(below:)`` of `i + 1`.
  ///
  /// - Precondition: `0 <= count <= Int32.max`.
  package mutating func permutation(_ count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    shuffle(&order)
    return order
  }

  /// Puts the elements in random order, as ``permutation(_:)`` does.
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, through: 1, by: -1) {
      elements.swapAt(last, integer(below: last + 1))
    }
  }

  /// The ten rounds: four words from a counter and a key.
  static func rounds(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (x0, x1, x2, x3) = (counter[0], counter[1], counter[2], counter[3])
    var (k0, k1) = (key[0], key[1])
    for _ in 0..<10 {
      let first = x0.multipliedFullWidth(by: 0xD251_1F53)
      let second = x2.multipliedFullWidth(by: 0xCD9E_8D57)
      (x0, x1, x2, x3) = (second.high ^ x1 ^ k0, second.low, first.high ^ x3 ^ k1, first.low)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return SIMD4(x0, x1, x2, x3)
  }

  private static func fnv1a64(_ label: String) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }

  private static func splitmix64(_ state: UInt64) -> UInt64 {
    var bits = state &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
