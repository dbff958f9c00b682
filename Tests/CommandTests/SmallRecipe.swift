import Foundation

/// A recipe whose every model is made in a second or two.
let smallRecipe = """
  data: {source: glyphs, train: 400, test: 120, validation: 0.1}
  forget: {random: 0.1, seed: 3}
  model: {name: cnn, channels: [4, 8]}
  base: {epochs: 2, batch: 32, optimizer: {name: sgd, learning_rate: 0.05}}
  pipeline:
    objective: random-label
    epochs: 2
    batch: 32
    optimizer: {name: sgd, learning_rate: 0.02, momentum: 0.9, weight_decay: 0.0005}
  threads: 1

  """

extension Command {
  /// Trained models are shared by all tests of this process: what is tested comes after them.
  static let cache: URL = {
    let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("lethe-cache-\(ProcessInfo.processInfo.processIdentifier)")
    atexit { try? FileManager.default.removeItem(at: Command.cache) }
    return folder
  }()

  /// Runs `lethe` on the small recipe, `small.yaml`, with changes.
  func small(_ command: String = "run", _ changes: [String] = [], environment: [String: String] = [:]) throws -> Answer
  {
    try write(smallRecipe, to: "small.yaml")
    let variables = environment.merging(["LETHE_CACHE": Command.cache.path]) { given, _ in given }
    return try run([command, "small.yaml"] + changes, environment: variables)
  }

  /// The files under `runs`, by path, without the folders.
  func runFiles() throws -> [String] {
    let runs = folder.appendingPathComponent("runs").path
    guard FileManager.default.fileExists(atPath: runs) else { return [] }
    return try FileManager.default.subpathsOfDirectory(atPath: runs)
      .filter { path in
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: runs + "/" + path, isDirectory: &isFolder) && !isFolder.boolValue
      }.sorted()
  }

  /// What a run that failed may leave: the record of how far it came, nothing that looks like a result.
  func unfinishedFiles() throws -> [String] {
    let record = ["plan.yaml", "events.jsonl", "split.json"]
    return try runFiles().filter { path in
      !record.contains { path.hasSuffix("/" + $0) } && !path.contains("/events.out.tfevents.")
    }
  }

  /// The bytes of a run's file, where there is one run.
  func runFile(_ name: String) throws -> Data {
    guard let path = try runFiles().first(where: { $0.hasSuffix("/" + name) }) else {
      throw CocoaError(.fileNoSuchFile)
    }
    return try Data(contentsOf: folder.appendingPathComponent("runs/" + path))
  }
}
