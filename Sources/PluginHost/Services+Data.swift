import CLethe
import Learning
import Tensors

/// "lethe.data/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let data: UnsafePointer<lethe_data> = unsafe make(
    lethe_data(
      size: size(of: lethe_data.self), reserved0: 0,
      batch: { context, pass, number, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let pass = unsafe try session.pass(pass)
          let batch = try session.batch(pass, number)
          let lent = unsafe lethe_batch(
            size: 0, reserved0: 0, forget_count: Int64(batch.forgetCount), retain_count: Int64(batch.retainCount),
            inputs: try session.lend(batch.inputs), labels: try session.lend(batch.labels),
            indices: try session.lend(batch.indices))
          unsafe try CStruct.fill(out, lent, least: MemoryLayout<lethe_batch>.size, "lethe_batch")
        }
      },
      progress: { context, done, total in
        _ = unsafe HostSession.serve(context, nil, mayFail: false) { session throws(Refusal) in
          guard done >= 0, total > 0, done <= total else { return }
          session.world.progress(done: Int(done), total: Int(total))
        }
      }))
}

extension HostSession {
  fileprivate func pass(_ pointer: UnsafePointer<lethe_pass>?) throws(Refusal) -> DataPass {
    guard let pointer = unsafe pointer else { throw .argument(1, "argument 1 is NULL") }
    guard unsafe CStruct.size(pointer) >= MemoryLayout<lethe_pass>.size else {
      throw .argument(1, "the size of 'lethe_pass' is \(unsafe CStruct.size(pointer)), set it to sizeof of the struct")
    }
    let pass = unsafe pointer.pointee
    let set = SampleSet(rawValue: pass.set)
    guard set == .forget || set == .retain else {
      throw .argument(1, "set \(pass.set) is neither 1 (forget) nor 2 (retain)")
    }
    guard frame.instance?.strategy.streams.contains(set.names[0]) == true else {
      throw Refusal(
        LETHE_E_PRECONDITION, "the set '\(set.names[0])' is not listed under 'streams' in the manifest", detail: 1)
    }
    guard pass.flags & ~LETHE_PASS_AUGMENT == 0 else {
      throw .argument(1, "flags \(pass.flags) has bits that no header names")
    }
    guard pass.batch > 0, let batch = Int(exactly: pass.batch) else { throw .argument(1, "batch is \(pass.batch)") }
    return DataPass(set: set, batch: batch, isAugmented: pass.flags & LETHE_PASS_AUGMENT != 0)
  }

  fileprivate func batch(_ pass: DataPass, _ number: Int64) throws(Refusal) -> Batch {
    guard frame.moment == .prepare || frame.moment == .run else {
      throw Refusal(LETHE_E_PRECONDITION, "batches are for 'prepare', and for 'run' of a procedure, only")
    }
    guard !cancel.isCancelled else { throw Refusal(LETHE_E_CANCELLED, "the run was asked to stop") }
    let samples = pass.set == .forget ? world.task.forget : world.task.retain
    let count = (samples + pass.batch - 1) / pass.batch
    guard let number = Int(exactly: number), (0..<count).contains(number) else {
      throw .argument(2, "batch \(number) is not there: \(samples) samples give \(count) of \(pass.batch)")
    }
    return try attempt { try world.batch(number, of: pass) }
  }
}
