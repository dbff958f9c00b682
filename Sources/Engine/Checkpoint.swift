import Foundation
import Learning
import PluginHost
import Tensors

/// All that a training or a run needs to go on bit for bit: weights, statistics, the optimizer's moments, the position,
/// and the states of plugins. Random numbers need nothing: they depend on the seed and the step.
struct Checkpoint {
  /// Optimizer steps done.
  let step: Int
  /// Epochs done.
  let epoch: Int
  /// Seconds of unlearning so far.
  var seconds = 0.0
  /// Which plan this belongs to.
  var planHash = ""
  /// The best validation loss so far.
  var best: Double?
  /// Which swaps have happened, by their place among the plan's and those asked for since; nil in an older file.
  var swapped: [Int]?
  /// How many changes had been accepted that the plan does not know.
  var accepted = 0
  /// How many steps the moving average of the weights has seen.
  private var averaged = 0
  /// By name: `model.…`, `optimizer.…`, and what a run adds.
  private(set) var tensors: [(name: String, tensor: Tensor)]

  /// Takes what there is now.
  init(learner: Learner, step: Int, epoch: Int) throws {
    self.step = step
    self.epoch = epoch
    tensors = learner.model.state.map { ("model.\($0.name)", $0.tensor) }
    tensors += learner.optimizer.state.map { ("optimizer.\($0.name)", $0.tensor) }
    if let average = learner.average {
      tensors += average.tensors.map { ("average.\($0.name)", $0.tensor) }
      averaged = average.updates
    }
    if let mask = learner.mask {
      for (parameter, active) in zip(learner.model.parameters, mask.active) {
        tensors.append(("mask.\(parameter.name)", try active.to(.uint8)))
      }
    }
  }

  /// Lets a change that was accepted later count as one that had happened: its parts are never made again.
  mutating func takeAway(number: Int) {
    swapped = (swapped ?? []) + [number]
    accepted += 1
  }

  /// Adds the state of a part; nothing where it keeps none.
  mutating func add(_ state: SavedState?, of role: String) throws {
    guard let state else { return }
    tensors.append(("plugin.\(role).\(state.version)", try Tensor(state.bytes, shape: [state.bytes.count])))
  }

  /// Adds the state of a part that is not in force any more.
  mutating func keep(_ state: SavedState, of part: String) throws {
    tensors.append(("kept.\(part)/\(state.version)", try Tensor(state.bytes, shape: [state.bytes.count])))
  }

  /// The states of parts that are not in force any more, by part.
  func kept() throws -> [String: SavedState] {
    var states: [String: SavedState] = [:]
    for (name, tensor) in part("kept.") {
      guard let slash = name.lastIndex(of: "/"), let version = UInt32(name[name.index(after: slash)...]) else {
        continue
      }
      states[String(name[..<slash])] = SavedState(version: version, bytes: try tensor.uint8s())
    }
    return states
  }

  /// The state of a part; nil where it kept none.
  func state(of role: String) throws -> SavedState? {
    let prefix = "plugin.\(role)."
    guard let entry = tensors.first(where: { $0.name.hasPrefix(prefix) }),
      let version = UInt32(entry.name.dropFirst(prefix.count))
    else { return nil }
    return SavedState(version: version, bytes: try entry.tensor.uint8s())
  }

  /// Writes the file in one piece.
  func write(to file: URL) throws {
    var metadata = [
      "format": "lethe-checkpoint-1", "step": String(step), "epoch": String(epoch), "seconds": String(seconds),
      "plan": planHash,
    ]
    if let best { metadata["best"] = String(best) }
    if accepted > 0 { metadata["accepted"] = String(accepted) }
    if let swapped { metadata["swapped"] = swapped.map(String.init).joined(separator: ",") }
    if averaged > 0 { metadata["averaged"] = String(averaged) }
    try SafeTensors.write(tensors, metadata: metadata, to: file.path)
  }

  /// Reads a file that `write` made.
  init(reading file: URL) throws {
    let stored = try SafeTensors.read(file.path)
    guard stored.metadata["format"] == "lethe-checkpoint-1", let step = stored.metadata["step"].flatMap({ Int($0) }),
      let epoch = stored.metadata["epoch"].flatMap({ Int($0) })
    else { throw EngineError.foreignCheckpoint(path: file.path, reason: "it is not a checkpoint of this version") }
    self.step = step
    self.epoch = epoch
    seconds = stored.metadata["seconds"].flatMap { Double($0) } ?? 0
    planHash = stored.metadata["plan"] ?? ""
    best = stored.metadata["best"].flatMap { Double($0) }
    accepted = stored.metadata["accepted"].flatMap { Int($0) } ?? 0
    swapped = stored.metadata["swapped"].map { $0.split(separator: ",").compactMap { Int($0) } }
    averaged = stored.metadata["averaged"].flatMap { Int($0) } ?? 0
    tensors = stored.tensors
  }

  /// Puts weights, statistics and moments back.
  func restore(_ learner: Learner) throws {
    try learner.model.load(part("model."))
    try learner.optimizer.restore(part("optimizer."))
    if let average = learner.average { try average.restore(part("average."), updates: averaged) }
    try learner.resume(goodSteps: step)
  }

  /// The mask, where there was one.
  func mask(for learner: Learner) throws -> WeightMask? {
    let stored = Dictionary(uniqueKeysWithValues: part("mask."))
    guard !stored.isEmpty else { return nil }
    let active = try learner.model.parameters.map { parameter in
      guard let mask = stored[parameter.name] else {
        throw EngineError.foreignCheckpoint(path: "checkpoint", reason: "it has no mask for '\(parameter.name)'")
      }
      return try mask.to(learner.model.device).differs(from: 0)
    }
    return try WeightMask(active: active, like: learner.parameters)
  }

  private func part(_ prefix: String) -> [(String, Tensor)] {
    tensors.filter { $0.name.hasPrefix(prefix) }.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
  }
}
