import Foundation

/// A recipe's file as it was read.
package struct RecipeText: Sendable, Equatable, Codable {
  /// The file as messages call it.
  package var file: String
  /// The folder it lies in, absolute.
  package var folder: String
  /// What is in it.
  package var text: String

  /// Makes a text of its parts.
  init(file: String, folder: String, text: String) {
    self.file = file
    self.folder = folder
    self.text = text
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file as messages call it from then on.
  ///   - shown: what the message calls it when it cannot be read.
  init(path: String, absolute: String, shown: String) throws(RunError) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: absolute))
    } catch {
      throw .unreadable(file: shown, reason: Paths.reason(absolute))
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .notYAML(.nowhere(path), reason: "the file is not UTF-8 text")
    }
    self.init(file: path, folder: Paths.folder(of: absolute), text: text)
  }

  /// The map that was written; `what` is what messages call it.
  func root(_ what: String = "recipe") throws(RunError) -> Written {
    let root = try Written.parse(text, file: file)
    guard root.entries != nil else {
      throw .wrongType(root.place, key: what, expected: "a map of keys", found: root.words)
    }
    return root
  }

  /// The recipes that this one is written on top of, the nearest first.
  func bases() throws(RunError) -> [RecipeText] {
    var bases: [RecipeText] = []
    var seen: Set<String> = [Paths.absolute(file.split(separator: "/").last.map(String.init) ?? file, in: folder)]
    var current = self
    while let from = try current.root()["from"], !from.isNull {
      guard case .scalar(.string(let written)) = from.content else {
        throw .wrongType(from.place, key: "from", expected: "a recipe's path", found: from.words)
      }
      let absolute = Paths.absolute(written, in: current.folder)
      guard seen.insert(absolute).inserted else {
        throw .doesNotGoWith(
          from.place, key: "from", other: "'\(written)'", hint: "that recipe is written on top of this one")
      }
      current = try RecipeText(
        path: Paths.beside(current.file, written), absolute: absolute, shown: "\(from.place.text): 'from: \(written)'")
      bases.append(current)
    }
    return bases
  }
}
