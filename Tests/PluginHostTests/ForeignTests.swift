import Foundation
import Tensors
import Testing

@testable import PluginHost

/// Plain C functions as reweighters.
struct ForeignTests {
  private static let library = Result { try Fixture.library("functions", source: "functions.c", manifest: nil).path }

  private func function(
    _ symbol: String, _ signature: String, _ values: [(String, ParameterValue)] = [], normalise: Bool = false,
    library: String? = nil, toy: Toy
  ) throws -> ForeignFunction {
    try ForeignFunction(
      library: library ?? Self.library.get(), symbol: symbol, signature: signature,
      arguments: values.map { (key: $0.0, value: $0.1) }, normalise: normalise, world: toy.world, trust: .tests)
  }

  private func weights(_ function: ForeignFunction, _ toy: Toy) throws -> [Float]? {
    try function.weights(for: toy.term(), progress: Toy.progress).tensor?.floats()
  }

  @Test(arguments: [0.0, 0.3, 0.75, 5])
  func `a function gives bit for bit what a plugin of the same formula gives`(_ eta: Double) throws {
    let toy = try Toy()
    let plugin = try toy.reweighter("good", eta: eta)
    let function = try function(
      "weight", "double(double loss, double eta)", [("eta", .float(eta))], normalise: true, toy: toy)
    let term = try Term(
      name: "forget", set: .forget, losses: Tensor((0..<257).map { Float($0) * 0.037 }, shape: [257]))
    let a = try plugin.weights(for: term, progress: Toy.progress).tensor?.bytes()
    let b = try function.weights(for: term, progress: Toy.progress).tensor?.bytes()
    #expect(a != nil && a == b)
  }

  @Test func `both forms give the same`() throws {
    let toy = try Toy()
    let whole = try function(
      "whole", "void(int64_t n, const float *loss, double eta, float *weight)", [("eta", .float(0.5))], toy: toy)
    let each = try function("weight", "double(double loss, double eta)", [("eta", .float(0.5))], toy: toy)
    let expected = Toy.losses.map { Float(exp(-0.5 * Double($0))) }
    #expect(try weights(whole, toy) == expected)
    #expect(try weights(each, toy) == expected)
    #expect(whole.promise == .free)
  }

  @Test func `every argument is bound by its name`() throws {
    let toy = try Toy()
    let function = try function(
      "all_scalars",
      "double(double loss, float clean_loss, double reference, int64_t step, int32_t index, uint8_t set, int64_t n, "
        + "double weight, int8_t shift)", [("shift", .int(-3))], toy: toy)
    let indices: [Float] = [3, 1, 4, 15]
    #expect(
      try weights(function, toy) == zip(Toy.losses, indices).map { 2 * $0 + 0.25 + 17 + $1 + 1 + 4 + 0.25 - 3 })
  }

  @Test func `narrow results are read at their width`() throws {
    let toy = try Toy()
    let term = try Term(name: "forget", set: .forget, losses: Tensor([Float](arrayLiteral: 10, 3), shape: [2]))
    let small = try function("small", "uint8_t(double loss)", toy: toy)
    // 260 and 253 in eight bits.
    #expect(try small.weights(for: term, progress: Toy.progress).tensor?.floats() == [4, 253])
    let single = try function("single", "float(float loss)", toy: toy)
    #expect(
      try single.weights(for: term, progress: Toy.progress).tensor?.floats() == [10 * Float(0.1), 3 * Float(0.1)])
    let narrow = try function("narrow", "int16_t(double loss)", toy: toy)
    #expect(
      message { _ = try narrow.weights(for: term, progress: Toy.progress) }
        .hasSuffix("weights of term 'forget': an entry is negative"))
  }

  @Test func `weights that cannot be are refused`() throws {
    let toy = try Toy()
    let function = try function("negative", "double(double loss)", toy: toy)
    do {
      _ = try weights(function, toy)
      Issue.record("negative weights were taken")
    } catch let error as PluginError {
      #expect("\(error)".hasSuffix(": weights of term 'forget': an entry is negative"))
      #expect(error.exitCode == 70)
    }
  }

  @Test func `losses of double precision get weights of double precision`() throws {
    let toy = try Toy()
    let function = try function("weight", "double(double loss, double eta)", [("eta", .int(1))], toy: toy)
    let term = try Term(name: "forget", set: .forget, losses: Tensor([Double](arrayLiteral: 0.5, 0.1), shape: [2]))
    #expect(try function.weights(for: term, progress: Toy.progress).tensor?.doubles() == [exp(-0.5), exp(-0.1)])
  }

  /// Signatures that are none, and the column where they stop being one.
  static let signatures: [(String, String)] = [
    ("", "column 1: a type should be here; it can be int8_t,"),
    ("int(double loss)", "column 1: 'int' is not a type of fixed width"),
    ("double double loss)", "column 8: a '(' should be here"),
    ("double(double loss", "column 19: a ')' should be here"),
    ("double(double)", "column 14: an argument needs a name"),
    ("double(double loss, ...)", "column 21: variable arguments cannot be called"),
    ("double(struct x loss)", "column 8: 'struct' is not a type of fixed width"),
    ("double(double **loss)", "column 16: pointers to pointers cannot be given"),
    ("double(double loss, double loss)", "column 28: the argument 'loss' is there twice"),
    ("double(double loss) x", "column 21: nothing may follow the ')'"),
    ("double(const double loss, float9 eta)", "column 27: 'float9' is not a type of fixed width"),
  ]

  @Test(arguments: signatures)
  func `a bad signature is refused at its column`(_ bad: (String, String)) throws {
    let text = message { _ = try ForeignSignature(bad.0) }
    #expect(text.hasPrefix("signature '\(bad.0)', \(bad.1)"))
  }

  /// Arguments that cannot be bound.
  static let bindings: [(String, [(String, ParameterValue)], String)] = [
    (
      "double(double loss, double gamma)", [],
      "argument 'gamma' is unknown; it can be loss, clean_loss, reference, timestep, step, index, set, weight, n or a key "
        + "of 'args'"
    ),
    (
      "double(double loss)", [("gamma", .float(1))],
      "'args' has 'gamma', which is no argument; the arguments are loss"
    ),
    ("double(double loss)", [("loss", .float(1))], "argument 'loss' is given by the host and cannot be in 'args'"),
    ("double(double loss, double a)", [("a", .string("x"))], "argument 'a' is not a number in 'args'"),
    (
      "double(double loss, int8_t a)", [("a", .int(300))], "argument 'a' is 300.0, which does not fit int8_t"
    ),
    ("double(double loss, int32_t a)", [("a", .float(0.5))], "argument 'a' is 0.5, which does not fit int32_t"),
    ("double(int64_t loss)", [], "argument 'loss' must be float or double"),
    ("double(double loss, int8_t step)", [], "argument 'step' must be of 32 or 64 bits"),
    ("double(const double *loss)", [], "argument 'loss' is one number for all samples and cannot be a pointer"),
    (
      "void(int64_t n, float *loss, float *weight)", [], "argument 'loss' is read only: 'const' is missing"
    ),
    (
      "void(int64_t n, const float *loss, const float *weight)", [],
      "argument 'weight' is what the function fills in: it cannot be 'const'"
    ),
    (
      "void(int64_t n, float loss, float *weight)", [],
      "argument 'loss' is a number a sample and must be a pointer in the form for a whole batch"
    ),
    ("void(const float *loss, float *weight)", [], "argument 'n' is missing"),
    ("void(int64_t n, const float *loss)", [], "argument 'weight' is missing"),
  ]

  @Test(arguments: bindings.indices)
  func `an argument that cannot be bound is named`(_ index: Int) throws {
    let (signature, values, wanted) = Self.bindings[index]
    let toy = try Toy()
    do {
      _ = try function("weight", signature, values, toy: toy)
      Issue.record("it was bound")
    } catch let error as PluginError {
      #expect("\(error)" == "function 'weight' of '\(try Self.library.get())': \(wanted)")
      #expect(error.exitCode == 65)
    }
  }

  @Test func `a missing library, a missing symbol and a file that is none are told apart`() throws {
    let toy = try Toy()
    let signature = "double(double loss)"
    let missing = Fixture.folder.path + "/libnone.so"
    do {
      _ = try function("weight", signature, library: missing, toy: toy)
    } catch let error as PluginError {
      #expect("\(error)" == "function 'weight' of '\(missing)': no such library")
      #expect(error.exitCode == 66)
    }
    let library = try Self.library.get()
    #expect(
      message { _ = try function("wait", signature, toy: toy) }
        == "function 'wait' of '\(library)': the library does not export it")
    let text = Fixture.newFolder("text").appending(path: "libtext.so")
    try Data("text".utf8).write(to: text)
    #expect(
      message { _ = try function("weight", signature, library: text.path, toy: toy) }
        == "function 'weight' of '\(text.path)': the library cannot be loaded: \(text.path): file too short")
  }

  @Test func `a term without timesteps cannot give them`() throws {
    let toy = try Toy()
    let function = try function("weight", "double(double timestep, double eta)", [("eta", .float(1))], toy: toy)
    let term = try toy.term()
    #expect(
      message { _ = try function.weights(for: term, progress: Toy.progress) }
        .hasSuffix("argument 'timestep' is asked for, but the term 'forget' has no such numbers"))
  }
}
