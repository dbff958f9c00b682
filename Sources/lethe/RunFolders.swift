import Foundation
import Glibc
import Runs

/// Names and makes the folders that runs write to.
enum RunFolders {
  /// A new folder for a plan, `<output>/<name>-<method>-<first digits of the plan's hash>`, numbered when it is there.
  static func make(for plan: RunPlan, hash: String) throws -> URL {
    let base = URL(fileURLWithPath: plan.output).appendingPathComponent(name(of: plan, hash: hash))
    try makeParent(of: base)
    for number in 1...9999 {
      let path = number == 1 ? base.path : "\(base.path)-\(number)"
      if unsafe mkdir(path, 0o777) == 0 { return URL(fileURLWithPath: path) }
      guard errno == EEXIST else { throw CommandError.cannotWrite(path: path, reason: systemMessage()) }
    }
    throw CommandError.cannotWrite(path: base.path, reason: "there are 9999 runs of this name")
  }

  /// The name of a plan's folder.
  static func name(of plan: RunPlan, hash: String) -> String {
    ([plan.name] + (plan.variant.map { [$0] } ?? []) + [String(hash.prefix(8))]).map(slug).joined(separator: "-")
  }

  /// The stages of a finished sequence side by side; nil for a run of one request.
  static func stages(in folder: URL) throws -> ComparisonReport? {
    var reports: [RunReport] = []
    while true {
      let file = RunPlan.stageFolder(reports.count + 1, of: folder.path) + "/report.json"
      guard let data = FileManager.default.contents(atPath: file) else { break }
      reports.append(try RunReport(json: data, file: file))
    }
    guard let last = reports.last else { return nil }
    return RunReport.comparison(ofStages: reports, name: last.name)
  }

  /// A path as a person at this folder would type it.
  static func shown(_ url: URL) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    return url.path.hasPrefix(here) ? String(url.path.dropFirst(here.count)) : url.path
  }

  /// Letters, digits and a few signs; everything else becomes a hyphen.
  static func slug(_ text: String) -> String {
    String(
      text.map { character in
        character.isASCII && (character.isLetter || character.isNumber || "._-+=".contains(character)) ? character : "-"
      })
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ folder: URL) throws {
    try makeParent(of: folder)
    if unsafe mkdir(folder.path, 0o777) != 0, errno != EEXIST {
      throw CommandError.cannotWrite(path: folder.path, reason: systemMessage())
    }
  }

  /// Writes a file in one piece: readers see the old content or the new one.
  static func write(_ text: String, to file: URL) throws {
    do {
      try Data(text.utf8).write(to: file, options: [.atomic])
    } catch {
      let isFull = (error as NSError).code == CocoaError.Code.fileWriteOutOfSpace.rawValue
      throw isFull
        ? CommandError.diskFull(path: file.path)
        : CommandError.cannotWrite(path: file.path, reason: error.localizedDescription)
    }
  }

  private static func makeParent(of folder: URL) throws {
    let parent = folder.deletingLastPathComponent()
    guard parent.path != "/", parent.path != folder.path else { return }
    if unsafe mkdir(parent.path, 0o777) == 0 || errno == EEXIST { return }
    guard errno == ENOENT else { throw CommandError.cannotWrite(path: parent.path, reason: systemMessage()) }
    try makeParent(of: parent)
    if unsafe mkdir(parent.path, 0o777) != 0, errno != EEXIST {
      throw CommandError.cannotWrite(path: parent.path, reason: systemMessage())
    }
  }

  private static func systemMessage() -> String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text).lowercased()
  }
}
