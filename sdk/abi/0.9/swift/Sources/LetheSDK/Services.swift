// SPDX-License-Identifier: Apache-2.0
import CLethe

/// Copies a growable struct: what its owner did not know stays zero, so a missing slot reads as nil.
func snapshot<Struct>(_ source: UnsafeRawPointer?, _ empty: Struct) -> Struct {
  guard let source else { return empty }
  var copy = empty
  let count = min(Int(source.load(as: UInt32.self)), MemoryLayout<Struct>.size)
  withUnsafeMutableBytes(of: &copy) { bytes in
    bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: count))
  }
  return copy
}

/// The host's tables, looked up once for an instance, and the operators that it has resolved.
final class Services {
  let core: lethe_core
  let tensors: lethe_tensors
  let ops: lethe_ops
  let autograd: lethe_autograd
  let models: lethe_models
  let task: lethe_task
  let random: lethe_rngs
  let evaluate: lethe_evaluate
  let steps: lethe_steps
  let data: lethe_data
  let diffusion: lethe_diffusion
  let artifacts: lethe_artifacts
  private var operators = [lethe_op?](repeating: nil, count: Aten.allCases.count)

  init(_ host: UnsafePointer<lethe_host>) {
    func table<Table>(_ id: String, _ empty: Table) -> Table {
      snapshot(host.pointee.service?(host, id), empty)
    }
    core = table(LETHE_CORE, lethe_core())
    tensors = table(LETHE_TENSORS, lethe_tensors())
    ops = table(LETHE_OPS, lethe_ops())
    autograd = table(LETHE_AUTOGRAD, lethe_autograd())
    models = table(LETHE_MODEL, lethe_models())
    task = table(LETHE_TASK, lethe_task())
    random = table(LETHE_RNG, lethe_rngs())
    evaluate = table(LETHE_EVALUATE, lethe_evaluate())
    steps = table(LETHE_STEP, lethe_steps())
    data = table(LETHE_DATA, lethe_data())
    diffusion = table(LETHE_DIFFUSION, lethe_diffusion())
    artifacts = table(LETHE_ARTIFACT, lethe_artifacts())
  }

  /// The handle of one of the kit's own operators, resolved at its first use.
  func handle(of aten: Aten, _ context: lethe_ctx) throws -> lethe_op {
    if let known = operators[aten.rawValue] { return known }
    let found = try resolve(aten.schema, context)
    operators[aten.rawValue] = found
    return found
  }

  func resolve(_ schema: String, _ context: lethe_ctx) throws -> lethe_op {
    let resolve = try offered(ops.resolve, "lethe.ops/1 resolve")
    var found: lethe_op?
    try ask { resolve(context, schema, &found, $0) }
    return try offered(found, "an operator's handle")
  }
}
