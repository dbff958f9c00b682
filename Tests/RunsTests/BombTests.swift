import Testing

@testable import Runs

/// Texts that mean more than they say.
struct BombTests {
  /// Nine levels of aliases, each nine times the one before: 43 million values.
  private static let laughs: String = {
    let levels = (1..<9).map { level in
      "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ","))]"
    }
    return "{a0: &a0 [x,x,x,x,x,x,x,x,x], \(levels.joined(separator: ", "))}"
  }()

  @Test func `aliases of aliases are counted out and refused at once`() throws {
    let clock = ContinuousClock()
    let began = clock.now
    #expect {
      try Written.parse(value: Self.laughs, override: "x")
    } throws: { error in
      "\(error)".contains("more than 200000 values")
    }
    #expect(clock.now - began < .seconds(20))
    // An alias as people use it is fine.
    let plain = try Written.parse(value: "{a: &a {b: 1}, c: *a}", override: "x").tree
    #expect(plain["c"]?["b"] == .int(1))
  }

  @Test(arguments: [65, 999, 5000, 30_000])
  func `what is nested too deep is refused, however deep`(_ depth: Int) {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
      let text = String(repeating: open, count: depth) + "x" + String(repeating: close, count: depth)
      #expect(throws: RunError.self) { try Written.parse(value: text, override: "x") }
    }
    #expect(throws: Never.self) {
      try Written.parse(value: String(repeating: "[", count: 60) + String(repeating: "]", count: 60), override: "x")
    }
  }
}
