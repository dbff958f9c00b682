import Foundation
import Runs

/// The files of a new plugin, put together from `sdk/template`: what all have (`common`), what a role has (`role/ROLE`), what
/// a language has (`LANG/project`), and the one source file `LANG/ROLE.*`.
struct PluginTemplate {
  let sdk: URL
  let language: PluginLanguage
  let role: PluginRole
  let name: PluginName

  /// Where a language keeps its source, its manifest and what was built.
  private var places: (source: String, manifest: String?, built: String) {
    switch language {
    case .c: ("my-method.c", "manifest.json", ".")
    case .cpp: ("my-method.cpp", "manifest.json", ".")
    case .swift: ("Sources/MyMethod/MyMethod.swift", "Sources/MyMethodManifest/manifest.json", ".build/release")
    case .rust: ("src/lib.rs", "src/manifest.json", "target/release")
    case .python: ("my_method.py", nil, ".")
    }
  }

  /// Writes the project and gives its files, by path.
  ///
  /// - Throws: `noTemplate`, `isThere`, `cannotWrite`.
  func write(to target: URL) throws -> [String] {
    let files = try self.files()
    let manager = FileManager.default
    guard !manager.fileExists(atPath: target.path) else { throw CommandError.isThere(target.relativePath) }
    do {
      // Written beside its place and renamed: the folder is whole, or not there.
      let fresh = target.deletingLastPathComponent()
        .appendingPathComponent(".\(target.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier)")
      defer { try? manager.removeItem(at: fresh) }
      for (path, text) in files {
        let file = fresh.appendingPathComponent(path)
        try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        if path.hasSuffix(".sh") { try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path) }
      }
      try manager.moveItem(at: fresh, to: target)
    } catch {
      throw CommandError.cannotWrite(path: target.relativePath, reason: error.localizedDescription)
    }
    return files.keys.sorted()
  }

  /// The texts by path.
  func files() throws -> [String: String] {
    let template = sdk.appendingPathComponent("template")
    let own = template.appendingPathComponent(language.rawValue)
    let source = URL(fileURLWithPath: places.source).pathExtension
    guard let code = read(own.appendingPathComponent("\(role.rawValue).\(source)")) else {
      let roles = PluginRole.allCases.filter { role in
        read(own.appendingPathComponent("\(role.rawValue).\(source)")) != nil
      }
      throw CommandError.noTemplate(
        role: role.rawValue, language: language.rawValue, roles: roles.map(\.rawValue))
    }
    var found: [String: String] = [:]
    let about = template.appendingPathComponent("role/\(role.rawValue)")
    for folder in [template.appendingPathComponent("common"), about, own.appendingPathComponent("project")] {
      for path in (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? [] {
        if let text = read(folder.appendingPathComponent(path)) { found[path] = text }
      }
    }
    let manifest = found.removeValue(forKey: "manifest.json") ?? ""
    // A language's README is about building, a role's about the method; git would take a `.gitignore` of ours at its word.
    let method = found.removeValue(forKey: "method.md") ?? ""
    let building = found.removeValue(forKey: "building.md") ?? ""
    found["README.md"] = (found["README.md"] ?? "").replacing("@METHOD@\n", with: method)
      .replacing("@BUILDING@\n", with: building)
    if let ignored = found.removeValue(forKey: "gitignore") { found[".gitignore"] = ignored }
    let without = found.removeValue(forKey: "without") ?? ""
    found[places.source] = code
    if let place = places.manifest {
      found[place] = manifest
    } else {
      found[places.source] = code.replacing("# @MANIFEST@\n", with: Self.commented(manifest))
    }
    var filled: [String: String] = [:]
    for (path, text) in found {
      filled[name.fill(path)] = name.fill(fill(text, without: without.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
    return filled
  }

  /// The facts of this installation in a template's text.
  private func fill(_ text: String, without: String) -> String {
    let facts = Workshop.live.hostFacts
    let word =
      switch language {
      case .c: #""c""#
      case .cpp: #""c++""#
      case .swift: #""swift", "runtime": {"swift": "\#(facts.swift)", "linkage": "dynamic"}"#
      case .rust: #""rust""#
      case .python: #""python""#
      }
    return text.replacing(#""@LANGUAGE@""#, with: word).replacing(
      "@PLATFORM@", with: language == .python ? "any" : facts.platform
    )
    .replacing("@SDK@", with: sdk.path).replacing("@BUILT@", with: places.built)
    .replacing("@SOURCE@", with: places.source).replacing("@MANIFEST_FILE@", with: places.manifest ?? places.source)
    .replacing("@WITHOUT@", with: without).replacing("@ROLE@", with: role.rawValue)
  }

  /// The manifest as comments that can be read without running the file.
  private static func commented(_ manifest: String) -> String {
    "# /// lethe\n" + manifest.split(separator: "\n").map { "# \($0)\n" }.joined() + "# ///\n"
  }

  private func read(_ file: URL) -> String? { try? String(contentsOf: file, encoding: .utf8) }
}
