// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Role `lethe.procedure/1`: a method that is no loop of optimizer steps.
public protocol Procedure: Strategy {
  /// Changes the model's parameters in place, without a graph. Called once; `Call.checkCancelled` in long loops, though
  /// every batch asks by itself.
  mutating func run(on model: Model, _ call: Call) throws
}

/// A walk over one set in dataset order. In `prepare`, and in `run` of a procedure.
public struct DataPass {
  /// `.forget` or `.retain`, as the manifest lists it under "streams".
  public let set: SampleSet
  /// Samples a batch, > 0.
  public let batch: Int
  /// How many batches there are; the last one may be short.
  public let count: Int
  private let augmented: Bool
  private let call: Call

  /// Batch `number`, from 0. The tensors die with the callback, or earlier in `Call.freeingTensors`.
  public func callAsFunction(_ number: Int) throws -> Batch {
    let fetch = try offered(call.services.data.batch, "lethe.data/1 batch")
    var pass = lethe_pass()
    pass.size = UInt32(MemoryLayout<lethe_pass>.size)
    pass.set = set.rawValue
    pass.flags = augmented ? LETHE_PASS_AUGMENT : 0
    pass.batch = Int64(batch)
    var found = lethe_batch()
    found.size = UInt32(MemoryLayout<lethe_batch>.size)
    try ask { fetch(call.context, &pass, Int64(number), &found, $0) }
    return try withUnsafePointer(to: &found) { try Batch(UnsafeRawPointer($0), call) }
  }

  fileprivate init(_ set: SampleSet, _ batch: Int, _ augmented: Bool, _ call: Call) throws {
    let task = try call.task()
    self.set = set
    self.batch = batch
    self.augmented = augmented
    self.call = call
    count = ((set == .forget ? task.forgetCount : task.retainCount) + batch - 1) / batch
  }
}

extension Call {
  /// A walk over a set; `augmented` crops and flips as in training.
  public func pass(over set: SampleSet, batch: Int, augmented: Bool = false) throws -> DataPass {
    try DataPass(set, batch, augmented, self)
  }

  /// Tells the user how far the work is, in parts of your own.
  public func progress(_ done: Int, of total: Int) throws {
    try offered(services.data.progress, "lethe.data/1 progress")(context, Int64(done), Int64(total))
  }
}

let procedureTable = lethe_procedure(
  size: UInt32(MemoryLayout<lethe_procedure>.size), reserved0: 0,
  run: { me, ctx, input, error in
    answer(me, ctx, error) { instance, call in
      let input = snapshot(input, lethe_procedure_in())
      try instance.run(Model(handle: try offered(input.model, "the model"), call: call), call)
    }
  })

final class ProcedureHolder<Method: Procedure>: Holder<Method> {
  override func run(_ model: Model, _ call: Call) throws { try method.run(on: model, call) }
}
