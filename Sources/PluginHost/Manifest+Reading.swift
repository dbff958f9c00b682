extension Manifest {
  /// The only form of manifest there is so far.
  static let schema: Int64 = 1

  /// Reads and checks the text of a note. What a newer host may know and this one does not is no fault: unknown keys
  /// are collected, unknown roles kept as text.
  static func read(_ text: String) throws(ManifestProblem) -> Manifest {
    let tree: JSONValue
    do throws(JSONProblem) {
      tree = try JSONText.read(text)
    } catch {
      throw .notJSON(error)
    }
    var reader = try ManifestReader(tree, at: "")
    guard let schema = try reader.whole("schema") else { throw .missing(key: "schema") }
    guard schema == Self.schema else { throw .schema(found: schema, wanted: Self.schema) }
    let id = try reader.requiredText("id")
    guard id.isIdentifier else { throw .badName(key: "id", found: id, pattern: identifierPattern) }
    let version = try reader.requiredText("version")
    guard version.utf8.count <= 64, version.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw .badName(key: "version", found: version, pattern: "1.2.0")
    }
    guard let abiValue = reader.find("abi") else { throw .missing(key: "abi") }
    var abi = try ManifestReader(abiValue, at: "abi")
    guard let generation = try abi.whole("generation") else { throw .missing(key: "abi.generation") }
    let minor = try abi.whole("min_minor") ?? 0
    guard minor >= 0 else { throw .badNumber(key: "abi.min_minor", found: minor) }
    var unknown: [String] = []
    let runtime = try runtime(&reader, &unknown)
    let strategies = try strategies(&reader, &unknown)
    let manifest = Manifest(
      id: id, version: version, license: try reader.text("license"), doc: try reader.text("doc") ?? "",
      generation: Int(generation), minimumMinor: Int(minor), requires: try reader.texts("requires"),
      platform: try reader.requiredText("platform"), language: try reader.text("language"),
      swiftVersion: runtime.version, swiftLinkage: runtime.linkage,
      determinism: try reader.word("determinism", Determinism.self) ?? .none, strategies: strategies,
      unknownKeys: [])
    return manifest.with(unknownKeys: reader.unknownKeys + abi.unknownKeys + unknown)
  }

  private func with(unknownKeys: [String]) -> Manifest {
    var copy = self
    copy.unknownKeys = unknownKeys
    return copy
  }

  private static func runtime(
    _ reader: inout ManifestReader, _ unknown: inout [String]
  ) throws(ManifestProblem) -> (version: String?, linkage: SwiftLinkage?) {
    guard let value = reader.find("runtime") else { return (nil, nil) }
    var runtime = try ManifestReader(value, at: "runtime")
    let version = try runtime.text("swift")
    let linkage = try runtime.word("linkage", SwiftLinkage.self)
    guard version != nil || linkage != .dynamic else { throw .missing(key: "runtime.swift") }
    unknown += runtime.unknownKeys
    return (version, linkage)
  }

  private static func strategies(
    _ reader: inout ManifestReader, _ unknown: inout [String]
  ) throws(ManifestProblem) -> [StrategyManifest] {
    var strategies: [StrategyManifest] = []
    for (index, value) in try reader.list("strategies").enumerated() {
      let strategy = try StrategyManifest.read(value, at: "strategies[\(index)]", &unknown)
      guard !strategies.contains(where: { $0.id == strategy.id }) else {
        throw .twice(key: "strategies", value: strategy.id)
      }
      strategies.append(strategy)
    }
    guard !strategies.isEmpty else { throw .missing(key: "strategies") }
    return strategies
  }
}

/// What ids look like.
let identifierPattern = "[a-z0-9][a-z0-9._-]*"

extension StringProtocol {
  private func isName(first: (UInt8) -> Bool, rest: (UInt8) -> Bool) -> Bool {
    guard let head = utf8.first, utf8.count <= 128 else { return false }
    return first(head) && utf8.dropFirst().allSatisfy(rest)
  }

  /// Whether it is an id of a plugin or strategy: `identifierPattern`, at most 128 bytes.
  var isIdentifier: Bool {
    isName(
      first: { $0.isLower || $0.isDigit },
      rest: { $0.isLower || $0.isDigit || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D })
  }

  /// Whether it is the key of a parameter: `[a-z][a-z0-9_]*`, at most 128 bytes.
  var isParameterKey: Bool { isName(first: \.isLower, rest: { $0.isLower || $0.isDigit || $0 == 0x5F }) }

  /// Whether it is the name of a term: `[a-z][a-z0-9_-]*`, at most 128 bytes.
  var isTermName: Bool {
    isName(first: \.isLower, rest: { $0.isLower || $0.isDigit || $0 == 0x5F || $0 == 0x2D })
  }

  /// Whether it is the key of a reported value: `[a-z][a-z0-9_.]*`, at most 128 bytes.
  var isReportKey: Bool {
    isName(first: \.isLower, rest: { $0.isLower || $0.isDigit || $0 == 0x5F || $0 == 0x2E })
  }
}

extension UInt8 {
  fileprivate var isLower: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
