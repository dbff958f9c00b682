import CLethe
import Glibc
import Tensors

/// An objective at work.
package final class ObjectiveInstance: StrategyInstance {
  /// The terms of one step, or of one micro-batch of it. Terms of sets that are not wanted are left out; penalties stay.
  ///
  /// - Parameters:
  ///   - model: the model being unlearned.
  ///   - sets: whose terms are wanted.
  ///   - schedule: how the batches were drawn, as manifests and recipes call it.
  ///   - microBatch: which one of the step it is, from 0.
  package func terms(
    progress: Progress, batches: [Batch], sets: SampleSet, model: ModelHandle = ModelHandle(0),
    schedule: String? = nil, microBatch: Int = 0
  ) throws -> [Term] {
    _ = try legal(.work, "terms", progress.step)
    guard case .objective(let table) = strategy.loaded.role, let terms = unsafe table.terms else {
      preconditionFailure("an objective has a table of its role")
    }
    // One that takes gradients itself needs a graph even where an updater asks for values alone.
    let recording = GradientMode.isOn
    if !recording, strategy.plugin.file.manifest.requires.contains("lethe.autograd/1") { GradientMode.set(true) }
    defer { if !recording { GradientMode.set(false) } }
    return unsafe try call(
      "terms", progress.step, .work,
      { (instance, context, error) throws(Refusal) in
        let (list, stride) = unsafe try lend(batches)
        let input = unsafe lethe_objective_in(
          size: ServiceTables.size(of: lethe_objective_in.self), sets: sets.rawValue,
          progress: try session.place(progress), model: session.handle(model), batches: list,
          batch_count: UInt32(batches.count), batch_stride: stride,
          schedule: schedule.map { unsafe session.cNames([$0])[0] } ?? nil, micro_batch: UInt32(microBatch),
          reserved0: 0)
        return unsafe terms(instance, context, try session.show(input), ServiceTables.sink, error)
      },
      take: {
        let found = session.frame.terms.filter { $0.penalty != nil || !sets.isDisjoint(with: $0.set) }
        guard found.contains(where: { $0.losses != nil }) || !found.isEmpty else {
          throw PluginError.call(describe("terms", progress.step), .noTerms(wanted: sets.names))
        }
        return found
      })
  }

  /// The batches as an array of structs with its stride.
  private func lend(_ batches: [Batch]) throws(Refusal) -> (UnsafePointer<lethe_batch>, UInt32) {
    let size = unsafe MemoryLayout<lethe_batch>.size + (session.check?.tail ?? 0)
    guard let list = unsafe session.frame.scratch.take(max(1, batches.count) * size, alignment: 8) else {
      throw Refusal(LETHE_E_EXHAUSTED, "there is no memory for \(batches.count) batches")
    }
    unsafe memset(list, Int32(CheckMode.filler), batches.count * size)
    for (index, batch) in batches.enumerated() {
      unsafe (list + index * size).storeBytes(of: try lend(batch, size), as: lethe_batch.self)
    }
    return unsafe (UnsafePointer(list.assumingMemoryBound(to: lethe_batch.self)), UInt32(size))
  }

  private func lend(_ batch: Batch, _ size: Int) throws(Refusal) -> lethe_batch {
    unsafe lethe_batch(
      size: UInt32(size), reserved0: 0, forget_count: Int64(batch.forgetCount),
      retain_count: Int64(batch.retainCount), inputs: try session.lend(batch.inputs),
      labels: try session.lend(batch.labels), indices: try session.lend(batch.indices))
  }
}

extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let sink: UnsafePointer<lethe_term_sink> = unsafe make(
    lethe_term_sink(
      size: size(of: lethe_term_sink.self), reserved0: 0,
      add: { context, term, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let term = unsafe term else { throw .argument(1, "argument 1 is NULL, a term would be right") }
          // Up to `losses`, which came with the first version; what is not there stays NULL.
          let least = unsafe (MemoryLayout<lethe_term>.offset(of: \.losses) ?? 0) + MemoryLayout<lethe_tensor?>.size
          guard unsafe CStruct.size(term) >= least, unsafe CStruct.size(term) <= 4096 else {
            throw .argument(
              1, "the size of 'lethe_term' is \(unsafe CStruct.size(term)), set it to sizeof of the struct")
          }
          unsafe try session.add(CStruct.copy(UnsafeRawPointer(term), into: lethe_term()))
        }
      }))
}

extension HostSession {
  fileprivate func add(_ term: lethe_term) throws(Refusal) {
    let name = unsafe CStruct.text(term.name, limit: 256) ?? ""
    func refuse(_ problem: TermProblem) -> Refusal {
      Refusal(LETHE_E_INVALID_ARGUMENT, "\(CallProblem.term(name, problem))", detail: 1)
    }
    guard name.isTermName else { throw refuse(.badName) }
    guard !frame.terms.contains(where: { $0.name == name }) else { throw refuse(.twice) }
    guard unsafe term.coefficient.isFinite else { throw refuse(.badCoefficient) }
    guard unsafe term.flags & ~LETHE_TERM_NO_CLEAN_LOSS == 0 else { throw unsafe refuse(.badFlags(term.flags)) }
    var found = Term(
      name: name, set: SampleSet(rawValue: unsafe term.set), coefficient: unsafe term.coefficient,
      losses: unsafe try tensor(optional: term.losses, 1),
      cleanLosses: unsafe try tensor(optional: term.clean_losses, 1),
      importance: unsafe try tensor(optional: term.importance, 1),
      timesteps: unsafe try tensor(optional: term.timesteps, 1), indices: unsafe try tensor(optional: term.indices, 1),
      penalty: unsafe try tensor(optional: term.penalty, 1))
    found.knowsCleanLosses = unsafe term.flags & LETHE_TERM_NO_CLEAN_LOSS == 0
    if let problem = TermChecks.problem(found, device: world.device) { throw refuse(problem) }
    frame.terms.append(found)
  }
}

/// What a term must be.
enum TermChecks {
  static func problem(_ term: Term, device: Device) -> TermProblem? {
    switch (term.losses, term.penalty) {
    case (nil, nil): .neither
    case (.some, .some): .both
    case (let losses?, nil): problem(term, losses: losses, device)
    case (nil, let penalty?): problem(term, penalty: penalty, device)
    }
  }

  private static func problem(_ term: Term, penalty: Tensor, _ device: Device) -> TermProblem? {
    if term.set != [] { return .setOfPenalty }
    let others = [term.cleanLosses, term.importance, term.timesteps, term.indices]
    if others.contains(where: { $0 != nil }) { return .penaltyWithSamples }
    if penalty.count != 1 { return .tensor("penalty", .shape(found: penalty.shape, wanted: "one element")) }
    if let problem = TensorChecks.floating(penalty) ?? TensorChecks.device(penalty, device) {
      return .tensor("penalty", problem)
    }
    return hasGraph(penalty) ? nil : .noGraph("penalty")
  }

  private static func problem(_ term: Term, losses: Tensor, _ device: Device) -> TermProblem? {
    guard term.set == .forget || term.set == .retain else { return .badSet(term.set.rawValue) }
    let shape = losses.shape
    guard shape.count == 1, shape[0] > 0 else {
      return .tensor("losses", .shape(found: shape, wanted: "[n] with n above 0"))
    }
    if let problem = TensorChecks.floating(losses) ?? TensorChecks.device(losses, device) {
      return .tensor("losses", problem)
    }
    guard hasGraph(losses) else { return .noGraph("losses") }
    for (name, tensor) in [("clean_losses", term.cleanLosses), ("importance", term.importance)] {
      guard let tensor else { continue }
      if let problem = TensorChecks.vector(tensor, shape[0]) ?? TensorChecks.floating(tensor)
        ?? TensorChecks.device(tensor, device)
      {
        return .tensor(name, problem)
      }
    }
    for (name, tensor) in [("timesteps", term.timesteps), ("indices", term.indices)] {
      guard let tensor else { continue }
      if let problem = TensorChecks.vector(tensor, shape[0]) ?? TensorChecks.dtype(tensor, .int64)
        ?? TensorChecks.device(tensor, device)
      {
        return .tensor(name, problem)
      }
    }
    return nil
  }

  /// Without recording, nothing can be part of a graph.
  private static func hasGraph(_ tensor: Tensor) -> Bool { tensor.requiresGrad || !GradientMode.isOn }
}
