package import Foundation
import Runs

/// The folder a run writes: plan, events, checkpoint, weights, report. What is in it is whole at every moment: a file is
/// written beside its place, flushed, and then renamed; events are appended line by line.
package struct RunFolder: Sendable {
  /// The folder itself.
  package let url: URL

  package init(url: URL) {
    self.url = url
  }

  /// What the run does, with every default filled in.
  package var plan: URL { url.appendingPathComponent("plan.yaml") }
  /// Everything that happened, one JSON object a line.
  package var events: URL { url.appendingPathComponent("events.jsonl") }
  /// The resolved split with its hash.
  package var split: URL { url.appendingPathComponent("split.json") }
  /// Where the run can go on from.
  package var checkpoint: URL { url.appendingPathComponent("checkpoint.safetensors") }
  /// What parts prepared at length, while the run is not finished.
  package var artifacts: URL { url.appendingPathComponent("artifacts") }
  /// The result.
  package var weights: URL { url.appendingPathComponent("unlearned.safetensors") }
  /// The best state that `evaluate: {every: …}` saw.
  package var bestWeights: URL { url.appendingPathComponent("best.safetensors") }
  /// Where `lethe replay` carries the run out once more.
  var replay: URL { url.appendingPathComponent("replay") }
  /// Numbers for programs.
  package var reportJSON: URL { url.appendingPathComponent("report.json") }
  /// Numbers for people.
  package var reportMarkdown: URL { url.appendingPathComponent("report.md") }
  /// Numbers and plots for people, to be opened in a browser.
  package var reportHTML: URL { url.appendingPathComponent("report.html") }
  /// Numbers for spreadsheets and data frames.
  package var metricsCSV: URL { url.appendingPathComponent("metrics.csv") }

  /// The event files for TensorBoard, one for each time the run began or went on, the oldest first.
  var tensorBoardFiles: [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.filter { $0.hasPrefix(TensorBoardTranscript.prefix) }.sorted().map(url.appendingPathComponent)
  }
  /// The stages of a sequence side by side: Markdown and JSON, a page and its pictures.
  var comparisons: [URL] {
    ["comparison.md", "comparison.json", "comparison.html", "grid.png", "strength.svg"].map(url.appendingPathComponent)
  }

  /// Files that a run begins without, whatever an earlier one left in the folder.
  var results: [URL] {
    [checkpoint, artifacts, weights, bestWeights, reportJSON, reportMarkdown, reportHTML, metricsCSV]
  }

  /// Makes the folder, and tries whether a file can be written there before hours of work go by.
  package func prepare() throws(EngineError) {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: url.path, reason: reason(of: error))
    }
    let probe = url.appendingPathComponent(".writable-\(ProcessInfo.processInfo.processIdentifier)")
    try RunFolder.write(Data("x".utf8), to: probe)
    try? FileManager.default.removeItem(at: probe)
  }

  /// The plan of the run and all its events.
  func record() throws -> (plan: RunPlan, events: [RunEvent]) {
    func text(_ file: URL) throws -> String {
      do { return try String(contentsOf: file, encoding: .utf8) } catch {
        throw EngineError.notARun(path: url.path, missing: file.lastPathComponent)
      }
    }
    let (plan, events) = try (text(self.plan), text(self.events))
    return (
      try RunPlan(yaml: plan, file: self.plan.path), try RunEvent.read(events, file: self.events.path)
    )
  }

  /// Writes a file in one piece: readers see the old content or the new one.
  package static func write(_ data: Data, to file: URL) throws(EngineError) {
    do {
      try data.write(to: file, options: [.atomic])
    } catch {
      throw .from(writing: file.path, error)
    }
  }
}

/// What the system says about a failed file operation, without Foundation's frame around it.
func reason(of error: any Error) -> String {
  if let posix = error as? POSIXError { return unsafe String(cString: strerror(posix.code.rawValue)).lowercased() }
  let cocoa = error as NSError
  if let inner = cocoa.userInfo[NSUnderlyingErrorKey] as? NSError, inner.domain == NSPOSIXErrorDomain {
    return unsafe String(cString: strerror(Int32(inner.code))).lowercased()
  }
  return cocoa.localizedDescription
}

/// Appends events to `events.jsonl`, each flushed to the system before the next step goes on.
final class EventLog {
  private let file: URL
  private let handle: FileHandle

  /// Opens the log; `appending` keeps what a run that is being resumed already wrote.
  init(file: URL, appending: Bool) throws(EngineError) {
    self.file = file
    if !appending || !FileManager.default.fileExists(atPath: file.path) {
      try RunFolder.write(Data(), to: file)
    }
    do {
      handle = try FileHandle(forWritingTo: file)
      try handle.seekToEnd()
    } catch {
      throw .from(writing: file.path, error)
    }
  }

  /// Appends one event.
  func append(_ event: RunEvent) throws(EngineError) {
    do {
      var line = event.jsonLine()
      line.append("\n")
      try handle.write(contentsOf: Data(line.utf8))
    } catch {
      throw .from(writing: file.path, error)
    }
  }

  deinit {
    try? handle.close()
  }
}

extension RunFolder {
  /// The images that the models drew, as the report shows them.
  ///
  /// - Parameter files: of the run, by what they are.
  func pictures(_ files: [String: String]) -> [Picture] {
    [MeasuredModel.original, .unlearned, .retrained].compactMap { model in
      guard let name = files["images of \(model.text)"],
        let bytes = try? Data(contentsOf: url.appendingPathComponent(name))
      else { return nil }
      return Picture(title: model.text, base64: bytes.base64EncodedString())
    }
  }
}
