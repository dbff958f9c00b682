import Testing

@testable import PluginHost

/// The manifest among the comments of a source file.
struct SourceManifestTests {
  private func text(_ source: String) throws(NoteProblem) -> String {
    try SourceManifest.text(ByteSource(Array(source.utf8)))
  }

  @Test func `it is what stands behind the hashes, whatever stands around it`() throws {
    let source =
      "#!/usr/bin/env python3\r\n# A licence.\n\n# /// lethe\r\n# {\"a\":\r\n# 1}\n#\n# ///\nimport os\n"
    #expect(try text(source) == "{\"a\":\n1}\n")
  }

  static let wrong: [(String, NoteProblem)] = [
    ("", .missing), ("\n\n", .missing), ("# /// lethe", .unclosed), ("# /// lethe\n#{}\n# ///\n", .unclosed),
    ("# //// lethe\n# {}\n# ///\n", .missing), ("# /// lethe\n# {}\n", .unclosed),
    ("# /// lethe\n# {}\n\n# ///\n", .unclosed), ("# /// lethe\n# {}\nimport os\n# ///\n", .unclosed),
    ("# /// lethe\n# \u{0}\n# ///\n", .zeroInside),
    (
      "# /// lethe\n# " + String(repeating: "x", count: Int(ElfFile.largestManifest)) + "\n# ///\n",
      .unclosed
    ),
    ("# /// lethe\n" + String(repeating: "# x\n", count: Int(ElfFile.largestManifest)), .unclosed),
  ]

  @Test func `a file without one, or with half of one, is refused`() {
    for (source, problem) in Self.wrong { #expect(throws: problem) { try text(source) } }
    #expect(throws: NoteProblem.notUTF8) {
      try SourceManifest.text(ByteSource(Array("# /// lethe\n# ".utf8) + [0xFF] + Array("\n# ///\n".utf8)))
    }
  }

  @Test func `only a source may be for any platform`() throws {
    let manifest = try Manifest.read(Fixture.manifest.replacing("\"\(HostFacts.platform)\"", with: "\"any\""))
    try HostFacts.admit(manifest, exports: nil, isSource: true)
    #expect(throws: AdmissionProblem.platform(found: "any", wanted: HostFacts.platform)) {
      try HostFacts.admit(manifest, exports: nil)
    }
  }
}
