extension RunReport {
  /// The numbers that the first table leaves out, one a row.
  var detailNumbers: [Markup] {
    let records = comparedModels
    let columns = MetricColumn.columns(of: records, areDetails: true)
    guard !columns.isEmpty else { return [] }
    return [
      Page.details(
        columns.map { column in (column, records.map { tableCell(column, $0) }) }, of: records.map(\.model.text))
    ]
  }

  /// Accuracy and loss of each class, a table a set. Those that decide little, and all where there are many classes, are
  /// folded up.
  var classNumbers: [Markup] {
    let tables = classTables.map { table -> Markup in
      let name = "\(table.set.rawValue) set"
      let heading = table.heading.enumerated().map { index, text in
        Markup("th", index > 0 ? ["scope": "col", "class": "number"] : ["scope": "col"], text: text)
      }
      let rows = (0..<table.count).map { index -> Markup in
        let row = table.models[0].classes[index]
        let cells = table.numbers(index).map { number in
          Markup(
            "td", ["class": "number"], number.value.map { Page.number($0, unit: number.unit) } ?? [Markup(text: "–")])
        }
        return Markup(
          "tr", [:],
          [
            Markup("th", ["scope": "row"], text: row.name),
            Markup("td", ["class": "number"], text: String(row.samples)),
          ] + cells)
      }
      let found = Page.table("Classes of the \(name)", heading: heading, rows: rows)
        .adding(["data-classes": table.set.rawValue])
      let isOpen = table.count <= 20 && [.forget, .test].contains(table.set)
      return Markup("details", isOpen ? ["open": "open"] : [:], [Markup("summary", text: "The \(name)"), found])
    }
    guard !tables.isEmpty else { return [] }
    let protocols = Markup(
      "p", ["class": "soft"], text: "Protocols: \(ClassNumbers.accuracyID), \(ClassNumbers.lossID).")
    return tables + [protocols]
  }
}

extension Page {
  /// Numbers one a row, of which `names` are the columns.
  static func details(_ rows: [(column: MetricColumn, cells: [Markup])], of names: [String]) -> Markup {
    let heading =
      [Markup("th", ["scope": "col"], text: "number")]
      + names.map { Markup("th", ["scope": "col", "class": "number"], text: $0) }
    let body = rows.map { row in
      Markup("tr", [:], [Markup("th", ["scope": "row", "title": row.column.id], text: row.column.heading)] + row.cells)
    }
    return Markup(
      "div", ["class": "wide"], [table("More numbers", heading: heading, rows: body).adding(["id": "details"])])
  }
}
