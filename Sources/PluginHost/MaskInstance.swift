import CLethe
package import Tensors

/// How the host walks over the data for a mask.
package struct Walk: Sendable, Equatable {
  /// Samples a batch; above 0.
  package var batch: Int
  /// Batch statistics; else running statistics.
  package var trains: Bool
  /// An optimizer step on a copy of the model after every batch.
  package var steps: Bool
  /// s in (1+s) ε(c) − s ε(null), whose loss is differentiated; 0 for the task's loss.
  package var guidance: Double

  package init(batch: Int, trains: Bool = false, steps: Bool = false, guidance: Double = 0) {
    self.batch = batch
    self.trains = trains
    self.steps = steps
    self.guidance = guidance
  }
}

/// A mask at work.
package final class MaskInstance: StrategyInstance {
  /// Whether it answers with scores, or with 0 and 1.
  package var answer: MaskAnswer { strategy.manifest.answer ?? .scores }

  /// Starts a walk over parameters of these shapes; gives the walk that the strategy wants instead of `walk`.
  package func begin(parameters: NamedTensors, walk: Walk, step: Int? = nil) throws -> Walk {
    _ = try legal(.work, "begin", step)
    let begin = unsafe table.begin
    var wanted = lethe_walk(
      size: ServiceTables.size(of: lethe_walk.self),
      flags: (walk.trains ? LETHE_WALK_TRAIN : 0) | (walk.steps ? LETHE_WALK_STEP : 0), batch: Int64(walk.batch),
      guidance: walk.guidance)
    return unsafe try call(
      "begin", step, .work,
      { (instance, context, error) throws(Refusal) in
        let list = unsafe try session.show(session.lend(parameters))
        return unsafe begin?(instance, context, list, &wanted, error) ?? LETHE_E_UNIMPLEMENTED
      },
      take: {
        guard wanted.batch > 0, wanted.flags & ~(LETHE_WALK_TRAIN | LETHE_WALK_STEP) == 0 else {
          throw PluginError.call(describe("begin", step), .walk(flags: wanted.flags, batch: wanted.batch))
        }
        guard wanted.guidance.isFinite, wanted.guidance == 0 || session.world.diffusion?.conditions ?? 0 > 0 else {
          throw PluginError.call(describe("begin", step), .guidance(wanted.guidance))
        }
        return Walk(
          batch: Int(wanted.batch), trains: wanted.flags & LETHE_WALK_TRAIN != 0,
          steps: wanted.flags & LETHE_WALK_STEP != 0, guidance: wanted.guidance)
      })
  }

  /// Shows the gradients of the mean loss over one batch of `count` samples; they may be changed in place.
  package func accumulate(gradients: NamedTensors, count: Int, step: Int? = nil) throws {
    _ = try legal(.work, "accumulate", step)
    let accumulate = unsafe table.accumulate
    try unsafe call("accumulate", step, .work) { (instance, context, error) throws(Refusal) in
      let list = unsafe try session.show(session.lend(gradients))
      return unsafe accumulate?(instance, context, list, Int64(count), error) ?? LETHE_E_UNIMPLEMENTED
    }
  }

  /// One tensor for each parameter, of its shape: scores, finite and not negative, or 0 and 1. Reads every value.
  package func scores(parameters: NamedTensors, step: Int? = nil) throws -> [Tensor] {
    _ = try legal(.work, "finish", step)
    let finish = unsafe table.finish
    let count = parameters.tensors.count
    var handles = unsafe [lethe_tensor?](repeating: nil, count: count)
    return unsafe try call(
      "finish", step, .work,
      { (instance, context, error) throws(Refusal) in
        unsafe finish?(instance, context, &handles, UInt32(count), error) ?? LETHE_E_UNIMPLEMENTED
      },
      take: {
        try parameters.names.indices.map { index in
          let name = parameters.names[index]
          let scores = unsafe try taken(handles[index], "finish", step, "the scores of '\(name)' are")
          return try check(scores, parameters.tensors[index]) { problem in
            .call(describe("finish", step), .scores(parameter: name, problem))
          }
        }
      })
  }

  private func check(
    _ scores: Tensor?, _ parameter: Tensor?, _ error: (TensorProblem) -> PluginError
  ) throws -> Tensor {
    guard let scores else { throw error(.missing) }
    if let parameter, scores.shape != parameter.shape {
      throw error(.shape(found: scores.shape, wanted: "\(parameter.shape)"))
    }
    if let problem = TensorChecks.floating(scores) { throw error(problem) }
    if let parameter, let problem = TensorChecks.device(scores, parameter.device) { throw error(problem) }
    let plain = scores.requiresGrad ? try scores.detach() : scores
    if let problem = try TensorChecks.values(plain, answer == .mask ? .binary : .free) { throw error(problem) }
    return plain
  }

  private var table: lethe_mask {
    guard case .mask(let table) = strategy.loaded.role else {
      preconditionFailure("a mask has a table of its role")
    }
    return table
  }
}
