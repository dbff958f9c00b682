/// An array of a file: shape, kind of number, and its bytes as they are stored.
struct StoredArray: Sendable, Equatable {
  /// What an element is.
  enum Element: Sendable, Equatable {
    /// A whole number of 1, 2, 4 or 8 bytes, little-endian.
    case integer(bytes: Int, isSigned: Bool)
    /// Something else; the text says what, for messages.
    case other(String)
  }

  let element: Element
  /// Extent along each dimension; none for a single number.
  let shape: [Int]
  /// The last dimension changes fastest.
  let bytes: [UInt8]

  /// What it holds, for messages: `uint8 [60000, 28, 28]`.
  var words: String {
    switch element {
    case .integer(let bytes, let isSigned): "\(isSigned ? "int" : "uint")\(8 * bytes) \(shape)"
    case .other(let name): "\(name) \(shape)"
    }
  }

  /// Its elements as whole numbers; nil where they are none, or too large.
  var integers: [Int]? {
    guard case .integer(let size, let isSigned) = element else { return nil }
    var numbers: [Int] = []
    numbers.reserveCapacity(bytes.count / size)
    for start in stride(from: 0, to: bytes.count, by: size) {
      var bits: UInt64 = 0
      for index in 0..<size { bits |= UInt64(bytes[start + index]) << (8 * UInt64(index)) }
      let unused = UInt64(64 - 8 * size)
      if isSigned {
        numbers.append(Int(Int64(bitPattern: bits << unused) >> Int64(unused)))
      } else {
        guard let number = Int(exactly: bits) else { return nil }
        numbers.append(number)
      }
    }
    return numbers
  }
}

/// NumPy's format for one array, versions 1 to 3: magic, version, length of the header, the header as a Python
/// dictionary, data.
enum NPYFile {
  /// What is wrong with a file, as the rest of a sentence about it.
  struct Flaw: Error {
    let reason: String
  }

  /// The longest header that is read; NumPy's own limit is 10 000 bytes.
  private static let longestHeader = 65_536

  static func parse(_ file: [UInt8]) throws(Flaw) -> StoredArray {
    guard file.count >= 12, file.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw Flaw(reason: "does not start as a .npy file does")
    }
    let start = file[6] == 1 ? 10 : 12
    let length = file[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= longestHeader, file.count >= start + length else { throw Flaw(reason: "is cut off in its header") }
    let header = String(decoding: file[start..<start + length], as: UTF8.self)
    guard let kind = header.firstMatch(of: /'descr':\s*'([^']*)'/)?.1 else {
      throw Flaw(reason: "has a header that names no single type of element")
    }
    let (element, size) = try element(String(kind))
    guard let list = header.firstMatch(of: /'shape':\s*\(([0-9,\s]*)\)/)?.1, let shape = shape(list) else {
      throw Flaw(reason: "has a header without a shape")
    }
    let order = header.firstMatch(of: /'fortran_order':\s*(True|False)/)?.1
    guard order == "False" || (order == "True" && shape.count < 2) else {
      throw Flaw(reason: "is in Fortran's order; save numpy.ascontiguousarray of it")
    }
    var bytes = size
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw Flaw(reason: "has an impossible shape \(shape)") }
      bytes = product
    }
    let data = file.count - start - length
    guard data == bytes else { throw Flaw(reason: "holds \(data) bytes where its header announces \(bytes)") }
    return StoredArray(element: element, shape: shape, bytes: Array(file[(start + length)...]))
  }

  /// NumPy's code of a type: byte order, letter, bytes.
  private static func element(_ code: String) throws(Flaw) -> (StoredArray.Element, size: Int) {
    guard let match = code.wholeMatch(of: /([<>|=])?([a-zA-Z?])([0-9]{0,6})/) else {
      throw Flaw(reason: "holds elements of type '\(code.prefix(40))'")
    }
    if match.2 == "O" { throw Flaw(reason: "holds Python objects, and pickles are never opened") }
    let size = Int(match.3) ?? 1
    if match.1 == ">", size > 1 { throw Flaw(reason: "holds big-endian numbers; save them little-endian") }
    if match.2 == "i" || match.2 == "u", [1, 2, 4, 8].contains(size) {
      return (.integer(bytes: size, isSigned: match.2 == "i"), size)
    }
    // Text counts in characters of four bytes.
    return (.other("'\(code)'"), match.2 == "U" ? 4 * size : size)
  }

  private static func shape(_ list: Substring) -> [Int]? {
    var shape: [Int] = []
    for item in list.split(separator: ",") {
      let word = item.filter { !$0.isWhitespace }
      if word.isEmpty { continue }
      guard let extent = Int(word) else { return nil }
      shape.append(extent)
    }
    return shape
  }
}
