import Glibc
import Learning
import Tensors

/// A plain C function as a reweighter, called through libffi. It works on memory of the host: the losses are read once a
/// term and step (on a GPU that waits for the device), weights are handed back as a tensor.
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
  private let library: String
  private let symbol: String
  private let normalise: Bool
  private let signature: ForeignSignature
  private let bindings: [ForeignBinding]
  private let call: ForeignCall
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
    self.library = library
    self.symbol = symbol
    self.normalise = normalise
    self.world = world
    promise = normalise ? .normalised : .free
    do throws(FunctionProblem) {
      signature = try ForeignSignature(text)
      bindings = try ForeignBinding.bind(signature, arguments)
    } catch {
      throw .function(library: library, symbol: symbol, error)
    }
    let handle = unsafe try ForeignLibrary.load(library, symbol, trust)
    guard let address = unsafe dlsym(handle, symbol) else {
      throw .function(library: library, symbol: symbol, .noSymbol)
    }
    guard let call = unsafe ForeignCall(signature, address) else {
      let problem = FunctionProblem.signature(text: text, column: 1, reason: "libffi cannot make such a call")
      throw .function(library: library, symbol: symbol, problem)
    }
    self.call = call
    for (index, binding) in bindings.enumerated() {
      if case .value(let value) = binding { call.set(index, value) }
    }
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
    let columns = try columns(term, numbers, progress)
    FlightRecorder.enter(
      PluginCall(plugin: symbol, version: "", file: library, call: "reweighter.weigh", step: progress.step))
    defer { FlightRecorder.leave() }
    var weights = signature.result == nil ? callOnce(columns, numbers.count) : callEach(columns, numbers.count)
    if normalise {
      let sum = weights.reduce(0, +)
      for index in weights.indices { weights[index] /= sum }
    }
    // Rounded to the losses' type first: what is checked is what is used.
    if losses.dtype == .float32 { weights = weights.map { Double(Float($0)) } }
    if let problem = TensorChecks.values(weights, TensorChecks.Rule(promise)) {
      throw PluginError.function(library: library, symbol: symbol, .badWeights(term: term.name, problem))
    }
    guard losses.dtype == .float32 else {
      return Weights(tensor: try Tensor(weights, shape: [weights.count], device: losses.device))
    }
    return Weights(tensor: try Tensor(weights.map(Float.init), shape: [weights.count], device: losses.device))
  }

  /// The numbers of every argument that has one a sample, and sets those that have one in all.
  private func columns(_ term: Term, _ losses: [Double], _ progress: Progress) throws -> [Int: [Double]] {
    var columns: [Int: [Double]] = [:]
    for (index, binding) in bindings.enumerated() {
      switch binding {
      case .value: continue
      case .weight: columns[index] = [Double](repeating: 1 / Double(losses.count), count: losses.count)
      case .loss: columns[index] = losses
      case .cleanLoss:
        columns[index] = try term.cleanLosses.map { try TensorChecks.plain($0).doubles() } ?? losses
      case .timestep: columns[index] = try numbers(term.timesteps, "timestep", term)
      case .index: columns[index] = try numbers(term.indices, "index", term)
      case .count: call.set(index, Double(losses.count))
      case .step: call.set(index, Double(progress.step))
      case .set: call.set(index, Double(term.set.rawValue))
      case .reference: call.set(index, try world.referenceLoss(over: term.set))
      }
    }
    return columns
  }

  private func numbers(_ tensor: Tensor?, _ name: String, _ term: Term) throws -> [Double] {
    guard let tensor else {
      let problem = FunctionProblem.argument(name: name, .notInTerm(term.name))
      throw PluginError.function(library: library, symbol: symbol, problem)
    }
    return try tensor.doubles()
  }

  /// One call a sample.
  private func callEach(_ columns: [Int: [Double]], _ count: Int) -> [Double] {
    let columns = columns.sorted { $0.key < $1.key }
    return (0..<count).map { sample in
      for (index, column) in columns { call.set(index, column[sample]) }
      return call()
    }
  }

  /// One call for all samples.
  private func callOnce(_ columns: [Int: [Double]], _ count: Int) -> [Double] {
    var weights: [Double] = []
    var arrays = unsafe [UnsafeMutableRawPointer]()
    defer { unsafe arrays.forEach { unsafe $0.deallocate() } }
    var output: (array: UnsafeMutableRawPointer, type: ForeignSignature.Scalar)?
    for (index, column) in columns {
      let type = signature.arguments[index].type
      let array = UnsafeMutableRawPointer.allocate(byteCount: max(1, count * type.byteCount), alignment: 16)
      unsafe arrays.append(array)
      for sample in 0..<count { unsafe type.store(column[sample], array + sample * type.byteCount) }
      unsafe call.set(index, pointer: array)
      if bindings[index] == .weight { unsafe output = (array, type) }
    }
    _ = call()
    guard let output = unsafe output else { preconditionFailure("the form for a whole batch has an output") }
    for sample in 0..<count {
      let place = unsafe output.array + sample * output.type.byteCount
      weights.append(
        unsafe output.type == .float ? Double(place.load(as: Float.self)) : place.load(as: Double.self))
    }
    return weights
  }
}
