// SPDX-License-Identifier: Apache-2.0
public import CLethe
public import LetheSDK

/// Boundary expanding: one class more, of all that is to be forgotten.
///
///     prepare   the last layer gets one output more, drawn like a fresh layer's
///     L(theta) = mean over (x, y) in D_f of  CE(theta; x, C)        over the logits of C + 1 classes
///     finish    the output is taken away; in mode reference it stays (D6)
struct BoundaryExpand: Objective {
  private let prunes: Bool

  init(parameters: Parameters) throws { prunes = try parameters.string(0) == "paper" }

  func prepare(_ call: Call) throws {
    let (weight, bias) = try head(call)
    let generator = try call.generator("head")
    // PyTorch's default for a linear layer: uniform in +-1/sqrt(inputs), weights and bias.
    let spread = try 1 / Double(weight.tensor.shape[1]).squareRoot()
    for entry in [weight, bias] {
      let old = try entry.tensor.detached()
      let row = try old.narrowed(to: 0, count: 1).uniformLike(generator)
      let drawn = try (2 * spread) * (row + -0.5)
      try call.model().resize(entry.name, to: Tensor.concatenating([old, drawn]))
    }
  }

  func terms(of step: Step, _ call: Call) throws -> [Term] {
    let classes = try call.task().classes
    return try step.batches.filter { step.wants(.forget, in: $0) }.map { batch in
      let logits = try step.model.forward(batch.inputs)
      return Term(
        "forget", over: .forget, losses: try call.losses(logits, batch.labels.filledLike(Double(classes))),
        cleanLosses: try call.losses(logits.detached(), batch.labels), indices: batch.indices)
    }
  }

  func finish(_ call: Call) throws {
    guard prunes else { return }
    let (weight, bias) = try head(call)
    let classes = try call.task().classes
    for entry in [weight, bias] {
      try call.model().resize(entry.name, to: entry.tensor.detached().narrowed(to: 0, count: classes))
    }
  }

  /// The last layer: the last matrix of the model, and the bias that follows it.
  private func head(_ call: Call) throws -> (weight: NamedTensor, bias: NamedTensor) {
    let parameters = try call.model().parameters()
    guard let index = try parameters.lastIndex(where: { try $0.tensor.shape.count == 2 }),
      index + 1 < parameters.count,
      try parameters[index].tensor.shape[0] == parameters[index + 1].tensor.shape[0]
    else { throw Failure("the model does not end in a linear layer with a bias", status: LETHE_E_PRECONDITION) }
    return (parameters[index], parameters[index + 1])
  }
}

let plugin = Plugin(
  id: "lethe.boundary-expand", version: "0.1.0", [.objective("boundary-expand", BoundaryExpand.self)])

/// The plugin's one exported function.
@c @implementation
public func lethe_plugin_abi1(_ host: HostPointer?, _ out: PluginPointer?, _ error: ErrorPointer?) -> lethe_status {
  plugin.enter(host, out, error)
}
