extension RunReport {
  /// The models that are compared at the end, those that were measured.
  var comparedModels: [ModelRecord] {
    [MeasuredModel.original, .retrained, .unlearned].compactMap { self[model: $0] }
  }

  /// The numbers that the table of the head leaves out, one a row; nil when there are none.
  var detailTable: TextTable? {
    let records = comparedModels
    let columns = MetricColumn.columns(of: records, areDetails: true)
    guard !columns.isEmpty else { return nil }
    let reference = self[model: .retrained]
    return TextTable(
      heading: ["number"] + records.map(\.model.text),
      rows: columns.map { column in [column.heading] + records.map { cell(column, $0, reference) } })
  }

  var detailText: String { detailTable.map { "## More numbers\n\n\($0.markdown)\n" } ?? "" }

  /// A table of the classes in one set: for each model that was measured on it accuracy and loss.
  struct ClassTable {
    /// The set.
    let set: SampleSet
    /// The numbers of each model, all with the same classes.
    let models: [ClassNumbers]

    /// How many classes.
    var count: Int { models.first?.classes.count ?? 0 }

    /// The columns' headings.
    var heading: [String] {
      ["class", "samples"] + models.map { "\($0.model.text): acc [%]" } + models.map { "\($0.model.text): loss [nats]" }
    }

    /// What a class has, column by column: nil where it has no samples.
    func numbers(_ index: Int) -> [(value: Double?, unit: String)] {
      models.map { ($0.classes[index].accuracy, "%") } + models.map { ($0.classes[index].loss, "") }
    }
  }

  /// A table for each set that was measured class by class.
  var classTables: [ClassTable] {
    SampleSet.allCases.compactMap { set in
      let order: [MeasuredModel] = [.original, .retrained, .unlearned]
      let found = order.compactMap { model in classes.first { $0.set == set && $0.model == model } }
      guard let first = found.first else { return nil }
      return ClassTable(set: set, models: found.filter { $0.classes.count == first.classes.count })
    }
  }

  /// The tables of classes; of more than 20 classes only how many there are.
  var classText: String {
    let tables = classTables
    guard let first = tables.first else { return "" }
    var text = "## Classes\n\n"
    guard first.count <= 20 else {
      return text + "\(first.count) classes: their accuracies and losses are in `report.html` and `report.json`.\n\n"
    }
    for table in tables {
      let rows = (0..<table.count).map { index in
        [table.models[0].classes[index].name, String(table.models[0].classes[index].samples)]
          + table.numbers(index).map { number in number.value.map { NumberText.metric($0, unit: number.unit) } ?? "–" }
      }
      text += "\(table.set.rawValue) set:\n\n" + TextTable(heading: table.heading, rows: rows).markdown + "\n"
    }
    return text + "Protocols: `\(ClassNumbers.accuracyID)`, `\(ClassNumbers.lossID)`.\n\n"
  }
}
