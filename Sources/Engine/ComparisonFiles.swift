package import Foundation
import Learning
package import Runs

/// What a comparison shows beside its tables: the page with the images that its runs drew, and pictures for documents.
package struct ComparisonFiles {
  private let comparison: ComparisonReport
  /// A PNG file of each row that drew images, in the order of the rows.
  private let images: [(name: String, png: Data)]

  /// - Parameter folders: of the comparison's entries, in their order.
  package init(_ comparison: ComparisonReport, folders: [URL]) {
    precondition(comparison.entries.count == folders.count, "every run has a folder")
    self.comparison = comparison
    let runs = Array(zip(comparison.entries, folders))
    func images(of model: MeasuredModel, in runs: [(ComparisonReport.Entry, URL)]) -> (seed: UInt64, png: Data)? {
      runs.lazy.compactMap { entry, folder -> (seed: UInt64, png: Data)? in
        guard let file = entry.report.files["images of \(model.text)"],
          let png = FileManager.default.contents(atPath: folder.appendingPathComponent(file).path)
        else { return nil }
        return (entry.report.seed, png)
      }.first
    }
    var found: [(name: String, png: Data)] = []
    for model in [MeasuredModel.original, .retrained] {
      if let images = images(of: model, in: runs) { found.append((model.text, images.png)) }
    }
    var labels: [String] = []
    for entry in comparison.entries where !labels.contains(entry.label) { labels.append(entry.label) }
    for label in labels {
      let own = runs.filter { $0.0.label == label }
      guard let images = images(of: .unlearned, in: own) else { continue }
      found.append((own.count > 1 ? "\(label), seed \(images.seed)" : label, images.png))
    }
    self.images = found
  }

  /// Writes `comparison.html`; `grid.png` where runs drew images, `strength.svg` where strength and quality were measured.
  package func write(to folder: URL) throws {
    let pictures = images.map { Picture(title: $0.name, base64: $0.png.base64EncodedString()) }
    var files: [(name: String, data: Data?)] = [
      ("comparison.html", Data(comparison.html(pictures: pictures).utf8)),
      ("strength.svg", comparison.strengthSVG().map { Data($0.utf8) }),
    ]
    if images.isEmpty {
      files.append(("grid.png", nil))
    } else {
      let sheet = try PictureSheet(images.map { PictureSheet.Picture(name: $0.name, png: Array($0.png)) })
      files.append(("grid.png", Data(sheet.png())))
    }
    for (name, data) in files {
      let file = folder.appendingPathComponent(name)
      if let data {
        try RunFolder.write(data, to: file)
      } else {
        // Of an earlier comparison in this folder.
        try? FileManager.default.removeItem(at: file)
      }
    }
  }
}
