import Glibc

/// A plain C function with its arguments bound, ready to be called through libffi on memory of the host.
///
/// A signature that is not the function's cannot be noticed: then anything may happen.
final class BoundFunction {
  /// What a call is given, by what it is bound to.
  struct Input {
    /// n.
    var count: Int
    /// One number a sample, `count` of them.
    var columns: [ForeignBinding: [Double]] = [:]
    /// One number for all.
    var scalars: [ForeignBinding: Double] = [:]
  }

  let library: String
  let symbol: String
  let signature: ForeignSignature
  let bindings: [ForeignBinding]
  /// Whether it is called once for all samples; else once a sample.
  let isWhole: Bool
  let purpose: ForeignPurpose
  private let call: ForeignCall

  /// Finds the function and binds its arguments.
  ///
  /// - Parameters:
  ///   - library: path of the shared library; checked and loaded as a plugin is, and never closed.
  ///   - arguments: values for arguments that the host does not give, by name.
  init(
    library: String, symbol: String, signature text: String, arguments: [(key: String, value: ParameterValue)],
    for purpose: ForeignPurpose, trust: TrustPolicy
  ) throws(PluginError) {
    self.library = library
    self.symbol = symbol
    self.purpose = purpose
    do throws(FunctionProblem) {
      signature = try ForeignSignature(text)
      if purpose == .metric, signature.result == nil {
        throw .signature(text: text, column: 1, reason: "a metric gives a number back; it cannot be void")
      }
      isWhole = purpose.isWhole(signature)
      bindings = try ForeignBinding.bind(signature, arguments, purpose)
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
      if case .given(let value) = binding { call.set(index, value) }
    }
  }

  /// What the function is given that is neither given along nor counted.
  var inputs: [(name: String, binding: ForeignBinding)] {
    zip(signature.arguments, bindings).compactMap { argument, binding in
      if case .given = binding { return nil }
      return binding == .count || binding.isOutput(isWhole: isWhole) ? nil : (argument.name, binding)
    }
  }

  /// Calls it for these samples. The form for one sample gives its results; the one for all what it filled in, in the
  /// order of its arguments, or for a metric its one result.
  ///
  /// - Precondition: the input has everything that `inputs` names.
  func callAsFunction(_ input: Input) -> [ForeignBinding: [Double]] {
    var columns: [(index: Int, column: [Double])] = []
    var outputs: [(index: Int, binding: ForeignBinding)] = []
    for (index, binding) in bindings.enumerated() {
      if case .given = binding { continue }
      if binding == .count {
        call.set(index, Double(input.count))
      } else if binding.isOutput(isWhole: isWhole) {
        outputs.append((index, binding))
      } else if binding.isPerSample {
        guard let column = input.columns[binding] else { preconditionFailure("a function is given all it asks for") }
        columns.append((index, column))
      } else {
        guard let number = input.scalars[binding] else { preconditionFailure("a function is given all it asks for") }
        call.set(index, number)
      }
    }
    guard isWhole else { return [result: callEach(columns, input.count)] }
    return callOnce(columns, outputs, input.count)
  }

  /// What the returned number is.
  private var result: ForeignBinding { purpose == .weights ? .weight : .value }

  /// One call a sample.
  private func callEach(_ columns: [(index: Int, column: [Double])], _ count: Int) -> [Double] {
    (0..<count).map { sample in
      for (index, column) in columns { call.set(index, column[sample]) }
      return call()
    }
  }

  /// One call for all samples.
  private func callOnce(
    _ columns: [(index: Int, column: [Double])], _ outputs: [(index: Int, binding: ForeignBinding)], _ count: Int
  ) -> [ForeignBinding: [Double]] {
    let arrays = (columns.map(\.index) + outputs.map(\.index)).map { index in
      FunctionArray(signature.arguments[index].type, count)
    }
    for ((index, column), array) in zip(columns, arrays) {
      array.fill(column)
      unsafe call.set(index, pointer: array.start)
    }
    let places = arrays.suffix(outputs.count)
    for ((index, _), array) in zip(outputs, places) { unsafe call.set(index, pointer: array.start) }
    let returned = withExtendedLifetime(arrays) { call() }
    guard !outputs.isEmpty else { return [result: [returned]] }
    return Dictionary(uniqueKeysWithValues: zip(outputs.map(\.binding), places.map(\.numbers)))
  }

  /// A problem of this function.
  func error(_ problem: FunctionProblem) -> PluginError { .function(library: library, symbol: symbol, problem) }

  /// Which call it is, for whoever is told that the process ends.
  func note(_ name: String, step: Int?) {
    FlightRecorder.enter(PluginCall(plugin: symbol, version: "", file: library, call: name, step: step))
  }
}

/// Numbers in memory for a function, as one of its arguments has them; all bits zero at first.
@safe private final class FunctionArray {
  let start: UnsafeMutableRawPointer
  private let type: ForeignSignature.Scalar
  private let count: Int

  init(_ type: ForeignSignature.Scalar, _ count: Int) {
    self.type = type
    self.count = count
    let bytes = max(1, count * type.byteCount)
    unsafe start = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  }

  deinit { unsafe start.deallocate() }

  func fill(_ column: [Double]) {
    for sample in 0..<count { unsafe type.store(column[sample], start + sample * type.byteCount) }
  }

  /// What a function filled in, float or double.
  var numbers: [Double] {
    (0..<count).map { sample in
      let place = unsafe start + sample * type.byteCount
      return unsafe type == .float ? Double(place.load(as: Float.self)) : place.load(as: Double.self)
    }
  }
}
