import Foundation

/// Numbers that somebody published, to stand beside ours: a YAML file that `lethe compare --paper` reads.
package struct PublishedTable: Sendable, Equatable, Codable {
  /// One published number.
  package struct Value: Sendable, Equatable, Codable {
    /// Which metric: a protocol's id up to its `@`, `ua` or `mia-svc`.
    package var metric: String
    /// The number, in the unit of our column.
    package var value: Double
  }

  /// What was published of one method.
  package struct Row: Sendable, Equatable, Codable {
    /// What our comparison calls the row.
    package var label: String
    /// Its numbers in the order written.
    package var values: [Value]

    /// The number of a metric, when there is one.
    package subscript(metric: String) -> Double? { values.first { $0.metric == metric }?.value }
  }

  /// Who published them, and where.
  package var source: String
  /// What they were measured on.
  package var setting: String
  /// What must be said beside them.
  package var note: String?
  /// The rows in order. `retrained` is the one that gaps are counted from.
  package var rows: [Row]

  /// The row of a method, when there is one.
  package subscript(label: String) -> Row? { rows.first { $0.label == label } }

  static let keys = RecipeSection(
    "",
    [
      RecipeKey("source", "text", "–", "who published the numbers, and where"),
      RecipeKey("setting", "text", "–", "what they were measured on"),
      RecipeKey("note", "text", "none", "what must be said beside them"),
      RecipeKey("rows", "map of maps", "–", "a row of the comparison: a number for each metric"),
    ])
}

extension PublishedTable {
  /// Reads a table's file.
  ///
  /// - Parameter currentFolder: what a relative `path` starts from, absolute.
  package init(path: String, currentFolder: String) throws(RunError) {
    let text = try RecipeText(path: path, absolute: Paths.absolute(path, in: currentFolder), shown: path)
    try self.init(text: text.text, file: path)
  }

  /// Reads a table's text.
  init(text: String, file: String) throws(RunError) {
    let root = try RecipeText(file: file, folder: "/", text: text).root("table")
    let top = try SectionReader(root, path: "", in: PublishedTable.keys, missingAt: .nowhere(file))
    func required(_ key: String, _ hint: String) throws(RunError) -> String {
      guard let text = try top.string(key) else { throw .missing(top.place, key: key, hint: hint) }
      return text
    }
    source = try required("source", "it says who published the numbers, and where")
    setting = try required("setting", "it says what they were measured on")
    note = try top.string("note")
    rows = []
    for entry in try top.section("rows", nil).entries {
      let section = try SectionReader(entry.value, path: "rows.\(entry.key)", in: nil, missingAt: entry.place)
      var values: [Value] = []
      for number in section.entries {
        let value = try section.double(number.value, number.key, "a finite number") { _ in true }
        values.append(Value(metric: number.key, value: value))
      }
      rows.append(Row(label: entry.key, values: values))
    }
    guard !rows.isEmpty else {
      throw .missing(top.place, key: "rows", hint: "it has a map of numbers for each row of the comparison")
    }
  }
}
