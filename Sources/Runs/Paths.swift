import Foundation

/// What a recipe's paths are resolved with.
package struct ResolverEnvironment: Sendable {
  /// The environment's variables.
  package var variables: [String: String]
  /// The folder that paths on the command line start from, absolute.
  package var currentFolder: String
  /// Whether there is a file or folder at an absolute path.
  package var exists: @Sendable (String) -> Bool
  /// The text of the file at an absolute path; nil where there is none.
  package var text: @Sendable (String) -> String?

  /// Makes an environment of its parts.
  package init(
    variables: [String: String], currentFolder: String, exists: @escaping @Sendable (String) -> Bool,
    text: @escaping @Sendable (String) -> String? = { _ in nil }
  ) {
    self.text = text
    self.variables = variables
    self.currentFolder = currentFolder
    self.exists = exists
  }

  /// The process's own.
  package static var process: ResolverEnvironment {
    ResolverEnvironment(
      variables: ProcessInfo.processInfo.environment, currentFolder: FileManager.default.currentDirectoryPath,
      exists: { FileManager.default.fileExists(atPath: $0) }, text: { try? String(contentsOfFile: $0, encoding: .utf8) }
    )
  }

  /// A path as written, made absolute: variables and a leading `~` replaced; a relative one starts at the recipe's
  /// folder, or at the current folder when it was written on the command line.
  func resolve(_ text: String, key: String, place: Place, recipeFolder: String) throws(RunError) -> String {
    var expanded = try expand(text, key: key, place: place, recipeFolder: recipeFolder)
    if expanded == "~" || expanded.hasPrefix("~/") {
      guard let home = variables["HOME"] else { throw .unsetVariable(place, key: key, variable: "HOME") }
      expanded = home + expanded.dropFirst()
    }
    let base = if case .override = place { currentFolder } else { recipeFolder }
    return Paths.absolute(expanded, in: base)
  }

  private func expand(_ text: String, key: String, place: Place, recipeFolder: String) throws(RunError) -> String {
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      let isBraced = rest.first == "{"
      if isBraced { rest = rest.dropFirst() }
      let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      rest = rest[name.endIndex...]
      if isBraced {
        guard rest.first == "}" else {
          throw .wrongType(place, key: key, expected: "a path with ${NAME} closed", found: "'\(text)'")
        }
        rest = rest.dropFirst()
      }
      guard !name.isEmpty else {
        throw .wrongType(place, key: key, expected: "a path with a name after each '$'", found: "'\(text)'")
      }
      if let value = variables[String(name)], !value.isEmpty {
        result += value
      } else if name == "LETHE_DATA", let folder = dataBesideCheckout(recipeFolder) {
        result += folder
      } else {
        throw .unsetVariable(place, key: key, variable: String(name))
      }
    }
    return result + rest
  }

  /// `shared/data` beside the checkout that the recipe lies in: the first folder upwards with a `Package.swift`.
  private func dataBesideCheckout(_ recipeFolder: String) -> String? {
    var folder = recipeFolder
    while folder != "/" {
      if exists(Paths.absolute("Package.swift", in: folder)) {
        let data = Paths.absolute("../shared/data", in: folder)
        if exists(data) { return data }
      }
      folder = Paths.folder(of: folder)
    }
    return nil
  }
}

/// Arithmetic of absolute paths; looks at no file.
enum Paths {
  /// The path without `.`, `..` and doubled slashes, from `folder` when it is relative.
  static func absolute(_ path: String, in folder: String) -> String {
    var parts: [Substring] = path.hasPrefix("/") ? [] : folder.split(separator: "/")
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// The folder that an absolute path lies in; `/` lies in itself.
  static func folder(of path: String) -> String { absolute("..", in: path) }

  /// A path written in `file`, as somebody who named `file` would write it.
  static func beside(_ file: String, _ path: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    var parts = file.split(separator: "/").dropLast().map(String.init)
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(String(part)) }
    }
    return (file.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  /// Why a file could not be read.
  static func reason(_ path: String) -> String {
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    guard exists else { return "there is no such file" }
    return isFolder.boolValue ? "it is a folder" : "it cannot be read; check its permissions"
  }
}
