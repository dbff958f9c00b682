import Foundation
import Runs

/// What the command asks of the rest of Lethe. Only `live` knows the engine; tests of the command bring their own.
struct Workshop {
  /// Takes events of a run.
  typealias Sink = (RunEvent) -> Void

  /// A line of `lethe doctor`.
  struct Finding: Equatable {
    /// What was looked for.
    let name: String
    /// What was found.
    let value: String
    /// Whether a run would fail because of it.
    let isProblem: Bool
  }

  /// What can be asked about an audit.
  struct Auditor {
    /// What is to be made, with so many processes.
    let budget: (_ processes: Int) throws -> AuditBudget
    /// The jobs that are not done yet, in order.
    let open: () throws -> [AuditJob]
    /// Does a job; gives its seconds.
    let make: (AuditJob) throws -> Double
    /// Measures the audit, and puts what the numbers come from into the folder.
    let report: (_ folder: URL) throws -> AuditReport
  }

  /// What a plugin has to fit.
  struct HostFacts: Equatable {
    /// What the headers of the C ABI are called, `0.9`.
    let abi: String
    /// `linux-x86_64`.
    let platform: String
    /// The Swift whose runtime this command brings.
    let swift: String
  }

  /// Lethe's version.
  let version: String
  /// What a plugin has to fit.
  let hostFacts: HostFacts
  /// Whether LibTorch is where the command looks; does not open it.
  let hasLibTorch: () -> Bool
  /// The strategies in the usual folders and in these; reads files, runs nothing.
  let catalog: (_ folders: [String]) throws -> PartCatalog
  /// The same to be looked at: nothing in it has a hash.
  let listing: (_ folders: [String]) throws -> PartCatalog
  /// SHA-256 of a text, in hexadecimal.
  let digest: (String) -> String
  /// What a run would find on this machine, without opening LibTorch.
  let findings: () -> [Finding]
  /// Carries out a plan in a folder. Runs of one workshop share data and models where they are the same.
  let carryOut: (_ plan: RunPlan, _ folder: URL, _ sink: @escaping Sink) throws -> RunReport
  /// Goes on with a run; the parts of the roles in `without` are taken away first.
  let resume: (_ folder: URL, _ without: [String], _ sink: @escaping Sink) throws -> RunReport
  /// Carries out a finished run once more and compares the weights.
  let replay: (_ folder: URL, _ sink: @escaping Sink) throws -> ReplayResult
  /// Asks the process that carries out the run of a folder for something, and waits for its answer.
  let ask: (_ request: ControlRequest, _ folder: URL) throws -> ControlReply
  /// Measures weights from a file.
  let evaluate: (_ plan: RunPlan, _ weights: String, _ folder: URL, _ sink: @escaping Sink) throws -> RunReport
  /// Makes a plan's mask in several densities.
  let masks: (_ plan: RunPlan, _ shares: [Double], _ folder: URL, _ sink: @escaping Sink) throws -> MaskReport
  /// Writes a comparison's page and pictures into its folder; `runs` are the folders of its entries.
  let illustrate: (_ comparison: ComparisonReport, _ runs: [URL], _ folder: URL) throws -> Void
  /// Makes and measures the models of an audit.
  let auditor: (_ plan: AuditPlan, _ sink: @escaping Sink) -> Auditor
  /// Times plans side by side: one after the other takes a step, so many rounds.
  let time: (_ steps: [TimedStep], _ rounds: Int, _ progress: (Int, Int) -> Void) throws -> [TimedRow]
  /// Times the choice of half of so many scores, of nine densities at once, and a full sort, on a device named as in recipes.
  let timeSelection: (_ count: Int, _ rounds: Int, _ device: String) throws -> [TimedRow]
  /// Seconds a call of a plain C function of the C library's mathematics, round by round: called once for each of so many
  /// numbers.
  let timeFunction: (_ library: String, _ count: Int, _ rounds: Int) throws -> [Double]
  /// Tells the running work to stop; may be called from any thread.
  let cancel: @Sendable (_ signal: Int32) -> Void
  /// The exit code for an error of the engine or below it; nil for other errors.
  let exitCode: (any Error) -> Int32?
}

/// What came of carrying out a finished run once more.
struct ReplayResult: Equatable, Encodable {
  /// Optimizer steps taken.
  let steps: Int
  /// Changes that were asked of the run while it went on, and were made again.
  let changes: Int
  /// Tensors compared.
  let tensors: Int
  /// Names of those that are not the same bit for bit; empty where the run was reproduced.
  let differing: [String]
  /// What is not as it was: versions, device, threads.
  let surroundings: [String]
  /// Where the new weights are.
  let weights: String
}

/// A step that is timed.
struct TimedStep {
  /// What a step is taken of.
  enum Kind {
    /// A plan's pipeline.
    case pipeline(RunPlan)
    /// The same arithmetic without plugins: forward, mean cross-entropy, backward, optimizer.
    case plain(RunPlan)
    /// The optimizer's update alone, with every other weight held still or none.
    case update(RunPlan, isMasked: Bool)
    /// Images drawn from a plan's diffusion model.
    case sampling(RunPlan)
    /// Something outside of the engine; gives its seconds.
    case outside(() throws -> Double)
  }

  /// What the row is called.
  let name: String
  /// What a step is taken of.
  let kind: Kind
}

/// Seconds of each counted step.
struct TimedRow {
  /// What was timed.
  let name: String
  /// Seconds in the order measured.
  let seconds: [Double]

  /// The middle one.
  var median: Double { quantile(0.5) }

  /// The value under which that share lies, between neighbours in proportion.
  func quantile(_ share: Double) -> Double {
    let sorted = seconds.sorted()
    guard let last = sorted.last else { return .nan }
    let position = share * Double(sorted.count - 1)
    let index = Int(position)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
  }
}
