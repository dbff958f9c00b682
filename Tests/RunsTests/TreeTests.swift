import Testing

@testable import Runs

@Suite struct TreeTests {
  @Test(
    arguments: [
      ("~", Tree.null), ("null", .null), ("true", .bool(true)), ("False", .bool(false)), ("yes", .string("yes")),
      ("12", .int(12)), ("-3", .int(-3)), ("+4", .int(4)), ("1.0", .float(1)), ("1e-8", .float(1e-8)),
      ("1.0e-8", .float(1e-8)), (".5", .float(0.5)), ("-.inf", .float(-.infinity)), ("0x10", .string("0x10")),
      ("1_000", .string("1_000")), ("e", .string("e")), ("-", .string("-")), ("1.2.3", .string("1.2.3")),
      ("nan", .string("nan")), ("inf", .string("inf")), ("99999999999999999999", .float(1e20)),
    ])
  func `plain scalars mean what YAML's core schema says`(_ text: String, _ tree: Tree) {
    #expect(Tree.scalar(plain: text) == tree)
  }

  @Test(
    arguments: [
      Tree.string(""), .string("null"), .string("1"), .string("1.5"), .string("true"), .string("yes"),
      .string("a: b"), .string("# no"), .string(" space "), .string("line\nbreak\ttab"), .string("\"quoted\" \\"),
      .string("[x"), .string("käse 🧀"), .string("- a"), .string("\u{1}\u{85}\u{2028}"), .string("a#b"),
      .float(1), .float(0.1), .float(1e-8), .float(.infinity), .float(-.infinity), .float(.leastNonzeroMagnitude),
      .int(.min),
      .int(.max), .null, .bool(false), .list([]), .map([]),
      .list([.int(1), .list([.int(2)]), .map([TreeEntry("k", .list([.string("x")]))]), .map([])]),
      .map([
        TreeEntry("b", .map([TreeEntry("1", .int(1)), TreeEntry("no", .null)])), TreeEntry("a", .list([.float(2)])),
        TreeEntry("key: odd", .map([TreeEntry("deep", .map([TreeEntry("er", .string("x"))]))])),
      ]),
    ])
  func `YAML that is written and read is the same tree`(_ tree: Tree) throws {
    let map = Tree.map([TreeEntry("value", tree)])
    #expect(try Written.parse(map.yaml(), file: "tree").tree == map)
  }

  @Test func `JSON keeps floats apart from whole numbers and sorts keys on demand`() {
    let tree = Tree.map([
      TreeEntry("b", .list([.int(1), .float(1), .float(.nan), .float(-.infinity), .null])),
      TreeEntry("a", .string("\u{1}\"\\\n")),
    ])
    #expect(tree.json() == #"{"b":[1,1.0,"nan","-inf",null],"a":"\u0001\"\\\n"}"#)
    #expect(tree.json(sorted: true) == #"{"a":"\u0001\"\\\n","b":[1,1.0,"nan","-inf",null]}"#)
    #expect(Tree.map([TreeEntry("a", .list([.int(1)]))]).prettyJSON() == "{\n  \"a\": [\n    1\n  ]\n}\n")
    #expect(Tree.map([]).prettyJSON() == "{}\n")
  }

  @Test func `the decoder takes 1 for a float but not 1.0 for a whole number`() throws {
    #expect(try TreeDecoder.decode([Double].self, from: .list([.int(1), .float(0.5)])) == [1, 0.5])
    #expect(throws: DecodingError.self) { try TreeDecoder.decode([Int].self, from: .list([.float(1)])) }
    #expect(throws: DecodingError.self) { try TreeDecoder.decode([UInt8].self, from: .list([.int(256)])) }
    #expect(throws: DecodingError.self) { try TreeDecoder.decode([String].self, from: .list([.int(1)])) }
    #expect(throws: DecodingError.self) { try TreeDecoder.decode([Bool].self, from: .list([.int(1)])) }
  }

  @Test func `dictionaries are encoded in the order of their keys`() throws {
    let tree = try TreeEncoder.encode(["z": 1, "a": 2, "m": 3])
    #expect(tree.json() == #"{"a":2,"m":3,"z":1}"#)
  }
}
