import CLethe
import Tensors

/// "lethe.task/1" and "lethe.evaluate/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let task: UnsafePointer<lethe_task> = unsafe make(
    lethe_task(
      size: size(of: lethe_task.self), reserved0: 0,
      describe: { context, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let facts = session.world.task
          let kind = unsafe session.cNames([facts.kind])
          let info = unsafe lethe_task_info(
            size: 0, reserved0: 0, kind: kind[0], classes: Int64(facts.classes), forget: Int64(facts.forget),
            retain: Int64(facts.retain))
          unsafe try CStruct.fill(out, info, least: 16, "lethe_task_info")
        }
      },
      losses: { context, outputs, labels, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let outputs = unsafe try session.tensor(outputs, 1)
          let labels = unsafe try session.tensor(labels, 2)
          guard session.world.diffusion == nil else {
            throw Refusal(
              LETHE_E_PRECONDITION, "losses of outputs and labels are for classifiers: 'batch_losses' is for both")
          }
          guard let out = unsafe out else { throw .argument(3, "argument 3 is NULL") }
          unsafe out.pointee = try session.lend(
            attempt { try session.world.losses(outputs: outputs, labels: labels) })
        }
      },
      batch_losses: { context, model, batch, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          let found = unsafe try session.batchLosses(model, session.batch(batch))
          let lent = unsafe lethe_task_losses(
            size: 0, reserved0: 0, losses: try session.lend(found.losses),
            timesteps: try session.lend(optional: found.timesteps))
          unsafe try CStruct.fill(out, lent, least: MemoryLayout<lethe_task_losses>.size, "lethe_task_losses")
        }
      }))

  nonisolated(unsafe) static let evaluate: UnsafePointer<lethe_evaluate> = unsafe make(
    lethe_evaluate(
      size: size(of: lethe_evaluate.self), reserved0: 0,
      reference_loss: { context, set, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          try session.requirePrepare("reference_loss")
          let set = try session.oneSet(set)
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          unsafe out.pointee = try attempt { try session.world.referenceLoss(over: set) }
        }
      },
      reference_curve: { context, set, timesteps, count, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let facts = try session.diffusion()
          try session.requirePrepare("reference_curve")
          let set = try session.oneSet(set)
          guard let timesteps = unsafe timesteps else { throw .argument(2, "argument 2 is NULL") }
          guard let out = unsafe out else { throw .argument(4, "argument 4 is NULL") }
          let asked = (0..<Int(count)).map { unsafe Int(timesteps[$0]) }
          if let wrong = asked.first(where: { !(0..<facts.timesteps).contains($0) }) {
            throw .argument(2, "timestep \(wrong) is not in 0 ... \(facts.timesteps - 1)")
          }
          guard !asked.isEmpty else { return }
          let curve = try attempt { try session.world.referenceCurve(over: set, at: asked) }
          for (index, value) in curve.prefix(asked.count).enumerated() { unsafe out[index] = value }
        }
      }))
}

extension HostSession {
  fileprivate func requirePrepare(_ function: String) throws(Refusal) {
    guard frame.moment == .prepare || frame.moment == .create else {
      throw Refusal(LETHE_E_PRECONDITION, "\(function) is for 'create' and 'prepare' only")
    }
  }

  fileprivate func oneSet(_ number: UInt32) throws(Refusal) -> SampleSet {
    let set = SampleSet(rawValue: number)
    guard set == .forget || set == .retain else {
      throw .argument(1, "set \(number) is neither 1 (forget) nor 2 (retain)")
    }
    return set
  }

  /// A plugin's batch, checked.
  fileprivate func batch(_ pointer: UnsafePointer<lethe_batch>?) throws(Refusal) -> Batch {
    guard let pointer = unsafe pointer else { throw .argument(2, "argument 2 is NULL") }
    guard unsafe CStruct.size(pointer) >= MemoryLayout<lethe_batch>.size else {
      throw .argument(2, "the size of 'lethe_batch' is \(unsafe CStruct.size(pointer)), set it to sizeof of the struct")
    }
    let given = unsafe pointer.pointee
    let (forget, retain) = unsafe (given.forget_count, given.retain_count)
    let inputs = unsafe try tensor(given.inputs, 2)
    if let problem = TensorChecks.floating(inputs) ?? TensorChecks.device(inputs, world.device) {
      throw .argument(2, "'inputs': \(problem)")
    }
    let shape = inputs.shape
    guard forget >= 0, retain >= 0, let rows = shape.first, rows > 0,
      forget.addingReportingOverflow(retain).partialValue == Int64(rows)
    else {
      throw .argument(2, "\(forget) and \(retain) samples do not make a batch of shape \(shape)")
    }
    let labels = unsafe try tensor(given.labels, 2)
    let indices = unsafe try tensor(given.indices, 2)
    for (name, tensor) in [("labels", labels), ("indices", indices)] {
      if let problem = TensorChecks.vector(tensor, rows) ?? TensorChecks.dtype(tensor, .int64)
        ?? TensorChecks.device(tensor, world.device)
      {
        throw .argument(2, "'\(name)': \(problem)")
      }
    }
    return Batch(
      forgetCount: Int(forget), retainCount: Int(retain), inputs: inputs, labels: labels,
      indices: indices)
  }

  fileprivate func batchLosses(
    _ model: ModelHandle, _ batch: Batch
  ) throws(Refusal) -> (losses: Tensor, timesteps: Tensor?) {
    try attempt { try world.batchLosses(model, of: batch, progress: frame.progress) }
  }
}
