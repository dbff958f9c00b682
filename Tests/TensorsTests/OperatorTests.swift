import Testing

@testable import Tensors

/// A schema, and what the refusal must say.
struct SchemaCase: CustomTestStringConvertible, Sendable {
  let schema: String
  let message: String

  var testDescription: String { schema }

  static let bad: [SchemaCase] = [
    SchemaCase(schema: "aten::no_such_thing", message: "no operator 'aten::no_such_thing' in LibTorch"),
    SchemaCase(
      schema: "aten::neg.Tensor", message: "no operator 'aten::neg.Tensor' in LibTorch; there are 'aten::neg', "),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self, Tensor wrong) -> Tensor",
      message: "aten::mul.Tensor: there is no argument 'wrong'; LibTorch has aten::mul.Tensor("),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self, int other) -> Tensor",
      message: "aten::mul.Tensor: argument 'other' is Tensor, not int"),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self) -> Tensor",
      message: "aten::mul.Tensor: argument 'other' has no default and is not named"),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self, Tensor other) -> (Tensor, Tensor)",
      message: "aten::mul.Tensor: returns 1 values, not 2"),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self, Tensor other) -> int",
      message: "aten::mul.Tensor: return value 0 is Tensor, not int"),
    SchemaCase(
      schema: "aten::mul.Tensor(Tensor self", message: "'aten::mul.Tensor(Tensor self' is no operator schema: "),
    SchemaCase(schema: "", message: "'' is no operator schema: "),
  ]
}

@Suite struct OperatorTests {
  @Test func `a whole schema may name arguments in its own order and leave out those with defaults`() throws {
    let add = try Operator.resolve("aten::add.Tensor(Tensor other, Tensor self, Scalar alpha) -> Tensor")
    let a = try Tensor([1, 2] as [Float], shape: [2])
    let b = try Tensor([10, 20] as [Float], shape: [2])
    // other = a, self = b: b + 3·a
    #expect(try add.tensor(.tensor(a), .tensor(b), 3).floats() == [13, 26])
    #expect(add.arguments == 3)
    #expect(add.required == 2)
    #expect(add.name == "aten::add.Tensor")

    let short = try Operator.resolve("aten::add.Tensor(Tensor self, Tensor other) -> Tensor")
    #expect(try short.tensor(a, b).floats() == [11, 22])
    #expect(throws: TensorError.self) { try short.tensor(.tensor(a), .tensor(b), 3) }
  }

  @Test func `a default in the given schema replaces LibTorch's`() throws {
    let add = try Operator.resolve("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=2) -> Tensor")
    let one = try Tensor([1] as [Float], shape: [1])
    #expect(try add.tensor(one, one).floats() == [3])
  }

  @Test(arguments: SchemaCase.bad)
  func `a schema that does not fit is refused by the argument's name`(_ bad: SchemaCase) throws {
    let error = #expect(throws: TensorError.self) { try Operator.resolve(bad.schema) }
    guard case .schema(let message) = error else {
      Issue.record("not a schema error: \(String(describing: error))")
      return
    }
    #expect(message.hasPrefix(bad.message), "\(message)")
    #expect(error?.exitCode == 70)
  }

  @Test func `an argument of the wrong type is refused by its name`() throws {
    let one = try Tensor([1] as [Float], shape: [1])
    let narrow = try Operator.resolve("aten::narrow")
    let wrong = #expect(throws: TensorError.self) { try narrow.tensor(.tensor(one), 0.5, 0, 1) }
    #expect(wrong?.description == "aten::narrow: argument 'dim' wants int, not float")
    let missing = #expect(throws: TensorError.self) { try narrow.tensor(.tensor(one), 0) }
    #expect(missing?.description == "aten::narrow: argument 'start' is missing")
    let none = #expect(throws: TensorError.self) { try narrow.tensor(.none, 0, 0, 1) }
    #expect(none?.description == "aten::narrow: argument 'self' wants tensor, not none")
    let many = #expect(throws: TensorError.self) { try narrow.tensor(.tensor(one), 0, 0, 1, 2) }
    #expect(many?.description == "aten::narrow: takes at most 4 arguments, not 5")
  }

  @Test func `what LibTorch refuses is one line, with the rest in the details`() throws {
    let a = try Tensor.zeros([2, 3])
    let b = try Tensor.zeros([2, 4])
    let error = #expect(throws: TensorError.self) { try a + b }
    #expect(
      error?.description
        == "aten::add.Tensor: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"
    )
    #expect(error?.details.contains("Exception raised from") == true)
  }

  @Test func `every kind of value goes through a call`() throws {
    let matrix = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    // int[], bool, dtype? in; a tensor out
    let sum = try Operator.resolve("aten::sum.dim_IntList")
    #expect(try sum.tensor(.tensor(matrix), .ints([1]), true, .dtype(.float64)).doubles() == [6, 15])
    // str and float?
    let pad = try Operator.resolve("aten::pad")
    #expect(try pad.tensor(.tensor(matrix), .ints([0, 1]), "constant", 9.0).floats() == [1, 2, 3, 9, 4, 5, 6, 9])
    // Tensor?[] with none in it
    let index = try Operator.resolve("aten::index.Tensor")
    let places = try Tensor([2, 0] as [Int64], shape: [2])
    #expect(try index.tensor(.tensor(matrix), .tensors([nil, places])).floats() == [3, 1, 6, 4])
    // Tensor[] out
    let split = try Operator.resolve("aten::split_with_sizes")
    #expect(try split.tensors(.tensor(matrix), .ints([1, 2]), 1).map(\.shape) == [[2, 1], [2, 2]])
    // a number out
    let item = try Operator.resolve("aten::item")
    guard case .float(let number) = try item.call([.tensor(try Tensor.scalar(2.5))])[0] else {
      Issue.record("item gives no number")
      return
    }
    #expect(number == 2.5)
    // device and layout
    let zeros = try Operator.resolve("aten::zeros")
    #expect(try zeros.tensor(.ints([2]), .dtype(.int32), .none, .device(.cpu)).dtype == .int32)
    // Scalar[]
    let scale = try Operator.resolve("aten::_foreach_mul.ScalarList")
    #expect(try scale.tensors(.tensors([matrix, matrix]), .floats([2, 3])).map { try $0.sum().item() } == [42, 63])
    // bool[3] as whole numbers, three tensors back
    let backward = try Operator.resolve("aten::convolution_backward")
    let image = try Tensor.ones([1, 1, 3, 3])
    let kernel = try Tensor.ones([1, 1, 3, 3])
    let seed = try Tensor.ones([1, 1, 1, 1])
    let grads = try backward.call([
      .tensor(seed), .tensor(image), .tensor(kernel), .ints([1]), .ints([1, 1]), .ints([0, 0]), .ints([1, 1]), false,
      .ints([0, 0]), 1, .ints([1, 0, 1]),
    ])
    guard case .tensor = grads[0], case .none = grads[1], case .tensor(let bias) = grads[2] else {
      Issue.record("the mask was not followed: \(grads)")
      return
    }
    #expect(try bias.floats() == [1])
  }
}
