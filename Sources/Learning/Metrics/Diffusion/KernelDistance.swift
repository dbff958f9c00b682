import Tensors

/// The kernel distance between the features of two sets of images (KID, Bińkowski et al. 2018): the squared maximum mean
/// discrepancy with the kernel `k(x, y) = (x·y/d + 1)³`, estimated without bias on random subsets. Around 0 for two sets of
/// one distribution, below it as often as above; lower is nearer.
package struct KernelDistance: Sendable, Equatable {
  /// The mean over subsets.
  package let value: Double
  /// The standard deviation over subsets (divided by their number). Subsets overlap, so it is no standard error of `value`.
  package let deviation: Double

  /// How many subsets, and how many images of each set are in one.
  package struct Subsets: Sendable, Equatable {
    /// At least 1.
    package let count: Int
    /// At least 2, at most as many as the smaller set.
    package let size: Int

    /// As the paper's authors and most others have it: 100 subsets of 1000.
    package init(count: Int = 100, size: Int = 1000) {
      self.count = count
      self.size = size
    }
  }

  /// Philox, label `kid.subset`, step = subset: a permutation of the generated images, then one of the real ones, of which
  /// the first `size` are taken.
  ///
  /// - Throws: `LearningError.generation` where sizes do not fit, `.interrupted`.
  package init(
    generated: FeatureSet, real: FeatureSet, subsets: Subsets = Subsets(), seed: UInt64, cancel: CancelFlag
  ) throws {
    try generated.requireWidth(of: real, metric: "kid")
    guard subsets.count >= 1, subsets.size >= 2 else {
      throw LearningError.generation(
        .setting(
          metric: "kid", name: "the subsets", found: "\(subsets.count) of \(subsets.size) images",
          expected: "at least 1 of at least 2"))
    }
    try generated.requireCount(subsets.size, metric: "kid")
    try real.requireCount(subsets.size, metric: "kid")
    var values: [Double] = []
    for subset in 0..<subsets.count {
      try cancel.check()
      var stream = Philox(seed: seed, label: "kid.subset", step: UInt64(subset))
      let x = try Self.draw(subsets.size, of: generated, &stream)
      let y = try Self.draw(subsets.size, of: real, &stream)
      values.append(try Self.discrepancy(x, y))
    }
    let mean = values.reduce(0, +) / Double(values.count)
    value = mean
    deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
  }

  private static func draw(_ size: Int, of set: FeatureSet, _ stream: inout Philox) throws(TensorError) -> Tensor {
    let order = stream.permutation(set.count).prefix(size).map { Int64($0) }
    return try set.rows.indexSelect(0, try Tensor(order, shape: [size]))
  }

  /// The unbiased estimate for `m` images of each set: pairs of an image with itself are left out of both averages within
  /// a set.
  static func discrepancy(_ x: Tensor, _ y: Tensor) throws(TensorError) -> Double {
    func kernel(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
      try ((try a.matmul(try b.transpose(0, 1))) / Double(a.shape[1]) + 1.0).power(3)
    }
    func within(_ a: Tensor) throws(TensorError) -> Double {
      let squares = try (a * a).sum(along: [1])
      let own = try (squares / Double(a.shape[1]) + 1.0).power(3).sum().item()
      let m = Double(a.shape[0])
      return (try kernel(a, a).sum().item() - own) / (m * (m - 1))
    }
    return try within(x) + within(y) - 2 * (try kernel(x, y).mean().item())
  }
}
