// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Runs a callback of an instance and turns what it throws into a status and a message.
func answer(
  _ me: lethe_self?, _ ctx: lethe_ctx?, _ error: ErrorPointer?, _ body: (Instance, Call) throws -> Void
) -> lethe_status {
  guard let me, let ctx else {
    return Failure("a callback needs its instance and its context", status: LETHE_E_INVALID_ARGUMENT).write(to: error)
  }
  let instance = Unmanaged<Instance>.fromOpaque(UnsafeRawPointer(me)).takeUnretainedValue()
  do {
    try body(instance, Call(context: ctx, services: instance.services))
    return LETHE_OK
  } catch let failure {
    return Failure(reporting: failure).write(to: error)
  }
}

let objectiveTable = lethe_objective(
  size: UInt32(MemoryLayout<lethe_objective>.size), reserved0: 0,
  terms: { me, ctx, input, sink, error in
    answer(me, ctx, error) { instance, call in
      for term in try instance.terms(input, call) { try term.add(to: sink, call) }
    }
  })

let reweighterTable = lethe_reweighter(
  size: UInt32(MemoryLayout<lethe_reweighter>.size), reserved0: 0,
  weigh: { me, ctx, input, weights, error in
    answer(me, ctx, error) { instance, call in
      weights?.pointee = try instance.weights(for: SeenTerm(input, call), call)?.handle
    }
  })

let maskTable = lethe_mask(
  size: UInt32(MemoryLayout<lethe_mask>.size), reserved0: 0,
  begin: { me, ctx, parameters, walk, error in
    answer(me, ctx, error) { instance, call in
      let walk = try offered(walk, "a walk")
      var wanted = Walk(
        batch: Int(walk.pointee.batch), trains: walk.pointee.flags & LETHE_WALK_TRAIN != 0,
        steps: walk.pointee.flags & LETHE_WALK_STEP != 0)
      let hasGuidance =
        Int(walk.pointee.size) >= MemoryLayout<lethe_walk>.offset(of: \.guidance).unsafelyUnwrapped + 8
      let list = snapshot(parameters, lethe_named_tensors())
      try instance.begin(parameters: call.named(list), walk: &wanted, call)
      walk.pointee.batch = Int64(wanted.batch)
      if hasGuidance {
        walk.pointee.guidance = wanted.guidance
      } else if wanted.guidance != 0 {
        throw Failure("the host is older than guided walks", status: LETHE_E_UNIMPLEMENTED)
      }
      let known = LETHE_WALK_TRAIN | LETHE_WALK_STEP
      walk.pointee.flags =
        walk.pointee.flags & ~known | (wanted.trains ? LETHE_WALK_TRAIN : 0) | (wanted.steps ? LETHE_WALK_STEP : 0)
    }
  },
  accumulate: { me, ctx, gradients, count, error in
    answer(me, ctx, error) { instance, call in
      let list = snapshot(gradients, lethe_named_tensors())
      try instance.accumulate(gradients: call.tensors(list), count: Int(count), call)
    }
  },
  finish: { me, ctx, scores, count, error in
    answer(me, ctx, error) { instance, call in
      let found = try instance.scores(call)
      guard let scores, found.count == Int(count) else {
        throw Failure("\(found.count) score tensors for \(count) parameters", status: LETHE_E_INTERNAL)
      }
      for (index, score) in found.enumerated() { scores[index] = score.handle }
    }
  })

func updaterTable(combines: Bool, scales: Bool) -> lethe_updater {
  var table = lethe_updater()
  table.size = UInt32(MemoryLayout<lethe_updater>.size)
  if combines {
    table.combine = { me, ctx, progress, error in
      answer(me, ctx, error) { try $0.combine(Progress(progress), $1) }
    }
  }
  if combines, scales {
    table.scale_terms = { me, ctx, progress, count, scales, error in
      answer(me, ctx, error) { instance, call in
        let terms = try call.stepTerms(gradients: false)
        guard let found = try instance.scales(for: terms, Progress(progress), call) else { return }
        guard let scales, found.count == Int(count) else {
          throw Failure("\(found.count) scales for \(count) terms", status: LETHE_E_INTERNAL)
        }
        for (index, scale) in found.enumerated() { scales[index] = scale.handle }
      }
    }
  }
  table.after_step = { me, ctx, progress, error in
    answer(me, ctx, error) { try $0.afterStep(Progress(progress), $1) }
  }
  return table
}
