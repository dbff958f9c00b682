/// The prototype of a plain C function without its name: `double(double loss, double eta)`, or
/// `void(int64_t n, const float *loss, float *weight)`.
struct ForeignSignature: Equatable {
  /// A scalar of fixed width.
  enum Scalar: String, CaseIterable {
    case int8 = "int8_t"
    case int16 = "int16_t"
    case int32 = "int32_t"
    case int64 = "int64_t"
    case uint8 = "uint8_t"
    case uint16 = "uint16_t"
    case uint32 = "uint32_t"
    case uint64 = "uint64_t"
    case float
    case double
  }

  struct Argument: Equatable {
    let name: String
    let type: Scalar
    let isPointer: Bool
    let isConst: Bool
    /// Where it begins in the text, from 1.
    let column: Int
  }

  let text: String
  /// nil for `void`.
  let result: Scalar?
  let arguments: [Argument]

  /// Reads the text; the error says at which column it stops making sense.
  init(_ text: String) throws(FunctionProblem) {
    var reader = Reader(text)
    self.text = text
    let start = reader.peekColumn()
    let word = reader.word()
    if word == "void" {
      result = nil
    } else {
      result = try reader.scalar(word, at: start)
    }
    try reader.expect("(")
    var arguments: [Argument] = []
    repeat {
      let argument = try reader.argument()
      guard !arguments.contains(where: { $0.name == argument.name }) else {
        throw reader.problem("the argument '\(argument.name)' is there twice", at: argument.column)
      }
      arguments.append(argument)
    } while reader.take(",")
    try reader.expect(")")
    guard reader.isAtEnd else { throw reader.problem("nothing may follow the ')'", at: reader.peekColumn()) }
    self.arguments = arguments
  }

  private struct Reader {
    let text: String
    private let letters: [Character]
    private var at = 0

    init(_ text: String) {
      self.text = text
      letters = Array(text)
    }

    private mutating func skipSpace() {
      while at < letters.count, letters[at].isWhitespace { at += 1 }
    }

    var isAtEnd: Bool {
      var copy = self
      copy.skipSpace()
      return copy.at == letters.count
    }

    mutating func peekColumn() -> Int {
      skipSpace()
      return at + 1
    }

    mutating func word() -> String {
      skipSpace()
      let start = at
      while at < letters.count, letters[at].isASCII, letters[at].isLetter || letters[at].isNumber || letters[at] == "_"
      {
        at += 1
      }
      return String(letters[start..<at])
    }

    mutating func take(_ letter: Character) -> Bool {
      skipSpace()
      guard at < letters.count, letters[at] == letter else { return false }
      at += 1
      return true
    }

    mutating func expect(_ letter: Character) throws(FunctionProblem) {
      let column = peekColumn()
      guard take(letter) else { throw problem("a '\(letter)' should be here", at: column) }
    }

    func problem(_ reason: String, at column: Int) -> FunctionProblem {
      .signature(text: text, column: column, reason: reason)
    }

    func scalar(_ word: String, at column: Int) throws(FunctionProblem) -> Scalar {
      if let scalar = Scalar(rawValue: word) { return scalar }
      let known = Scalar.allCases.map(\.rawValue).joined(separator: ", ")
      let what = word.isEmpty ? "a type should be here" : "'\(word)' is not a type of fixed width"
      throw problem("\(what); it can be \(known)", at: column)
    }

    mutating func argument() throws(FunctionProblem) -> Argument {
      let start = peekColumn()
      var typeColumn = start
      var word = word()
      var isConst = false
      if word == "const" {
        isConst = true
        typeColumn = peekColumn()
        word = self.word()
      }
      guard !(word.isEmpty && letters.dropFirst(at).starts(with: "...")) else {
        throw problem("variable arguments cannot be called", at: start)
      }
      let type = try scalar(word, at: typeColumn)
      let isPointer = take("*")
      let pointerColumn = peekColumn()
      guard !take("*") else { throw problem("pointers to pointers cannot be given", at: pointerColumn) }
      let column = peekColumn()
      let name = self.word()
      guard let first = name.first, !first.isNumber else { throw problem("an argument needs a name", at: column) }
      return Argument(name: name, type: type, isPointer: isPointer, isConst: isConst, column: column)
    }
  }
}
