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
}

/// Makes splits.
package enum Splitter {
  /// Splits a data set.
  ///
  /// Validation is drawn class by class (Philox, label `split.validation`, step = class), so that it has the classes'
  /// shares: a fraction is rounded in each class; a count is shared out in proportion, what is left over by rounding
  /// going to the classes with the largest remainders, the lower class first among equals. Samples of an index file
  /// are never held out: the next ones of the class take their place. Random and class-wise forgetting then draw from
  /// the rest (labels `split.forget.random`, `split.forget.class`).
  ///
  /// Forgetting a whole class, or as many samples as it has, takes the class out of the test set as well.
  ///
  /// - Parameters:
  ///   - dataset: the loaded data.
  ///   - request: what to forget.
  ///   - validation: how much of the training data no role may see.
  ///   - splitSeed: the seed of the validation draw.
  package static func split(
    _ dataset: Dataset, forgetting request: ForgetRequest, validation: Amount, splitSeed: UInt64
  ) throws(LearningError) -> Split {
    let labels = dataset.train.labels
    let classCount = dataset.train.classNames.count
    var fixed: [Int32]?
    if case .indices(let file) = request { fixed = try IndexFile.read(file, count: labels.count) }
    let held = try drawValidation(labels, classCount, validation, splitSeed, sparing: Set(fixed ?? []))
    let isHeld = Set(held)
    let open = (0..<Int32(labels.count)).filter { !isHeld.contains($0) }
    guard !open.isEmpty else { throw .nothingButValidation(count: held.count) }
    let forget: [Int32]
    var forgottenClass: Int32?
    switch request {
    case .random(let amount, let seed):
      let count = try amount.resolved(of: open.count, what: "forget.random")
      var random = Philox(seed: seed, label: "split.forget.random")
      forget = random.permutation(open.count).prefix(count).map { open[Int($0)] }
    case .ofClass(let name, let count, let seed):
      let label = try index(ofClass: name, in: dataset.train.classNames)
      let members = open.filter { labels[Int($0)] == label }
      let wanted = try Amount.count(count ?? members.count).resolved(of: members.count, what: "forget.count")
      if wanted == members.count { forgottenClass = label }
      var random = Philox(seed: seed, label: "split.forget.class")
      forget = random.permutation(members.count).prefix(wanted).map { members[Int($0)] }
    case .indices:
      forget = fixed ?? []
    }
    guard !forget.isEmpty else { throw .emptyForgetSet }
    guard forget.count < open.count else { throw .forgetEverything(count: open.count) }
    let isForgotten = Set(forget)
    return Split(
      forget: forget.sorted(), retain: open.filter { !isForgotten.contains($0) }, validation: held,
      test: (0..<Int32(dataset.test.count)).filter { dataset.test.labels[Int($0)] != forgottenClass })
  }

  /// The class of a name, or of the number that its index is.
  package static func index(ofClass name: String, in classNames: [String]) throws(LearningError) -> Int32 {
    if let index = classNames.firstIndex(of: name) { return Int32(index) }
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
