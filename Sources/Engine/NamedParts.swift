import Foundation
import PluginHost
import Runs

/// A file of code that a plan names, for a role.
enum NamedPart: Equatable {
  case part(PartRole, PartPlan)
  case function(PartRole, FunctionPlan)

  var role: PartRole {
    switch self {
    case .part(let role, _), .function(let role, _): role
    }
  }

  /// The file, absolute.
  var file: String {
    switch self {
    case .part(_, let part): part.file
    case .function(_, let function): function.library
    }
  }

  /// Which bytes a run's record says that it was, where the plan knows.
  var use: PluginUse {
    switch self {
    case .part(let role, let part): part.use(as: role)
    case .function(let role, let function): function.use(as: role)
    }
  }
}

extension RunPlan {
  /// Every part of the pipeline, the procedure, the swaps and the evaluation, each once.
  var namedParts: [NamedPart] {
    var named: [NamedPart] = []
    func add(_ part: NamedPart?) { if let part, !named.contains(part) { named.append(part) } }
    if let pipeline { pipeline.namedParts.forEach(add) }
    if let procedure {
      add(.part(.procedure, procedure.part))
      add(procedure.mask.map { .part(.mask, $0.part) })
    }
    for swap in swaps { swap.namedParts.forEach(add) }
    for metric in evaluate.plugins ?? [] { add(NamedPart(metric)) }
    return named
  }
}

extension PipelinePlan {
  fileprivate var namedParts: [NamedPart] {
    [
      .part(.objective, objective), transform.map { .function(.transform, $0.plain) }, reweighter.map(NamedPart.init),
      mask.map { .part(.mask, $0.part) },
      updater.map { .part(.updater, $0) },
    ].compactMap(\.self)
  }
}

extension NamedPart {
  fileprivate init(_ reweighter: ReweighterPlan) {
    switch reweighter {
    case .part(let part): self = .part(.reweighter, part)
    case .function(let function): self = .function(.reweighter, function)
    }
  }
}

extension NamedPart {
  fileprivate init(_ metric: MetricPlan) {
    switch metric {
    case .part(let part): self = .part(.metric, part)
    case .function(let function): self = .function(.metric, function.plain)
    }
  }
}

extension TransformPlan {
  /// The function and its library alone.
  var plain: FunctionPlan {
    FunctionPlan(library: library, symbol: symbol, signature: signature, arguments: arguments, normalise: .none)
  }
}

extension MetricFunctionPlan {
  /// The function and its library alone.
  var plain: FunctionPlan {
    FunctionPlan(library: library, symbol: symbol, signature: signature, arguments: arguments, normalise: .none)
  }
}

extension SwapPlan {
  /// Every part that comes in, and every one that gets new values.
  var namedParts: [NamedPart] {
    [
      objective.map { .part(.objective, $0) }, reweighter?.part.map(NamedPart.init),
      mask?.part.map { .part(.mask, $0.part) }, updater?.part.map { .part(.updater, $0) },
      tune?.objective.map { .part(.objective, $0) }, tune?.reweighter.map { .part(.reweighter, $0) },
      tune?.updater.map { .part(.updater, $0) },
    ].compactMap(\.self)
  }
}

extension FunctionPlan {
  /// Exactly which bytes carry it out; no hash where the library is not there, which loading it will say better.
  func use(as role: PartRole) -> PluginUse {
    PluginUse(role: role, id: symbol, version: "", sha256: fileDigest(library) ?? "")
  }
}

extension PartLoader {
  /// Looks whether every file that a plan names would be let in, so that it is not found out after hours of training.
  static func checkTrust(_ plan: RunPlan) throws {
    let trust = TrustPolicy(SearchPath())
    for part in plan.namedParts {
      // What is missing is told by whoever loads it.
      guard FileManager.default.fileExists(atPath: part.file) else { continue }
      try trust.admit(part.file)
    }
  }
}
