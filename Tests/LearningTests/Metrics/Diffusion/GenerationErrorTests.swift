import Foundation
import Tensors
import Testing

@testable import Learning

/// Something that a metric of generated images must refuse.
struct BadGeneration: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// The whole message.
  let message: String
  let exitCode: Int32
  let attempt: @Sendable () throws -> Void

  init(_ name: String, _ message: String, exit exitCode: Int32 = 65, _ attempt: @escaping @Sendable () throws -> Void) {
    testDescription = name
    self.message = message
    self.exitCode = exitCode
    self.attempt = attempt
  }

  private static func set(_ shape: [Int], _ name: String = "generated", _ metric: String = "fid") throws -> FeatureSet {
    try FeatureSet(normalFeatures(shape, seed: 1), name: name, metric: metric)
  }

  private static func nll(
    _ images: Tensor, limit: Int = 1000, trace: BitsPerDimension.Trace = .probes(1),
    _ noise: (Tensor, Tensor) throws -> Tensor
  ) throws {
    var nll = BitsPerDimension()
    nll.evaluationLimit = limit
    nll.trace = trace
    _ = try nll.measure(images, seed: 1, cancel: CancelFlag(), noise: noise)
  }

  static let features: [BadGeneration] = [
    .init("no images", "fid needs samples in the generated set, which is empty") { _ = try set([0, 4]) },
    .init("a cube", "fid: the features of the generated images has shape [2, 3, 4]; expected [images, features]") {
      _ = try set([2, 3, 4])
    },
    .init(
      "features that are not numbers",
      "fid met a value that is not finite at sample 2 of the generated set; the model's outputs overflowed", exit: 75
    ) {
      _ = try FeatureSet(Tensor([1, 2, 3, 4, Double.nan, 6], shape: [3, 2]), name: "generated", metric: "fid")
    },
    .init("one image", "fid needs at least 2 generated images, but there is 1") {
      _ = try FrechetDistance(generated: set([1, 4]), real: set([5, 4], "real"))
    },
    .init(
      "another number of features",
      "fid: the generated set has 4 features an image, but the real set has 5; expected them alike"
    ) { _ = try FrechetDistance(generated: set([9, 4]), real: set([9, 5], "real")) },
    .init(
      "moments of another size", "fid: the covariance of the published set has shape [4, 4]; expected [3, 3]"
    ) {
      _ = try FeatureMoments(mean: Tensor.zeros([3]), covariance: Tensor.identity(4), name: "published")
    },
    .init("subsets larger than a set", "kid needs at least 1000 real images, but there are 500") {
      _ = try KernelDistance(
        generated: set([1000, 2]), real: set([500, 2], "real"), seed: 1, cancel: CancelFlag())
    },
    .init("subsets of one", "kid: the subsets is 3 of 1 images; expected at least 1 of at least 2") {
      _ = try KernelDistance(
        generated: set([9, 2]), real: set([9, 2], "real"), subsets: .init(count: 3, size: 1), seed: 1,
        cancel: CancelFlag())
    },
    .init(
      "as many neighbours as images",
      "precision and recall with 3 neighbours needs at least 4 real images, but there are 3"
    ) { _ = try NeighbourhoodCoverage(generated: set([9, 2]), real: set([3, 2], "real"), cancel: CancelFlag()) },
    .init(
      "an embedding of zeros",
      "similarity: row 1 of the reconstructed images' embeddings is all zeros, which has no direction; "
        + "the embedding says nothing of that image"
    ) {
      _ = try Reconstruction.cosines(
        originals: Tensor.ones([2, 2]), reconstructions: Tensor([Float]([1, 0, 0, 0]), shape: [2, 2]))
    },
  ]

  static let outputs: [BadGeneration] = [
    .init("fewer images than splits", "test in 10 splits needs at least 10 generated images, but there are 9") {
      _ = try ClassProbabilities(logits: Tensor.zeros([9, 3]), metric: "test").inceptionScore(seed: 1)
    },
    .init("a class that is none", "test: there is no class 3; the classifier has classes 0 to 2") {
      _ = try ClassProbabilities(logits: Tensor.zeros([9, 3]), metric: "test").meanProbability(of: 3)
    },
    .init(
      "a row of zero probabilities",
      "test: the probabilities of sample 1 add up to 0.0; expected 1: give logarithms of a softmax"
    ) {
      let rows = [log(0.5), log(0.5), -.infinity, -.infinity]
      _ = try ClassProbabilities(logarithms: Tensor(rows, shape: [2, 2]), metric: "test")
    },
    .init(
      "one class",
      "test needs a model of at least 2 classes, but this one has 1, whose probability is always 1; "
        + "use mia-svc or data with more classes"
    ) { _ = try ClassProbabilities(logits: Tensor.zeros([4, 1]), metric: "test") },
    .init(
      "targets of another size",
      "target-rate: an image of the samples has 1×28×28 values, but one of the targets has 1×32×32; "
        + "expected them alike"
    ) {
      _ = try TargetRate(
        images: Tensor.zeros([2, 1, 28, 28]), targets: Tensor.zeros([1, 1, 32, 32]), cancel: CancelFlag())
    },
    .init("no targets", "target-rate needs samples in the targets set, which is empty") {
      _ = try TargetRate(
        images: Tensor.zeros([2, 1, 4, 4]), targets: Tensor.zeros([0, 1, 4, 4]), cancel: CancelFlag())
    },
    .init("a threshold of 0", "target-rate: the threshold is 0.0; expected more than 0") {
      _ = try TargetRate(
        images: Tensor.zeros([2, 1, 4, 4]), targets: Tensor.zeros([1, 1, 4, 4]), threshold: 0, cancel: CancelFlag())
    },
    .init(
      "images of bytes",
      "image grid: the tensor of images, of type uint8, has shape [1, 1, 2, 2]; "
        + "expected [images, channels, height, width] of floating-point numbers in [-1, 1]"
    ) { _ = try ImageGrid(Tensor.zeros([1, 1, 2, 2], dtype: .uint8), columns: 1) },
    .init("images of two channels", "image grid: the tensor of images has shape [1, 2, 2, 2]; expected 1 or 3 channels")
    { _ = try ImageGrid(Tensor.zeros([1, 2, 2, 2]), columns: 1) },
  ]

  static let likelihoods: [BadGeneration] = [
    .init(
      "an image alone",
      "nll: the tensor of images, of type float32, has shape [1, 4, 4]; "
        + "expected [images, channels, height, width] of floating-point numbers in [-1, 1]"
    ) {
      try nll(Tensor.zeros([1, 4, 4])) { x, _ in x }
    },
    .init("noise of another shape", "nll: the predicted noise has shape [1, 16]; expected [1, 1, 4, 4]") {
      try nll(Tensor.zeros([1, 1, 4, 4])) { x, _ in try x.flatten(from: 1) }
    },
    .init(
      "noise without gradients",
      "nll needs gradients of the predicted noise by the images, but the network recorded none; "
        + "call it without switching gradients off and without detaching its input"
    ) { try nll(Tensor.zeros([1, 1, 4, 4])) { x, _ in try x.detach() * 0.5 } },
    .init(
      "noise that overflows",
      "nll met a value that is not finite at sample 1 of the image set; the model's outputs overflowed", exit: 75
    ) {
      let images = try Tensor.cat([Tensor.zeros([1, 1, 2, 2]), Tensor.ones([1, 1, 2, 2])])
      try nll(images) { x, _ in try x * (try (x * 1e3).exp()) }
    },
    .init("no probes", "nll: the number of probes is 0; expected at least 1") {
      try nll(Tensor.zeros([1, 1, 2, 2]), trace: .probes(0)) { x, _ in try x * 1.0 }
    },
    .init("no timestep", "denoising-loss: the number of timesteps is 0; expected 1 to the schedule's 2") {
      _ = try DenoisingLoss(betas: [0.1, 0.2], count: 0)
    },
    .init("a timestep too far", "denoising-loss: the list of timesteps is [1, 2]; expected some of 0 to 1") {
      _ = try DenoisingLoss(betas: [0.1, 0.2], at: [1, 2])
    },
    .init(
      "falling betas",
      "nll is defined for betas that grow linearly with the timestep, and this model's go from 0.2 to 0.1"
    ) { _ = try BitsPerDimension.Schedule(betas: [0.2, 0.1]) },
  ]
}

struct GenerationErrorTests {
  @Test(arguments: BadGeneration.features + BadGeneration.outputs + BadGeneration.likelihoods)
  func `bad input is refused in words that say what would be right`(_ bad: BadGeneration) throws {
    let error = #expect(throws: LearningError.self) { try bad.attempt() }
    #expect(error?.description == bad.message)
    #expect(error?.exitCode == bad.exitCode)
  }

  @Test func `an integration that takes too long is given up with the time it came to`() throws {
    var nll = BitsPerDimension()
    nll.evaluationLimit = 10
    let error = #expect(throws: LearningError.self) {
      try nll.measure(Tensor.zeros([1, 1, 2, 2]), seed: 1, cancel: CancelFlag()) { x, _ in try x * 1.0 }
    }
    #expect(error?.description.contains("after 10 evaluations") == true)
  }

  @Test func `an interrupt ends every long measurement`() throws {
    let cancel = CancelFlag()
    cancel.cancel(signal: 2)
    let set = try FeatureSet(normalFeatures([9, 2], seed: 1), name: "real", metric: "test")
    let images = try Tensor.zeros([1, 1, 2, 2])
    let attempts: [() throws -> Void] = [
      { _ = try BitsPerDimension().measure(images, seed: 1, cancel: cancel) { x, _ in try x * 1.0 } },
      { _ = try NeighbourhoodCoverage(generated: set, real: set, cancel: cancel) },
      {
        _ = try KernelDistance(
          generated: set, real: set, subsets: .init(count: 1, size: 3), seed: 1, cancel: cancel)
      },
      { _ = try TargetRate(images: images, targets: images, cancel: cancel) },
      {
        _ = try DenoisingLoss(betas: [0.1], count: 1).measure(images, seed: 1, cancel: cancel) { x, _, _ in x }
      },
    ]
    for attempt in attempts { #expect(throws: LearningError.interrupted(signal: 2)) { try attempt() } }
  }
}
