// SPDX-License-Identifier: Apache-2.0
import CLethe

/// A model of the run.
public struct Model {
  let handle: lethe_model
  let call: Call

  /// How a forward pass is made; without options batch statistics, which are updated, and a graph.
  public struct Options: OptionSet, Sendable {
    /// `LETHE_FORWARD_*`.
    public let rawValue: UInt32
    /// Takes a bit set.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Running statistics, no dropout.
    public static let evaluating = Options(rawValue: LETHE_FORWARD_EVAL)
    /// No graph.
    public static let withoutGraph = Options(rawValue: LETHE_FORWARD_NO_GRAD)
  }

  /// Classification: logits, float [n, classes], of inputs [n, C, H, W] in [0, 1].
  public func forward(_ inputs: Tensor, _ options: Options = []) throws -> Tensor {
    let forward = try offered(call.services.models.forward, "lethe.model/1 forward")
    var input = lethe_forward()
    input.size = UInt32(MemoryLayout<lethe_forward>.size)
    input.flags = options.rawValue
    input.inputs = inputs.handle
    var output: lethe_tensor?
    try ask { forward(call.context, handle, &input, &output, $0) }
    return try call.tensor(output)
  }

  /// The trainable parameters in a stable order, leaves of the graph. Write to them only in `afterStep`, in place.
  public func parameters() throws -> [NamedTensor] {
    try list(call.services.models.parameters, "lethe.model/1 parameters")
  }

  /// Running statistics and counters, in a stable order.
  public func buffers() throws -> [NamedTensor] {
    try list(call.services.models.buffers, "lethe.model/1 buffers")
  }

  /// Gives a parameter another size along its first dimension, and a copy of `value`'s elements. In `prepare` at the
  /// beginning of a run and `finish` at its end, of an objective.
  public func resize(_ parameter: String, to value: Tensor) throws {
    let resize = try offered(call.services.models.resize, "lethe.model/1 resize")
    try parameter.withCString { name in try ask { resize(call.context, handle, name, value.handle, $0) } }
  }

  private func list(
    _ function: (
      @convention(c) (
        lethe_ctx?, lethe_model?, UnsafeMutablePointer<lethe_named_tensors>?, UnsafeMutablePointer<lethe_error>?
      ) -> lethe_status
    )?, _ name: StaticString
  ) throws -> [NamedTensor] {
    let function = try offered(function, name)
    var found = lethe_named_tensors()
    found.size = UInt32(MemoryLayout<lethe_named_tensors>.size)
    try ask { function(call.context, handle, &found, $0) }
    return call.named(found)
  }
}

/// What the run is about.
public struct TaskInfo: Sendable {
  /// "classification" or "diffusion".
  public let kind: String
  /// Classification: the number of classes C.
  public let classes: Int
  /// Samples in the forget set.
  public let forgetCount: Int
  /// Samples in the retain set.
  public let retainCount: Int
}

extension Call {
  /// "model", which is being unlearned, or "original", as it was before, where the manifest lists it under "models".
  public func model(_ name: String = "model") throws -> Model {
    let find = try offered(services.models.find, "lethe.model/1 find")
    var found: lethe_model?
    try ask { find(context, name, &found, $0) }
    return Model(handle: try offered(found, "a model"), call: self)
  }

  /// What the run is about.
  public func task() throws -> TaskInfo {
    let describe = try offered(services.task.describe, "lethe.task/1 describe")
    var info = lethe_task_info()
    info.size = UInt32(MemoryLayout<lethe_task_info>.size)
    try ask { describe(context, &info, $0) }
    return TaskInfo(
      kind: info.kind.map { String(cString: $0) } ?? "", classes: Int(info.classes), forgetCount: Int(info.forget),
      retainCount: Int(info.retain))
  }

  /// The task's loss of each sample, [n], never reduced. Classification: cross-entropy of logits [n, C] and int64 [n].
  public func losses(_ outputs: Tensor, _ labels: Tensor) throws -> Tensor {
    let losses = try offered(services.task.losses, "lethe.task/1 losses")
    var found: lethe_tensor?
    try ask { losses(context, outputs.handle, labels.handle, &found, $0) }
    return try tensor(found)
  }

  /// Passes a batch through a model as training does and gives the task's loss of each sample, [n], never reduced, with the
  /// timesteps, int64 [n], where the task has any: for objectives that serve every task.
  public func batchLosses(_ model: Model, _ batch: Batch) throws -> (losses: Tensor, timesteps: Tensor?) {
    let losses = try offered(services.task.batch_losses, "lethe.task/1 batch_losses")
    var given = lethe_batch()
    given.size = UInt32(MemoryLayout<lethe_batch>.size)
    given.forget_count = Int64(batch.forgetCount)
    given.retain_count = Int64(batch.retainCount)
    (given.inputs, given.labels, given.indices) = (batch.inputs.handle, batch.labels.handle, batch.indices.handle)
    var found = lethe_task_losses()
    found.size = UInt32(MemoryLayout<lethe_task_losses>.size)
    try ask { losses(context, model.handle, &given, &found, $0) }
    return (try tensor(found.losses), optional(found.timesteps))
  }

  /// The mean loss of the original model over a set. Only in `prepare`: it costs a pass over the set.
  public func referenceLoss(over set: SampleSet) throws -> Double {
    let evaluate = try offered(services.evaluate.reference_loss, "lethe.evaluate/1 reference_loss")
    var loss = 0.0
    try ask { evaluate(context, set.rawValue, &loss, $0) }
    return loss
  }
}

/// A term of the step under way, as an updater sees it.
public struct StepTerm {
  /// Which set its samples are of; empty for a penalty.
  public let set: SampleSet
  /// Its name.
  public let name: String
  /// As the objective gave it.
  public let coefficient: Double
  /// A scalar without a graph: the term's share of the loss, coefficient included.
  public let loss: Tensor
  /// Its gradients in parameter order, masked, coefficient included; nil for zero. Empty in `scales`.
  public let gradients: [Tensor?]
}

/// The step under way. Legal in `combine` only, but for `learningRate`.
extension Call {
  /// The terms with their gradients: one backward pass each.
  public func stepTerms() throws -> [StepTerm] { try stepTerms(gradients: true) }

  func stepTerms(gradients: Bool) throws -> [StepTerm] {
    let steps = services.steps
    let (count, term) = (try offered(steps.count, "lethe.step/1 count"), try offered(steps.term, "lethe.step/1 term"))
    let gradient = try offered(steps.gradient, "lethe.step/1 gradient")
    var terms: UInt32 = 0
    try ask { count(context, &terms, $0) }
    return try (0..<terms).map { index in
      var seen = lethe_step_term()
      seen.size = UInt32(MemoryLayout<lethe_step_term>.size)
      try ask { term(context, index, &seen, $0) }
      var list = lethe_named_tensors()
      list.size = UInt32(MemoryLayout<lethe_named_tensors>.size)
      if gradients { try ask { gradient(context, index, &list, $0) } }
      return StepTerm(
        set: SampleSet(rawValue: seen.set), name: seen.name.map { String(cString: $0) } ?? "",
        coefficient: seen.coefficient, loss: try tensor(seen.loss), gradients: tensors(list))
    }
  }

  /// What the optimizer gets: one tensor of the parameter's shape for each parameter.
  public func setDirection(_ direction: [Tensor]) throws {
    let set = try offered(services.steps.set_direction, "lethe.step/1 set_direction")
    let handles: [lethe_tensor?] = direction.map(\.handle)
    try ask { set(context, handles, UInt32(handles.count), $0) }
  }

  /// The inner product of two lists of gradients, a scalar; nil counts as zero.
  public func dot(_ a: [Tensor?], _ b: [Tensor?]) throws -> Tensor {
    let dot = try offered(services.steps.dot, "lethe.step/1 dot")
    let (left, right) = (a.map(\.?.handle), b.map(\.?.handle))
    var found: lethe_tensor?
    try ask { dot(context, left, right, UInt32(min(left.count, right.count)), &found, $0) }
    return try tensor(found)
  }

  /// a + scale * b for two lists of gradients and a scalar tensor; nil counts as zero.
  public func sum(_ a: [Tensor?], scale: Tensor, _ b: [Tensor?]) throws -> [Tensor] {
    let axpy = try offered(services.steps.axpy, "lethe.step/1 axpy")
    let (left, right) = (a.map(\.?.handle), b.map(\.?.handle))
    var found = [lethe_tensor?](repeating: nil, count: min(left.count, right.count))
    try ask { axpy(context, left, scale.handle, right, UInt32(found.count), &found, $0) }
    return try found.map(tensor)
  }

  /// The learning rate of this step.
  public func learningRate() throws -> Double {
    let learningRate = try offered(services.steps.learning_rate, "lethe.step/1 learning_rate")
    var rate = 0.0
    try ask { learningRate(context, &rate, $0) }
    return rate
  }
}
