extension RunReport {
  /// The stages of a sequence side by side: the original model of the first, the retrained one of the last, and a row for
  /// what each stage left.
  package static func comparison(ofStages reports: [RunReport], name: String) -> ComparisonReport {
    ComparisonReport(
      name: name,
      entries: reports.enumerated().map { index, report in
        var report = report
        // The model that a later stage begins with is the row of the stage before.
        if index > 0 { report.models.removeAll { $0.model == .original } }
        return ComparisonReport.Entry(label: "stage \(index + 1)", report: report)
      })
  }
}
