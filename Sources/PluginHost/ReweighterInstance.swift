import CLethe
import Tensors

/// A reweighter at work.
package final class ReweighterInstance: StrategyInstance, Reweighting {
  package var promise: WeightPromise { strategy.manifest.weights ?? .free }

  /// Asks for the weights of one term, and checks shape, type, device and, where the values are in memory, the values.
  /// Losses in memory that are not finite cannot be weighed: they get uniform weights and the strategy is not asked.
  ///
  /// - Precondition: the term has losses.
  package func weights(for term: Term, progress: Progress) throws -> Weights {
    _ = try legal(.work, "weigh", progress.step)
    guard case .reweighter(let table) = strategy.loaded.role, let weigh = unsafe table.weigh, let graph = term.losses
    else { preconditionFailure("a reweighter is shown terms with losses") }
    let losses = try TensorChecks.plain(graph)
    if losses.device == .cpu, session.check?.asksAnyway != true, try TensorChecks.values(losses, .signed) != nil {
      return Weights()
    }
    let clean = try term.cleanLosses.map { try TensorChecks.plain($0) }
    var answer: lethe_tensor?
    return unsafe try call(
      "weigh", progress.step, .work,
      { (instance, context, error) throws(Refusal) in
        let handle = unsafe try session.lend(losses)
        let other = unsafe try session.lend(optional: clean)
        let input = unsafe lethe_reweigh_in(
          size: ServiceTables.size(of: lethe_reweigh_in.self), set: term.set.rawValue,
          progress: try session.place(progress), term: session.cNames([term.name])[0], count: Int64(losses.count),
          losses: handle, clean_losses: term.knowsCleanLosses ? other ?? handle : nil,
          importance: try session.lend(optional: term.importance),
          timesteps: try session.lend(optional: term.timesteps), indices: try session.lend(optional: term.indices))
        return unsafe weigh(instance, context, try session.show(input), &answer, error)
      },
      take: {
        guard let weights = unsafe try taken(answer, "weigh", progress.step, "its weights are") else {
          return Weights()
        }
        return try check(weights, losses, progress.step) { [self] step, problem in
          .call(describe("weigh", step), .weights(term: term.name, problem))
        }
      })
  }

  private func check(
    _ weights: Tensor, _ losses: Tensor, _ step: Int, _ error: @escaping (_ step: Int, TensorProblem) -> PluginError
  ) throws -> Weights {
    if let problem = TensorChecks.vector(weights, losses.count) ?? TensorChecks.dtype(weights, losses.dtype)
      ?? TensorChecks.device(weights, losses.device)
    {
      throw error(step, problem)
    }
    let plain = weights.requiresGrad ? try weights.detach() : weights
    let rule = TensorChecks.Rule(promise)
    guard plain.device != .cpu else {
      if let problem = try TensorChecks.values(plain, rule) { throw error(step, problem) }
      return Weights(tensor: plain)
    }
    let flag = try TensorChecks.flag(plain, rule)
    return Weights(tensor: plain, valueCheck: ValueCheck(isBroken: flag) { [promise] in error($0, .promise(promise)) })
  }
}

extension StrategyInstance {
  /// The tensor that a callback gave; nil for NULL.
  func taken(_ handle: lethe_tensor?, _ call: String, _ step: Int?, _ what: String) throws -> Tensor? {
    do throws(Refusal) {
      return unsafe try session.tensor(optional: handle, 0)
    } catch {
      throw PluginError.call(describe(call, step), .said("\(what) a tensor handle that is not valid"))
    }
  }
}
