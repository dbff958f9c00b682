import Foundation
import Tensors
import Testing

@testable import Learning

struct ClassProbabilitiesTests {
  private static func oneHots(_ count: Int, classes: Int) throws -> ClassProbabilities {
    let logs = (0..<count).flatMap { image in (0..<classes).map { $0 == image % classes ? 0 : -Double.infinity } }
    return try ClassProbabilities(logarithms: Tensor(logs, shape: [count, classes]), metric: "test")
  }

  @Test func `score, probability and entropy are SciPy's`() throws {
    let fixture = try GenerationFixture.read()
    let found = try ClassProbabilities(logits: matrix(fixture.logits), metric: "test")
    for expected in fixture.scores {
      let score = try found.inceptionScore(splits: expected.splits, seed: expected.seed)
      #expect(abs(score.value - expected.value) < 1e-10)
      #expect(abs(score.deviation - expected.deviation) < 1e-10)
    }
    #expect(abs(try found.meanProbability(of: 2) - fixture.probability) < 1e-12)
    #expect(abs(try found.meanEntropy() - fixture.entropy) < 1e-12)
  }

  @Test func `a hundred perfect images of ten classes score about 6.2 in ten splits and 10 in one`() throws {
    let found = try Self.oneHots(100, classes: 10)
    let scores = try (0..<50).map { try found.inceptionScore(splits: 10, seed: $0).value }
    // 6.18 over many permutations, a single one varying by 0.33.
    #expect(abs(scores.reduce(0, +) / 50 - 6.18) < 0.15)
    #expect(abs(try found.inceptionScore(splits: 1, seed: 1).value - 10) < 1e-9)
  }

  @Test func `probabilities of 0 add nothing to the entropy, and equal ones give ln C`() throws {
    #expect(try Self.oneHots(20, classes: 10).meanEntropy() == 0)
    let even = try ClassProbabilities(logits: Tensor.zeros([3, 10]), metric: "test")
    #expect(abs(try even.meanEntropy() - log(10.0)) < 1e-12)
    #expect(try abs(even.inceptionScore(splits: 1, seed: 1).value - 1) < 1e-12)
  }
}

struct ProportionTests {
  @Test func `intervals are SciPy's`() throws {
    for expected in try GenerationFixture.read().wilson {
      let found = Proportion(count: expected.count, of: expected.of)
      #expect(abs(found.interval.lowerBound - expected.low) < 1e-12)
      #expect(abs(found.interval.upperBound - expected.high) < 1e-12)
    }
  }
}

struct TargetRateTests {
  @Test func `distances to the nearest target are SciPy's`() throws {
    let fixture = try GenerationFixture.read()
    let found = try TargetRate(
      images: images(fixture.images), targets: images(fixture.targets), threshold: 0.5, block: 7, cancel: CancelFlag())
    // Distances come from squares that cancel.
    #expect(farthest(found.distances, fixture.distances) < 1e-9)
    #expect(found.rate.count == fixture.distances.count { $0 < 0.5 })
    #expect(found.rate.count >= 5)
    #expect(found.isTarget.prefix(5).allSatisfy { $0 })
  }

  @Test func `a target itself is at distance 0 and its negative is not a target`() throws {
    let target = try Tensor.full([1, 1, 28, 28], 0.9, dtype: .float32)
    let found = try TargetRate(
      images: Tensor.cat([target, -target]), targets: target, cancel: CancelFlag())
    #expect(found.distances[0] == 0)
    // 28 pixels a side, each 0.9 away.
    #expect(abs(found.distances[1] - 0.9 * 28) < 1e-5)
    #expect(found.rate == Proportion(count: 1, of: 2))
  }
}

struct ReconstructionTests {
  @Test func `cosines and distances are the reference's`() throws {
    let fixture = try GenerationFixture.read()
    let cosines = try Reconstruction.cosines(
      originals: matrix(Array(fixture.real.prefix(45))), reconstructions: matrix(fixture.generated))
    #expect(farthest(cosines, fixture.cosines) < 1e-12)
    let distances = try Reconstruction.distances(
      originals: images(Array(fixture.images.prefix(20))), reconstructions: images(Array(fixture.images.suffix(20))))
    #expect(farthest(distances, fixture.pixelDistances) < 1e-12)
  }
}

struct DenoisingLossTests {
  /// A tenth of the input, and the timestep in thousands.
  private static func network(_ noisy: Tensor, _ labels: Tensor) throws -> Tensor {
    try noisy * 0.1 + (try labels.to(noisy.dtype).reshape([-1, 1, 1, 1]) / 1000.0)
  }

  @Test func `losses are PyTorch's for the same noise, whatever the batch`() throws {
    let fixture = try GenerationFixture.read()
    let betas = (0..<1000).map { 1e-4 + Double($0) * (0.02 - 1e-4) / 999 }
    let loss = try DenoisingLoss(betas: betas, count: 4)
    #expect(loss.timesteps == fixture.timesteps)
    let clean = try images(Array(fixture.images.prefix(3)))
    for batch in [1, 2, 3] {
      let found = try loss.measure(clean, seed: 5, batch: batch, cancel: CancelFlag()) { x, t, _ in
        try Self.network(x, t)
      }
      #expect(farthest(found, fixture.losses) < 1e-12)
    }
  }

  @Test func `a curve is the mean over images, and each batch is told which images it has`() throws {
    let betas = (0..<100).map { 1e-3 + Double($0) * 1e-3 }
    let clean = try Tensor.randomUniform([5, 1, 4, 4], dtype: .float64, generator: Generator(seed: 3)) * 2.0 - 1.0
    let loss = try DenoisingLoss(betas: betas, at: [7, 50, 50])
    var seen: [Range<Int>] = []
    let curve = try loss.curve(clean, seed: 5, batch: 2, cancel: CancelFlag()) { x, t, places in
      seen.append(places)
      return try Self.network(x, t)
    }
    #expect(seen == [0..<2, 0..<2, 0..<2, 2..<4, 2..<4, 2..<4, 4..<5, 4..<5, 4..<5])
    let each = try loss.measure(clean, seed: 5, cancel: CancelFlag()) { x, t, _ in try Self.network(x, t) }
    #expect(curve.count == 3)
    let (mean, meanOfEach) = (curve.reduce(0, +) / 3, each.reduce(0, +) / 5)
    #expect(abs(mean - meanOfEach) < 1e-12)
    // The same timestep with other noise.
    #expect(curve[1] != curve[2] && abs(curve[0] - curve[1]) > 1e-3)
    // A network that overflows is a result too.
    let broken = try loss.curve(clean, seed: 5, cancel: CancelFlag()) { x, _, _ in try (x * 1e4).exp() }
    #expect(broken.allSatisfy { !$0.isFinite })
  }
}

struct ImageGridTests {
  @Test(arguments: [1, 3]) func `the picture that is read back has each image in its place`(_ channels: Int) throws {
    let count = 5
    let images = try Tensor.randomUniform([count, channels, 4, 6], generator: Generator(seed: 8)) * 2.6 - 1.3
    let grid = try ImageGrid(images, columns: 3)
    let decoded = try ImageDecoder().decode(grid.png())
    let gap = ImageGrid.gap
    #expect(decoded.channels == channels)
    #expect(decoded.height == 2 * (4 + gap) + gap)
    #expect(decoded.width == 3 * (6 + gap) + gap)
    let values = try images.doubles()
    for image in 0..<count {
      for channel in 0..<channels {
        for (row, column) in (0..<4).flatMap({ row in (0..<6).map { (row, $0) } }) {
          let value = values[((image * channels + channel) * 4 + row) * 6 + column]
          let y = image / 3 * (4 + gap) + gap + row
          let x = image % 3 * (6 + gap) + gap + column
          let level = decoded.pixels[(channel * decoded.height + y) * decoded.width + x]
          #expect(abs(Double(level) - (min(1, max(-1, value)) + 1) * 127.5) < 0.5 + 1e-4)
        }
      }
    }
    // The place that no image takes.
    #expect(decoded.pixels[(decoded.height - gap - 1) * decoded.width + decoded.width - gap - 1] == 128)
  }

  @Test func `an image of one grey stays that grey beside a brighter one`() throws {
    let images = try Tensor.cat([Tensor.full([1, 1, 2, 2], -0.5), Tensor.full([1, 1, 2, 2], 1)])
    let decoded = try ImageDecoder().decode(ImageGrid(images, columns: 9).png())
    #expect(Set(decoded.pixels) == Set<UInt8>([64, 128, 255]))
  }

  @Test func `a file is written, and a folder that is not there is named`() throws {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    let grid = try ImageGrid(Tensor.zeros([1, 3, 2, 2]), columns: 1)
    let path = folder.url.appending(path: "grid.png").path
    try grid.write(to: path)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data(grid.png()))
    let error = #expect(throws: LearningError.self) { try grid.write(to: folder.url.path + "/none/grid.png") }
    #expect(error?.exitCode == 73)
    #expect(error?.description.contains("none/grid.png") == true)
  }
}
