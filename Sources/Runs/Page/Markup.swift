/// A piece of a page: an HTML or SVG element, or text.
///
/// What is written out is well-formed HTML and XML at once, whatever the texts are: they are escaped here and nowhere else.
struct Markup {
  private enum Content {
    case element(name: String, attributes: [(name: String, value: String)], children: [Markup])
    case text(String)
    case style(String)
  }

  private let content: Content

  /// An element. Attributes keep their order.
  init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: [Markup] = []) {
    content = .element(name: name, attributes: attributes.map { (name: $0.key, value: $0.value) }, children: children)
  }

  /// An element that holds text only.
  init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String) {
    self.init(name, attributes, [Markup(text: text)])
  }

  /// Text.
  init(text: String) { content = .text(text) }

  /// A style sheet of our own.
  ///
  /// - Precondition: it has no character that HTML or XML would read as markup.
  init(style: String) {
    precondition(!style.contains { "<&>".contains($0) }, "a style sheet stands in the page as it is")
    content = .style(style)
  }

  /// The element with these as its first attributes; text is left as it is.
  func adding(_ attributes: KeyValuePairs<String, String>) -> Markup {
    guard case .element(let name, let old, let children) = content else { return self }
    return Markup(
      .element(name: name, attributes: attributes.map { (name: $0.key, value: $0.value) } + old, children: children))
  }

  private init(_ content: Content) { self.content = content }

  /// The page of a document.
  static func document(_ html: Markup) -> String { "<!DOCTYPE html>" + html.written + "\n" }

  /// As a file holds it.
  var written: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to out: inout String) {
    switch content {
    case .text(let text): Markup.escape(text, to: &out)
    case .style(let style): out += "<style>\n\(style)</style>"
    case .element(let name, let attributes, let children):
      if !Markup.inline.contains(name) { out += "\n" }
      out += "<\(name)"
      for (name, value) in attributes {
        out += " \(name)=\""
        Markup.escape(value, to: &out)
        out += "\""
      }
      if children.isEmpty, Markup.empty.contains(name) {
        out += "/>"
        return
      }
      out += ">"
      for child in children { child.write(to: &out) }
      out += "</\(name)>"
    }
  }

  /// Elements that begin no line of their own: in text, a line feed would show as a space.
  private static let inline: Set = [
    "a", "code", "data", "img", "em", "span", "strong", "td", "text", "th", "title", "tspan", "pre", "summary", "h1",
  ]

  /// Elements that have no end tag when they are empty.
  private static let empty: Set = ["circle", "img", "line", "meta", "path", "rect"]

  /// Adds text, with markup taken out of it. What XML cannot hold becomes a replacement character.
  private static func escape(_ text: String, to out: inout String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      case "\n", "\t": out.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{FFFE}"..."\u{FFFF}": out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
  }
}

/// A table of data below a plot: what the plot shows, value by value.
struct DataTable {
  /// A cell.
  enum Cell {
    case text(String)
    /// A number exactly as `report.json` has it.
    case number(Double)
    case count(Int)
    case none
  }

  /// What the rows are about, for programs: `losses`.
  let id: String
  /// The columns' headings.
  let heading: [String]
  /// The rows, each as long as the heading.
  let rows: [[Cell]]

  /// The table, folded up.
  var markup: Markup {
    let head = Markup("thead", [:], [Markup("tr", [:], heading.map { Markup("th", ["scope": "col"], text: $0) })])
    let body = Markup("tbody", [:], rows.map { row in Markup("tr", [:], row.map(DataTable.cell)) })
    let table = Markup("table", ["class": "data", "data-table": id], [head, body])
    return Markup(
      "details", [:],
      [
        Markup("summary", text: "Data of this plot"),
        Markup("div", ["class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Data"], [table]),
      ])
  }

  private static func cell(_ cell: Cell) -> Markup {
    switch cell {
    case .text(let text): Markup("td", text: text)
    case .count(let count): Markup("td", ["class": "number"], text: String(count))
    case .none: Markup("td", ["class": "number"], text: "–")
    case .number(let value):
      Markup("td", ["class": "number"], [Markup("data", ["value": exact(value)], text: exact(value))])
    }
  }

  /// A number with all its digits.
  static func exact(_ value: Double) -> String {
    value.isFinite ? "\(value)" : value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
  }
}
