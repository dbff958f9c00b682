/// How many samples: a share of what is there, or a number.
package enum Amount: Sendable, Equatable {
  /// From 0 to below 1. What comes out is rounded to the nearest whole number.
  case fraction(Double)
  /// Zero or more.
  case count(Int)

  /// Reads a number of a recipe: below 1 it is a fraction, from 1 on a count.
  ///
  /// - Parameter what: the recipe's key, for the message.
  package init(_ number: Double, what: String) throws(LearningError) {
    if number >= 0, number < 1 {
      self = .fraction(number)
    } else if let count = Int(exactly: number), count >= 1 {
      self = .count(count)
    } else {
      throw .badAmount(what: what, value: number)
    }
  }

  /// The number of samples, of `available`.
  func resolved(of available: Int, what: String) throws(LearningError) -> Int {
    switch self {
    case .fraction(let share):
      guard share >= 0, share < 1 else { throw .badAmount(what: what, value: share) }
      return Int((share * Double(available)).rounded())
    case .count(let count):
      guard count >= 0 else { throw .badAmount(what: what, value: Double(count)) }
      guard count <= available else { throw .countTooLarge(what: what, asked: count, available: available) }
      return count
    }
  }
}

/// What a recipe says is to be forgotten.
package enum ForgetRequest: Sendable, Equatable {
  /// So many samples drawn from the training samples that are not held out.
  case random(Amount, seed: UInt64)
  /// The samples of a class, by index or by name, that are not held out; a random subset when a count is given.
  case ofClass(String, count: Int?, seed: UInt64)
  /// The samples whose positions in dataset order a file lists: text with one a line, `.json` or `.npy`.
  case indices(file: String)
  /// The images whose files a text lists, one a line, relative to the data's folder or archive.
  case files(list: String)
}

/// What is held out for validation.
package enum ValidationRequest: Sendable, Equatable {
  /// So much of each class, drawn from a seed.
  case amount(Amount, seed: UInt64)
  /// The samples whose positions in dataset order a file lists: text with one a line, `.json` (of a split.json the
  /// validation samples) or `.npy`.
  case indices(file: String)
}

/// Makes splits.
package enum Splitter {
  /// Splits a data set.
  ///
  /// Validation is drawn class by class (Philox, label `split.validation`, step = class), so that it has the classes'
  /// shares: a fraction is rounded in each class; a count is shared out in proportion, what is left over by rounding
  /// going to the classes with the largest remainders, the lower class first among equals. Samples of an index file or a
  /// list of files are never drawn: the next ones of the class take their place. Random and class-wise forgetting then
  /// draw from the rest (labels `split.forget.random`, `split.forget.class`).
  ///
  /// Forgetting a whole class, or as many samples as it has, takes the class out of the test set as well.
  ///
  /// - Parameters:
  ///   - dataset: the loaded data.
  ///   - request: what to forget.
  ///   - validation: which of the training data no role may see.
  package static func split(
    _ dataset: Dataset, forgetting request: ForgetRequest, validation: ValidationRequest
  ) throws(LearningError) -> Split {
    try split(dataset, inTurn: [request], validation: validation)[0]
  }

  /// Splits a data set for requests that are forgotten one after another: a split for each.
  ///
  /// What one request took is neither forgotten nor retained by the later ones, and shares count of what is left. All of
  /// them hold the same samples out. A class of which nothing is left is taken out of the test set from then on.
  ///
  /// - Parameter requests: at least one.
  package static func split(
    _ dataset: Dataset, inTurn requests: [ForgetRequest], validation: ValidationRequest
  ) throws(LearningError) -> [Split] {
    let labels = dataset.train.labels
    var listed: [[Int32]?] = []
    for request in requests {
      switch request {
      case .indices(let file): listed.append(try IndexFile.read(file, count: labels.count))
      case .files(let list): listed.append(try FileList.read(list, files: dataset.train.files))
      case .random, .ofClass: listed.append(nil)
      }
    }
    let held = try heldOut(dataset, validation, sparing: Set(listed.compactMap(\.self).joined()))
    let isHeld = Set(held)
    var open = (0..<Int32(labels.count)).filter { !isHeld.contains($0) }
    guard !open.isEmpty else { throw .nothingButValidation(count: held.count) }
    var splits: [Split] = []
    var goneClasses = Set<Int32>()
    for (request, fixed) in zip(requests, listed) {
      let (forget, goneClass) = try draw(request, fixed, from: open, of: dataset)
      if let goneClass { goneClasses.insert(goneClass) }
      guard !forget.isEmpty else { throw .emptyForgetSet }
      guard forget.count < open.count else { throw .forgetEverything(count: open.count) }
      let isForgotten = Set(forget)
      open.removeAll(where: isForgotten.contains)
      splits.append(
        Split(
          forget: forget.sorted(), retain: open, validation: held,
          test: (0..<Int32(dataset.test.count)).filter { !goneClasses.contains(dataset.test.labels[Int($0)]) }))
    }
    return splits
  }

  /// The samples of one request, and the class that it takes away as a whole.
  private static func draw(
    _ request: ForgetRequest, _ fixed: [Int32]?, from open: [Int32], of dataset: Dataset
  ) throws(LearningError) -> (forget: [Int32], goneClass: Int32?) {
    if let fixed {
      let isOpen = Set(open)
      if let index = fixed.first(where: { !isOpen.contains($0) }) { throw .forgottenBefore(index: Int(index)) }
      return (fixed, nil)
    }
    switch request {
    case .random(let amount, let seed):
      let count = try amount.resolved(of: open.count, what: "forget.random")
      var random = Philox(seed: seed, label: "split.forget.random")
      return (random.permutation(open.count).prefix(count).map { open[Int($0)] }, nil)
    case .ofClass(let name, let count, let seed):
      let label = try index(ofClass: name, in: dataset.train)
      let members = open.filter { dataset.train.labels[Int($0)] == label }
      let wanted = try Amount.count(count ?? members.count).resolved(of: members.count, what: "forget.count")
      var random = Philox(seed: seed, label: "split.forget.class")
      let forget = random.permutation(members.count).prefix(wanted).map { members[Int($0)] }
      return (forget, wanted == members.count ? label : nil)
    case .indices, .files: preconditionFailure("listed samples were read")
    }
  }

  private static func heldOut(
    _ dataset: Dataset, _ validation: ValidationRequest, sparing listed: Set<Int32>
  ) throws(LearningError) -> [Int32] {
    let labels = dataset.train.labels
    switch validation {
    case .amount(let amount, let seed):
      return try drawValidation(labels, dataset.train.classNames.count, amount, seed, sparing: listed)
    case .indices(let file):
      let held = try IndexFile.read(file, count: labels.count, parts: [.validation]).sorted()
      if let index = held.first(where: listed.contains) { throw .heldOutAndForgotten(path: file, index: Int(index)) }
      return held
    }
  }

  /// The class of a name, of a word that only one class has, or of the number that its index is.
  package static func index(ofClass name: String, in images: ImageArrays) throws(LearningError) -> Int32 {
    let classNames = images.classNames
    if let index = classNames.firstIndex(of: name) { return Int32(index) }
    let withWord = images.classWords.indices.filter { images.classWords[$0].contains(name) }
    if withWord.count == 1 { return Int32(withWord[0]) }
    guard withWord.isEmpty else { throw .ambiguousClass(name: name, classes: withWord.map { classNames[$0] }) }
    if let index = Int(name), classNames.indices.contains(index) { return Int32(index) }
    throw .unknownClass(name: name, known: classNames)
  }

  private static func drawValidation(
    _ labels: [Int32], _ classCount: Int, _ amount: Amount, _ seed: UInt64, sparing spared: Set<Int32>
  ) throws(LearningError) -> [Int32] {
    var members = [[Int32]](repeating: [], count: classCount)
    for (position, label) in labels.enumerated() { members[Int(label)].append(Int32(position)) }
    var counts: [Int]
    switch amount {
    case .fraction:
      counts = []
      for positions in members { counts.append(try amount.resolved(of: positions.count, what: "data.validation")) }
    case .count:
      let total = try amount.resolved(of: labels.count, what: "data.validation")
      counts = members.map { total * $0.count / labels.count }
      let order = members.indices.sorted {
        let (left, right) = (total * members[$0].count % labels.count, total * members[$1].count % labels.count)
        return left != right ? left > right : $0 < $1
      }
      for index in order.prefix(total - counts.reduce(0, +)) { counts[index] += 1 }
    }
    var held: [Int32] = []
    for (label, positions) in members.enumerated() {
      var random = Philox(seed: seed, label: "split.validation", step: UInt64(label))
      var drawn = positions
      random.shuffle(&drawn)
      let free = drawn.filter { !spared.contains($0) }
      guard counts[label] <= free.count else {
        throw .countTooLarge(
          what: "data.validation in class \(label)", asked: counts[label], available: free.count)
      }
      held += free.prefix(counts[label])
    }
    return held.sorted()
  }
}
