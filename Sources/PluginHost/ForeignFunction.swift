import Learning
import Tensors

/// A plain C function as a reweighter. It works on memory of the host: the losses are read once a term and step (on a GPU
/// that waits for the device), weights are handed back as a tensor.
///
/// Two forms. `double(double loss, …)` is called once a sample and returns its weight; any scalar may be the result.
/// `void(int64_t n, const float *loss, …, float *weight)` is called once a term and fills in the weights. Arguments bind
/// by name:
/// - a number a sample: `loss`, `clean_loss` (loss with the true labels), `timestep`, `index` (position in the training
///   data), and, in the first form, `weight` (1/n);
/// - one number: `n` (samples of the term), `reference` (mean loss of the set under the original model), `step`, `set` (1
///   forget, 2 retain), and every key of the values given along.
///
/// A signature that is not the function's cannot be noticed: then anything may happen.
package final class ForeignFunction: Reweighting {
  package let promise: WeightPromise
  private let normalise: Bool
  private let function: BoundFunction
  private let world: any StrategyWorld

  /// Finds the function and binds its arguments.
  ///
  /// - Parameters:
  ///   - library: path of the shared library; checked and loaded as a plugin is, and never closed.
  ///   - arguments: values for arguments that the host does not give, by name.
  ///   - normalise: whether the weights of a term are divided by their sum.
  package init(
    library: String, symbol: String, signature text: String, arguments: [(key: String, value: ParameterValue)],
    normalise: Bool, world: any StrategyWorld, trust: TrustPolicy = TrustPolicy(SearchPath())
  ) throws(PluginError) {
    function = try BoundFunction(
      library: library, symbol: symbol, signature: text, arguments: arguments, for: .weights, trust: trust)
    self.normalise = normalise
    self.world = world
    promise = normalise ? .normalised : .free
  }

  package func prepare(step: Int?) throws {}
  package func finish(step: Int?) throws {}
  package var stateVersion: UInt32? { nil }
  package func saveState(step: Int?) throws -> SavedState? { nil }

  package func loadState(_ state: SavedState, step: Int?) throws {
    preconditionFailure("a plain function saves no state")
  }

  /// Calls the function for one term. Losses that are not finite get uniform weights and the function is not asked.
  package func weights(for term: Term, progress: Progress) throws -> Weights {
    guard let graph = term.losses else { preconditionFailure("a reweighter is shown terms with losses") }
    let losses = try TensorChecks.plain(graph)
    let numbers = try losses.doubles()
    guard numbers.allSatisfy(\.isFinite) else { return Weights() }
    let input = try function.input(term, numbers, progress, world)
    function.note("reweighter.weigh", step: progress.step)
    defer { FlightRecorder.leave() }
    var weights = function(input)[.weight] ?? []
    if normalise {
      let sum = weights.reduce(0, +)
      for index in weights.indices { weights[index] /= sum }
    }
    // Rounded to the losses' type first: what is checked is what is used.
    if losses.dtype == .float32 { weights = weights.map { Double(Float($0)) } }
    if let problem = TensorChecks.values(weights, TensorChecks.Rule(promise)) {
      throw function.error(.badWeights(term: term.name, problem))
    }
    return Weights(tensor: try .column(weights, like: losses))
  }
}

extension BoundFunction {
  /// What a function of a term's samples asks for. `losses` are the term's own.
  func input(
    _ term: Term, _ losses: [Double], _ progress: Progress, _ world: any StrategyWorld
  ) throws -> Input {
    var input = Input(count: losses.count)
    for (name, binding) in inputs {
      switch binding {
      case .loss: input.columns[binding] = losses
      case .cleanLoss:
        input.columns[binding] = try term.cleanLosses.map { try TensorChecks.plain($0).doubles() } ?? losses
      case .timestep: input.columns[binding] = try numbers(term.timesteps, name, term)
      case .index: input.columns[binding] = try numbers(term.indices, name, term)
      case .weight:
        input.columns[binding] = [Double](repeating: 1 / Double(losses.count), count: losses.count)
      case .step: input.scalars[binding] = Double(progress.step)
      case .set: input.scalars[binding] = Double(term.set.rawValue)
      case .reference: input.scalars[binding] = try world.referenceLoss(over: term.set)
      case .label, .prediction, .confidence, .classes, .value, .derivative, .count, .given:
        preconditionFailure("a function of a term is not bound to '\(name)'")
      }
    }
    return input
  }

  private func numbers(_ tensor: Tensor?, _ name: String, _ term: Term) throws -> [Double] {
    guard let tensor else { throw error(.argument(name: name, .notInTerm(term.name))) }
    return try tensor.doubles()
  }
}

extension Tensor {
  /// Numbers in the type (single or double precision) and on the device of `other`.
  static func column(_ numbers: [Double], like other: Tensor) throws -> Tensor {
    guard other.dtype == .float32 else { return try Tensor(numbers, shape: [numbers.count], device: other.device) }
    return try Tensor(numbers.map(Float.init), shape: [numbers.count], device: other.device)
  }
}
