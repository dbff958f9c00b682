import Foundation
import Learning
import Runs
import Tensors
import Testing

@testable import Engine

/// A small real run: 400 glyphs, a small network, plugins from the folder of the tests' own binary. Seconds, not minutes.
struct ToyRun {
  var recipe = """
    data: {source: glyphs, train: 400, test: 120, validation: 0.1}
    forget: {random: 0.1, seed: 3}
    model: {name: cnn, channels: [4, 8]}
    base: {epochs: 2, batch: 32, optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, weight_decay: 0.0005}}
    pipeline:
      objective: random-label
      epochs: 3
      batch: 32
      optimizer: {name: sgd, learning_rate: 0.02, momentum: 0.9, weight_decay: 0.0005}
    checkpoint: {every: 1 epoch}
    threads: 1
    """
  var overrides: [String] = []
  var pluginFolders: [String] = []
  let folder: URL

  /// Where the runs of this process keep their models and scores: never among the user's.
  private static let cache: Void = {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-toy-cache-\(getpid())").path
    setenv("LETHE_CACHE", folder, 1)
    atexit {
      guard let folder = unsafe getenv("LETHE_CACHE") else { return }
      try? FileManager.default.removeItem(atPath: unsafe String(cString: folder))
    }
  }()

  init(_ overrides: String...) throws {
    Self.cache
    self.overrides = overrides
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("lethe-toy-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// The plan, with the plugins that were built beside the tests.
  func plan() throws -> RunPlan {
    let config = RunConfig(file: "toy.yaml", folder: folder.path, text: recipe, overrides: overrides)
    let environment = ResolverEnvironment(
      variables: ProcessInfo.processInfo.environment, currentFolder: folder.path,
      exists: { FileManager.default.fileExists(atPath: $0) }, text: { try? String(contentsOfFile: $0, encoding: .utf8) }
    )
    return try RunPlan.resolve(
      config, catalog: try PartCatalog.discover(folders: pluginFolders), environment: environment)
  }

  /// Carries the plan out; `stopAfter` raises the cancel flag at the checkpoint after so many steps, 0 of them before anything
  /// is trained.
  @discardableResult
  func carryOut(
    _ name: String = "run", stopAfter: Int? = nil, workbench: Workbench = Workbench()
  ) throws -> RunReport {
    let cancel = CancelFlag()
    let engine = Engine(plan: try plan(), folder: run(name), workbench: workbench, cancel: cancel) { event in
      switch event.what {
      case .checkpointed(let step, _) where step == stopAfter: cancel.cancel(signal: 2)
      case .splitReady where stopAfter == 0: cancel.cancel(signal: 2)
      default: break
      }
    }
    return try engine.carryOut()
  }

  /// Goes on with an interrupted run.
  @discardableResult
  func resume(_ name: String = "run") throws -> RunReport {
    try Engine.resume(run(name), cancel: CancelFlag(), sink: { _ in })
  }

  /// The folder of a run.
  func run(_ name: String = "run") -> URL { folder.appendingPathComponent(name) }

  /// The bytes of every tensor of a run's result, by name.
  func weights(_ name: String = "run") throws -> [String: [UInt8]] {
    try ToyRun.tensors(run(name).appendingPathComponent("unlearned.safetensors"))
  }

  /// The bytes of every tensor of a file, by name.
  static func tensors(_ file: URL) throws -> [String: [UInt8]] {
    var bytes: [String: [UInt8]] = [:]
    for (name, tensor) in try SafeTensors.read(file.path).tensors { bytes[name] = try tensor.bytes() }
    return bytes
  }

  /// Removes everything that was written.
  func clean() { try? FileManager.default.removeItem(at: folder) }
}

/// Compiles a C file into a shared library against the repository's headers; its manifest is looked for in `folder`.
func compile(_ source: URL, in folder: URL, to library: URL) throws {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  try FileManager.default.createDirectory(
    at: library.deletingLastPathComponent(), withIntermediateDirectories: true)
  let compiler = Process()
  compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  compiler.currentDirectoryURL = folder
  compiler.arguments = [
    "cc", "-std=c11", "-O2", "-fPIC", "-shared", "-I\(root.path)/sdk/include", "-I.", source.path, "-lm", "-o",
    library.path,
  ]
  try compiler.run()
  compiler.waitUntilExit()
  try #require(compiler.terminationStatus == 0)
}
