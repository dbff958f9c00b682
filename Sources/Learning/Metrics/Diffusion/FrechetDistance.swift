package import Tensors

/// Mean and covariance of features: all that the Fréchet distance knows of a set of images.
package struct FeatureMoments {
  /// The mean [d], `float64`.
  package let mean: Tensor
  /// A matrix `R` [r, d] with `RᵀR` the covariance.
  let root: Tensor
  /// What messages call the set.
  package let name: String

  /// How many features.
  package var width: Int { mean.shape[0] }

  /// Of features; the covariance is the sample's, divided by n − 1.
  ///
  /// - Throws: `LearningError.generation(.tooFew)` for fewer than two images.
  package init(_ features: FeatureSet, metric: String = "fid") throws {
    try features.requireCount(2, metric: metric)
    name = features.name
    let mean = try features.rows.mean(along: [0])
    self.mean = mean
    let centred = try (features.rows - mean) / Double(features.count - 1).squareRoot()
    // With fewer images than features the rows themselves are the smaller root.
    root =
      features.count <= features.width
      ? centred : try Operator.resolve("aten::linalg_qr").tensors(.tensor(centred), "r")[1]
  }

  /// Of published statistics: the mean [d] and the covariance [d, d].
  ///
  /// - Throws: `LearningError.generation(.shape)`, `.notFinite`.
  package init(mean: Tensor, covariance: Tensor, name: String, metric: String = "fid") throws {
    let width = mean.shape.first ?? 0
    guard mean.rank == 1, width > 0 else {
      throw LearningError.generation(
        .shape(metric: metric, what: "the mean of the \(name) set", found: mean.shape, expected: "[features]"))
    }
    guard covariance.shape == [width, width] else {
      throw LearningError.generation(
        .shape(
          metric: metric, what: "the covariance of the \(name) set", found: covariance.shape,
          expected: "[\(width), \(width)]"))
    }
    self.name = name
    self.mean = try mean.detach().to(.float64).to(.cpu)
    let matrix = try covariance.detach().to(.float64).to(.cpu)
    try self.mean.requireFinite(metric: metric, name: "\(name) mean")
    try matrix.requireFinite(metric: metric, name: "\(name) covariance")
    let found = try Operator.resolve("aten::linalg_eigh").tensors(.tensor(matrix), "L")
    // Rounding makes eigenvalues of a singular matrix negative.
    let scale = try found[0].clamped(min: 0).squareRoot().unsqueeze(1)
    root = try scale * (try found[1].transpose(0, 1))
  }
}

/// The Fréchet distance between normal distributions fitted to the features of two sets of images (Dowson and Landau 1982;
/// as FID, Heusel et al. 2017): `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)`. Lower is nearer; 0 for a set and itself.
///
/// `tr (Σ₁Σ₂)^½` is the sum of the singular values of `R₁R₂ᵀ`, where `RᵢᵀRᵢ = Σᵢ`: it is there for singular covariances too,
/// so that nothing need be added to their diagonals.
package struct FrechetDistance: Sendable, Equatable {
  /// The whole distance.
  package let value: Double
  /// `‖μ₁ − μ₂‖²`.
  package let means: Double
  /// The rest: what the covariances add.
  package let covariances: Double

  /// Between two sets of moments.
  ///
  /// - Throws: `LearningError.generation(.mismatch)` when they have different numbers of features.
  package init(_ first: FeatureMoments, _ second: FeatureMoments, metric: String = "fid") throws {
    guard first.width == second.width else {
      throw LearningError.generation(
        .mismatch(
          metric: metric, first: "the \(first.name) set", firstSize: "\(first.width) features an image",
          second: "the \(second.name) set", secondSize: "\(second.width)"))
    }
    let difference = try first.mean - second.mean
    means = try difference.dot(difference).item()
    let product = try first.root.matmul(try second.root.transpose(0, 1))
    let singular = try Operator.resolve("aten::linalg_svdvals").tensor(.tensor(product))
    let traces = try (first.root * first.root).sum() + (try (second.root * second.root).sum())
    // The difference of nearly equal numbers; below 0 it is rounding.
    covariances = max(0, try traces.item() - 2 * (try singular.sum().item()))
    value = means + covariances
  }

  /// Between the features of two sets of images.
  ///
  /// - Throws: as ``init(_:_:metric:)`` and ``FeatureMoments/init(_:metric:)``.
  package init(generated: FeatureSet, real: FeatureSet) throws {
    try generated.requireWidth(of: real, metric: "fid")
    try self.init(FeatureMoments(generated), FeatureMoments(real))
  }
}
