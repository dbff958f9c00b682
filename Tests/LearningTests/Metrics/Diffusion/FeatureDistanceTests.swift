import Foundation
import Tensors
import Testing

@testable import Learning

struct FrechetDistanceTests {
  @Test func `the distance is SciPy's`() throws {
    let fixture = try GenerationFixture.read()
    let found = try FrechetDistance(
      generated: fixture.features(fixture.generated, "generated"), real: fixture.features(fixture.real, "real"))
    #expect(abs(found.value - fixture.fid) < 1e-9)
    #expect(abs(found.means + found.covariances - found.value) < 1e-12)
  }

  @Test func `singular covariances of few images give the value of the symmetric product`() throws {
    let fixture = try GenerationFixture.read()
    let found = try FrechetDistance(
      generated: fixture.features(fixture.few, "generated"), real: fixture.features(fixture.fewer, "real"))
    // The reference takes roots of eigenvalues that are rounding, 1e-16.
    #expect(abs(found.value - fixture.fidOfFew) < 1e-6)
  }

  @Test func `published moments give the same as the features they are of`() throws {
    let fixture = try GenerationFixture.read()
    let published = try FeatureMoments(
      mean: Tensor(fixture.mean, shape: [fixture.mean.count]), covariance: matrix(fixture.covariance), name: "published"
    )
    let generated = try FeatureMoments(fixture.features(fixture.generated, "generated"))
    #expect(abs(try FrechetDistance(generated, published).value - fixture.fid) < 1e-9)
  }

  @Test(arguments: [[500, 16], [10, 64]]) func `a set and itself are at distance 0`(_ shape: [Int]) throws {
    let set = try FeatureSet(normalFeatures(shape, seed: 1, mean: 3), name: "real", metric: "fid")
    #expect(try FrechetDistance(generated: set, real: set).value < 1e-9)
  }

  @Test func `it does not matter which set is called real`() throws {
    let a = try FeatureSet(normalFeatures([90, 12], seed: 1), name: "a", metric: "fid")
    let b = try FeatureSet(normalFeatures([70, 12], seed: 2, mean: 0.5), name: "b", metric: "fid")
    let (one, other) = (try FrechetDistance(generated: a, real: b), try FrechetDistance(generated: b, real: a))
    #expect(abs(one.value - other.value) < 1e-10)
    #expect(one.value > 12 * 0.25 / 2)
  }
}

struct KernelDistanceTests {
  @Test func `values and deviations are scikit-learn's for the same subsets`() throws {
    let fixture = try GenerationFixture.read()
    for kid in fixture.kid {
      let found = try KernelDistance(
        generated: fixture.features(fixture.generated, "generated"), real: fixture.features(fixture.real, "real"),
        subsets: .init(count: kid.count, size: kid.size), seed: kid.seed, cancel: CancelFlag())
      #expect(abs(found.value - kid.value) < 1e-10)
      #expect(abs(found.deviation - kid.deviation) < 1e-10)
    }
  }

  @Test func `samples of one distribution are within four deviations of 0, and of another are not`() throws {
    let real = try FeatureSet(normalFeatures([2000, 16], seed: 1), name: "real", metric: "kid")
    let same = try FeatureSet(normalFeatures([2000, 16], seed: 2), name: "generated", metric: "kid")
    let other = try FeatureSet(normalFeatures([2000, 16], seed: 3, mean: 0.3), name: "generated", metric: "kid")
    let subsets = KernelDistance.Subsets(count: 20, size: 100)
    let near = try KernelDistance(generated: same, real: real, subsets: subsets, seed: 1, cancel: CancelFlag())
    let far = try KernelDistance(generated: other, real: real, subsets: subsets, seed: 1, cancel: CancelFlag())
    // Twenty subsets of a twentieth of the images hardly overlap.
    let error = near.deviation / 20.0.squareRoot()
    #expect(abs(near.value) < 4 * error)
    #expect(far.value > 4 * error)
  }
}

struct NeighbourhoodCoverageTests {
  @Test func `counts are those of scikit-learn's neighbours, whatever the block`() throws {
    let fixture = try GenerationFixture.read()
    for expected in fixture.neighbours {
      for block in [7, 1024] {
        let found = try NeighbourhoodCoverage(
          generated: fixture.features(fixture.generated, "generated"), real: fixture.features(fixture.real, "real"),
          neighbours: expected.k, block: block, cancel: CancelFlag())
        #expect(found.precision == Proportion(count: expected.precision, of: fixture.generated.count))
        #expect(found.recall == Proportion(count: expected.recall, of: fixture.real.count))
      }
    }
  }

  @Test func `a set covers itself, copies of one image in it too`() throws {
    let rows = try normalFeatures([200, 64], seed: 4, mean: 50)
    let copies = try Tensor.cat([rows, try rows.narrow(0, start: 0, length: 1).expand([20, 64])])
    let set = try FeatureSet(copies, name: "real", metric: "test")
    let found = try NeighbourhoodCoverage(generated: set, real: set, block: 33, cancel: CancelFlag())
    #expect(found.precision.value == 1)
    #expect(found.recall.value == 1)
  }

  @Test func `one good image drawn again and again has precision but no recall`() throws {
    let real = try FeatureSet(normalFeatures([300, 8], seed: 5), name: "real", metric: "test")
    let collapsed = try FeatureSet(
      real.rows.narrow(0, start: 0, length: 1).expand([50, 8]), name: "generated", metric: "test")
    let found = try NeighbourhoodCoverage(generated: collapsed, real: real, cancel: CancelFlag())
    #expect(found.precision.value == 1)
    #expect(found.recall.value < 0.05)
  }
}
