package import Foundation
import Learning
import PluginHost
package import Runs
import Tensors

/// What the command sees of the engine: runs that share what they can, and a way to stop them.
package struct Front {
  /// What is timed.
  package enum StepKind {
    /// A step of a plan's pipeline.
    case pipeline(RunPlan)
    /// The same arithmetic without plugins.
    case plain(RunPlan)
    /// The optimizer's update of a plan's model alone, with every other weight held still or none.
    case update(RunPlan, isMasked: Bool)
    /// One batch of images drawn from a plan's diffusion model.
    case sampling(RunPlan)
    /// Something outside of the engine; gives its seconds.
    case outside(() throws -> Double)
  }

  /// Lethe's version.
  package static let version = letheVersion

  private let flag = CancelFlag()
  private let workbench = Workbench()
  private let tensorBoard: Bool

  /// A front of its own; opens nothing.
  ///
  /// - Parameter tensorBoard: whether runs write an event file for TensorBoard.
  package init(tensorBoard: Bool = true) { self.tensorBoard = tensorBoard }

  private func engine(_ plan: RunPlan, _ folder: URL, _ sink: @escaping (RunEvent) -> Void) -> Engine {
    Engine(plan: plan, folder: folder, workbench: workbench, tensorBoard: tensorBoard, cancel: flag, sink: sink)
  }

  /// Asks what runs to stop; may be called from any thread.
  package var cancel: @Sendable (_ signal: Int32) -> Void {
    let flag = flag
    return { flag.cancel(signal: $0) }
  }

  /// Carries out a plan in a folder.
  package func carryOut(
    _ plan: RunPlan, in folder: URL, sink: @escaping (RunEvent) -> Void
  ) throws -> RunReport {
    try engine(plan, folder, sink).carryOut()
  }

  /// Goes on with the run of a folder.
  ///
  /// - Parameter without: roles whose part is taken away first: `reweighter`, `updater`.
  package func resume(
    _ folder: URL, without: [String] = [], sink: @escaping (RunEvent) -> Void
  ) throws -> RunReport {
    try Engine.resume(folder, without: without, tensorBoard: tensorBoard, cancel: flag, sink: sink)
  }

  /// Carries out a finished run once more and compares the weights.
  package func replay(_ folder: URL, sink: @escaping (RunEvent) -> Void) throws -> Replay {
    try Engine.replay(folder, cancel: flag, sink: sink)
  }

  /// Measures weights from a file.
  package func evaluate(
    _ plan: RunPlan, weights: String, in folder: URL, sink: @escaping (RunEvent) -> Void
  ) throws -> RunReport {
    try engine(plan, folder, sink).evaluate(weights: weights)
  }

  /// Makes a plan's mask in several densities; the files go into a folder.
  package func masks(
    _ plan: RunPlan, keeping shares: [Double], in folder: URL, sink: @escaping (RunEvent) -> Void
  ) throws -> MaskReport {
    try engine(plan, folder, sink).masks(keeping: shares)
  }

  /// Makes and measures the models of an audit.
  package func auditor(_ plan: AuditPlan, sink: @escaping (RunEvent) -> Void) -> Auditor {
    Auditor(plan: plan, cancel: flag, sink: sink)
  }

  /// Times steps that take turns on images of noise: 28×28 grey for the small network, 32×32 in colour for ResNet-18.
  ///
  /// - Returns: seconds of every counted step, a row each in the order given.
  package func time(
    _ steps: [(name: String, kind: StepKind)], rounds: Int, progress: (Int, Int) -> Void
  ) throws -> [(name: String, seconds: [Double])] {
    let benchmark = Benchmark(cancel: flag)
    let ready = try steps.map { name, kind in
      let step: Benchmark.Step =
        switch kind {
        case .pipeline(let plan):
          try benchmark.step(of: plan, shape: plan.benchmarkShape, classes: 10, count: plan.benchmarkCount)
        case .plain(let plan):
          try benchmark.plainStep(of: plan, shape: plan.benchmarkShape, classes: 10, count: plan.benchmarkCount)
        case .update(let plan, let isMasked):
          try benchmark.update(of: plan, isMasked: isMasked, shape: plan.benchmarkShape, classes: 10)
        case .sampling(let plan):
          try benchmark.sampling(of: plan, shape: plan.benchmarkShape, classes: 10)
        case .outside(let body): body
        }
      return (name: name, step: step)
    }
    return try benchmark.alternate(ready, rounds: rounds, progress: progress).map { ($0.name, $0.seconds) }
  }

  /// Times the choice of half of so many scores, of nine densities at once, and a full sort: three rows.
  ///
  /// - Parameter device: where the scores are: `cpu`, `cuda` or `cuda:N`.
  package func timeSelection(
    count: Int, rounds: Int, device: String
  ) throws -> [(name: String, seconds: [Double])] {
    try Benchmark(cancel: flag).selection(count: count, rounds: rounds, device: .opened(device)).map {
      ($0.name, $0.seconds)
    }
  }

  /// Seconds a call of a plain C function, round by round: called once for each of so many numbers.
  ///
  /// - Parameter library: the file of the C library's mathematics.
  package static func timeFunction(library: String, count: Int, rounds: Int) throws -> [Double] {
    try FunctionTiming.seconds(library: library, samples: count, rounds: rounds)
  }

  /// Makes a page in which a contained run writes down which callback it is in, as an open file; nil where there can be none.
  package static func makeRecorder() -> Int32? { FlightRecorder.make() }

  /// From now on this process writes into the page; false where the open file is none.
  package static func record(into recorder: Int32) -> Bool { FlightRecorder.record(into: recorder) }

  /// Which callback the process that writes into the page is in, and for how long; nil for none.
  package static func recorded(
    _ recorder: Int32
  ) -> (plugin: String, file: String, call: String, step: Int?, seconds: Double)? {
    FlightRecorder.read(recorder).map { ($0.plugin, $0.file, $0.call, $0.step, $0.seconds) }
  }

  /// The folder of the run that the process carries out; nil before there is one.
  package static func recordedFolder(_ recorder: Int32) -> String? { FlightRecorder.folder(recorder) }

  /// SHA-256 of a text, in hexadecimal: what names runs and models.
  package static func digest(_ text: String) -> String {
    var hash = SHA256()
    hash.update(Array(text.utf8))
    return hash.hexadecimal()
  }

  /// The exit code for an error of the engine or below it; nil for other errors.
  package static func exitCode(of error: any Error) -> Int32? {
    switch error {
    case let error as EngineError: error.exitCode
    case let error as PluginError: error.exitCode
    case let error as LearningError: error.exitCode
    case let error as TensorError: error.exitCode
    case let error as RunError: error.exitCode
    default: nil
    }
  }

  /// Version of the C ABI for plugins, `generation.minor`.
  package static var abiVersion: String { HostFacts.abi }

  /// The machine, as a manifest names it.
  package static var platform: String { HostFacts.platform }

  /// The Swift that built this program.
  package static var swiftVersion: String { HostFacts.swift }

  /// Whether LibTorch is where it is looked for; does not open it.
  package static var hasLibTorch: Bool { (try? LibTorchLocation.find()) != nil }

  /// What a run would find on this machine, looked up without opening LibTorch.
  package static func findings() -> [(name: String, value: String, isProblem: Bool)] {
    let torch: (name: String, value: String, isProblem: Bool)
    do {
      let location = try LibTorchLocation.find()
      let hasShim = FileManager.default.fileExists(atPath: location.shim)
      torch = (
        "LibTorch", "\(location.libraries)\(hasShim ? "" : "; the shim '\(location.shim)' is missing")", !hasShim
      )
    } catch {
      torch = ("LibTorch", "\(error)", true)
    }
    return [torch, ("cache", cacheFolder().path, false)]
  }
}

extension RunPlan {
  fileprivate var benchmarkShape: [Int] {
    switch model {
    case .cnn: [1, 28, 28]
    case .resnet18, .vgg16, .unetFolder, .conditionalUNet: [3, 32, 32]
    case .unet: [1, 28, 28]
    }
  }

  /// Half is forgotten, half retained; four batches in all.
  fileprivate var benchmarkCount: Int { 4 * (pipeline?.batch ?? 1) }
}
