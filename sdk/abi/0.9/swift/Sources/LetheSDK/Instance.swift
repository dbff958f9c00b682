// SPDX-License-Identifier: Apache-2.0
import CLethe

/// What a `lethe_self` points to. The role's own calls are overridden by the classes below; the table of a role never
/// reaches an instance of another.
class Instance {
  let services: Services

  init(_ services: Services) { self.services = services }

  func prepare(_ call: Call) throws {}
  func finish(_ call: Call) throws {}
  func retune(_ parameters: Parameters) throws { throw Instance.wrong }
  func save(to state: StateWriter, _ call: Call) throws { throw Instance.wrong }
  func load(from state: StateReader, version: UInt32, _ call: Call) throws { throw Instance.wrong }
  func terms(_ input: UnsafePointer<lethe_objective_in>?, _ call: Call) throws -> [Term] { throw Instance.wrong }
  func weights(for term: SeenTerm, _ call: Call) throws -> Tensor? { throw Instance.wrong }
  func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws { throw Instance.wrong }
  func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws { throw Instance.wrong }
  func scores(_ call: Call) throws -> [Tensor] { throw Instance.wrong }
  func combine(_ progress: Progress, _ call: Call) throws { throw Instance.wrong }
  func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]? { throw Instance.wrong }
  func afterStep(_ progress: Progress, _ call: Call) throws { throw Instance.wrong }
  func run(_ model: Model, _ call: Call) throws { throw Instance.wrong }
  func begin(with model: MeasuredModel, _ call: Call) throws { throw Instance.wrong }
  func update(with batch: MeasuredBatch, _ call: Call) throws { throw Instance.wrong }
  func results(_ call: Call) throws -> [MetricResult] { throw Instance.wrong }

  private static let wrong = Failure("the strategy has no such call", status: LETHE_E_UNIMPLEMENTED)
}

/// An instance around the author's value.
class Holder<Method: Strategy>: Instance {
  var method: Method

  init(_ parameters: Parameters, _ services: Services) throws {
    method = try Method(parameters: parameters)
    super.init(services)
  }

  override func prepare(_ call: Call) throws { try method.prepare(call) }
  override func finish(_ call: Call) throws { try method.finish(call) }

  override func retune(_ parameters: Parameters) throws {
    guard var tunable = method as? any Tunable else { return try super.retune(parameters) }
    try tunable.retune(parameters)
    if let retuned = tunable as? Method { method = retuned }
  }

  override func save(to state: StateWriter, _ call: Call) throws {
    guard let stateful = method as? any Stateful else { return try super.save(to: state, call) }
    try stateful.save(to: state, call)
  }

  override func load(from state: StateReader, version: UInt32, _ call: Call) throws {
    guard var stateful = method as? any Stateful else {
      return try super.load(from: state, version: version, call)
    }
    try stateful.load(from: state, version: version, call)
    if let loaded = stateful as? Method { method = loaded }
  }
}

final class ObjectiveHolder<Method: Objective>: Holder<Method> {
  private var step = -1
  private var microBatch = 0

  override func terms(_ input: UnsafePointer<lethe_objective_in>?, _ call: Call) throws -> [Term] {
    let step = try Step(input, microBatch: count, call)
    return try method.terms(of: step, call)
  }

  /// How often this step was called before. A run resumes between steps, so nothing has to be saved.
  private func count(_ progress: Progress) -> Int {
    microBatch = progress.step == step ? microBatch + 1 : 0
    step = progress.step
    return microBatch
  }
}

final class ReweighterHolder<Method: Reweighter>: Holder<Method> {
  override func weights(for term: SeenTerm, _ call: Call) throws -> Tensor? {
    try method.weights(for: term, call)
  }
}

final class MaskHolder<Method: Mask>: Holder<Method> {
  override func begin(parameters: [NamedTensor], walk: inout Walk, _ call: Call) throws {
    try method.begin(parameters: parameters, walk: &walk, call)
  }
  override func accumulate(gradients: [Tensor?], count: Int, _ call: Call) throws {
    try method.accumulate(gradients: gradients, count: count, call)
  }
  override func scores(_ call: Call) throws -> [Tensor] { try method.scores(call) }
}

final class UpdaterHolder<Method: Updater>: Holder<Method> {
  override func combine(_ progress: Progress, _ call: Call) throws { try method.combine(progress, call) }
  override func scales(for terms: [StepTerm], _ progress: Progress, _ call: Call) throws -> [Tensor]? {
    try method.scales(for: terms, progress, call)
  }
  override func afterStep(_ progress: Progress, _ call: Call) throws { try method.afterStep(progress, call) }
}
