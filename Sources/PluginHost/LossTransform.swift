import Learning
import Tensors

/// A plain C function that maps each loss l of a term to f(l), with its derivative f'(l).
///
/// LibTorch cannot differentiate through code that it does not know. What takes the losses' place in the graph is
///
///     V + D · (l − stop(l)),   V = f(stop(l)),   D = f'(stop(l))
///
/// which has exactly the value f(l) and, by the chain rule, the gradient f'(l) ∇l. Second derivatives of f are not there.
///
/// Two forms. `double(double loss, …)` is called once a sample and gives f; a second function of the same signature gives
/// f'. `void(int64_t n, const float *loss, …, float *value, float *derivative)` is called once a term and fills in both.
package final class LossTransform {
  private let value: BoundFunction
  /// Nil where `value` fills in the derivative too.
  private let derivative: BoundFunction?
  private let sets: SampleSet
  private let world: (any StrategyWorld)?

  /// Finds the functions and binds their arguments.
  ///
  /// - Parameters:
  ///   - derivative: the function of the derivative, for the form for one sample.
  ///   - sets: whose terms are transformed.
  ///   - world: what tells the reference loss; nil where only the test is run.
  package init(
    library: String, symbol: String, derivative: String?, signature: String,
    arguments: [(key: String, value: ParameterValue)], sets: SampleSet, world: (any StrategyWorld)?,
    trust: TrustPolicy = TrustPolicy(SearchPath())
  ) throws(PluginError) {
    value = try BoundFunction(
      library: library, symbol: symbol, signature: signature, arguments: arguments, for: .transform, trust: trust)
    guard !value.isWhole || derivative == nil else { throw value.error(.needlessDerivative) }
    guard value.isWhole || derivative != nil else { throw value.error(.noDerivative) }
    if let derivative {
      self.derivative = try BoundFunction(
        library: library, symbol: derivative, signature: signature, arguments: arguments, for: .transform, trust: trust)
    } else {
      self.derivative = nil
    }
    self.sets = sets
    self.world = world
  }

  /// The term with f(l) in its losses' place; its clean losses are what they were. Terms of other sets, and those whose
  /// losses are not all finite, stay as they are. On a GPU this waits for the device.
  package func apply(to term: Term, progress: Progress) throws -> Term {
    guard let graph = term.losses, !sets.isDisjoint(with: term.set), let world else { return term }
    let losses = try TensorChecks.plain(graph)
    let numbers = try losses.doubles()
    guard numbers.allSatisfy(\.isFinite) else { return term }
    let (values, slopes) = try evaluate(try value.input(term, numbers, progress, world), step: progress.step)
    for (what, found, function) in [("value", values, value), ("derivative", slopes, derivative ?? value)] {
      if let sample = found.firstIndex(where: { !$0.isFinite }) {
        throw function.error(
          .badValue(of: what, term: term.name, sample: sample, loss: numbers[sample], found: found[sample]))
      }
    }
    var changed = term
    if term.knowsCleanLosses, term.cleanLosses == nil { changed.cleanLosses = losses }
    let constant = try Tensor.column(values, like: losses)
    let slope = try Tensor.column(slopes, like: losses)
    changed.losses = try constant + slope * (graph - (try graph.detach()))
    return changed
  }

  private func evaluate(
    _ input: BoundFunction.Input, step: Int?
  ) throws(PluginError) -> (values: [Double], slopes: [Double]) {
    value.note("transform.value", step: step)
    defer { FlightRecorder.leave() }
    let found = value(input)
    let slopes = derivative.map { $0(input)[.value] } ?? found[.derivative]
    return (found[.value] ?? [], slopes ?? [])
  }

  // MARK: The test

  /// Compares values with what is expected, derivatives with the slope of the values (central differences), and looks
  /// whether a value changes with the loss of another sample.
  package func run(_ test: FunctionTest) throws(PluginError) {
    let input = try value.input(of: test)
    let (values, slopes) = try evaluate(input, step: nil)
    try value.check(test, values)
    guard let losses = input.columns[.loss] else { return }
    for (index, loss) in losses.enumerated() {
      let width = 1e-3 * max(1, loss.magnitude)
      func moved(_ by: Double) throws(PluginError) -> [Double] {
        var other = input
        other.columns[.loss]?[index] = loss + by
        return try evaluate(other, step: nil).values
      }
      let (above, below) = (try moved(width), try moved(-width))
      let numeric = (above[index] - below[index]) / (2 * width)
      let off = (numeric - slopes[index]).magnitude
      guard off <= 2e-3 * max(numeric.magnitude, slopes[index].magnitude) + 3e-4 * max(1, values[index].magnitude)
      else {
        let problem = FunctionTestProblem.slope(
          index: index, loss: loss, derivative: slopes[index], numeric: numeric)
        throw (derivative ?? value).error(.test(problem))
      }
      if let other = values.indices.first(where: { $0 != index && above[$0] != values[$0] }) {
        throw value.error(.test(.mixes(index: index, with: other)))
      }
    }
  }
}
